// The arrays a compiled network runs on, and the files its results go to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "arco/cli/console.h"
#include "arco/graph/graph.h"

namespace arco {

// One array for each graph input from "X.npy" (in order) or "NAME=X.npy" flags; without flags seeded noise, with a
// warning. Arrays may lack the leading 1 of the shape. All unusable flags are one UserError.
std::vector<Array> network_inputs(const Graph& graph, const std::vector<std::string>& flags, uint64_t seed,
                                  Console& console);

// The file for each tensor of `ids` from "Y.npy" or "NAME=Y.npy" flags; "" where none is given.
std::vector<std::string> files_by_tensor(const Graph& graph, const std::vector<TensorId>& ids, const char* flag_name,
                                         const std::vector<std::string>& flags);

}  // namespace arco
