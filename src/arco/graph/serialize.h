// A graph as JSON (structure) and a blob (bytes of the constants).
//
//   {"name": "net", "inputs": [0], "outputs": [5],
//    "tensors": [{"name": "w", "type": "int8", "shape": [4,3,3,3], "exponent": 7, "constant": 128}, ...],
//    "nodes": [{"name": "conv1", "op": "Conv", "inputs": [0,1,-1,4], "outputs": [2], "strides": [2,2], ...,
//               "requantize": {"shift": 9, ...}}, ...]}
//
// "constant" is the offset of a tensor's bytes in the blob, a multiple of 64.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "arco/graph/graph.h"
#include "arco/graph/json_view.h"

namespace arco {

// Appends the constants to `blob`. Shapes must have been inferred.
nlohmann::json serialize(const Graph& graph, std::vector<uint8_t>& blob);

// The inverse. Nothing is trusted: identifiers, names of operators and types, shapes, constants that leave the blob,
// invariants (Graph::check), and types and shapes that inference would not give are UserErrors that name the place.
Graph deserialize(const JsonView& json, std::span<const uint8_t> blob);

}  // namespace arco
