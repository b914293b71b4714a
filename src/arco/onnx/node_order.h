// The order in which nodes can be computed.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "arco/base/error.h"

namespace arco {

// Name of a node in messages and in the graph: its own, or "Conv_7" from operator and position when it has none.
std::string node_label(const onnx::NodeProto& node, int index);

// Indices of the nodes so that each comes after those whose outputs it reads; the file's order is kept where it already
// is one. `defined` counts how often graph inputs and initializers define a name. Names read but never defined, names
// defined twice, and cycles are added to `errors`; nodes of a cycle are left out of the result.
std::vector<int> order_nodes(const onnx::GraphProto& graph, const std::unordered_map<std::string, int>& defined,
                             ErrorList& errors);

}  // namespace arco
