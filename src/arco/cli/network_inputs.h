// The arrays a network runs on, and what becomes of its results.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "arco/cli/console.h"
#include "arco/graph/graph.h"

namespace CLI {
class App;
}

namespace arco {

// The flags --input and --output, both repeatable.
void add_array_options(CLI::App& command, std::vector<std::string>& inputs, std::vector<std::string>& outputs);

// One array for each graph input from "X.npy" (in order) or "NAME=X.npy" flags; without flags seeded noise, with a
// warning. Arrays may lack the leading 1 of the shape. All unusable flags are one UserError.
std::vector<Array> network_inputs(const Graph& graph, const std::vector<std::string>& flags, uint64_t seed,
                                  Console& console);

// The file for each tensor of `ids` from "Y.npy" or "NAME=Y.npy" flags; "" where none is given.
std::vector<std::string> files_by_tensor(const Graph& graph, const std::vector<TensorId>& ids, const char* flag_name,
                                         const std::vector<std::string>& flags);

// UserError for a folder where a file is to be written; to be called before any work.
void check_is_no_folder(const std::string& written);

// UserError when a file to write is the one that is read; `what` names that ("the model").
void check_keeps(const std::string& read, const char* what, const std::vector<std::string>& written);

// A line for each output: name, type, shape, and its largest values of the first row.
// A warning for each output that holds infinities or not-a-numbers.
void warn_of_not_finite(const Graph& graph, const std::vector<Array>& outputs, Console& console);
void print_outputs(const Graph& graph, const std::vector<Array>& outputs, Console& console);
nlohmann::json outputs_to_json(const Graph& graph, const std::vector<Array>& outputs);
// Each output as .npy to its file, if it has one.
void write_outputs(const std::vector<std::string>& files, const std::vector<Array>& outputs, Console& console);

}  // namespace arco
