// Which nodes of a float graph run in int8, and why the others do not.
#pragma once

#include <string>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// For each node why it stays in float, as a text for people; empty if it runs in int8.
//   Conv, Dense   float weights and bias are constants, the residual is not
//   Add           two non-constant operands of equal shape
//   Pool          maximum; average if all windows have the same divisor
//   Clip, Concat, Reshape, Slice, nearest Resize and whatever else only moves or limits values follows its neighbours,
//                 so that float data does not lose precision between two float operators; a Clip of a graph input
//                 stays in float
//   Unary         between two int8 nodes, as a table
// Nodes named in `float_nodes` stay in float.
std::vector<std::string> reasons_for_float(const Graph& graph, const std::vector<std::string>& float_nodes);

// Whether inputs and output of the operator hold the same values, or the greatest of them, so that one scale does.
bool moves_values(const Op& op);
bool has_weights(const Node& node);  // Conv, Dense
bool is_average(const Node& node);

// The divisor of an average pooling node whose windows all have the same one, else 0.
int64_t average_divisor(const Graph& graph, const Node& node);

}  // namespace arco
