// Flatten and Reshape move nothing in row-major order, and Dense only asks for the values of each row. The reshape
// itself is left to dead_code, for others may read it.
#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {

void absorb_flatten(Graph& graph) {
  const auto producers = graph.producers();
  for (Node& node : graph.nodes) {
    if (!std::holds_alternative<Dense>(node.op) || node.requantize) continue;
    for (;;) {
      const int maker = producers[static_cast<size_t>(node.inputs[0])];
      if (maker < 0) break;
      const Node& reshape = graph.nodes[static_cast<size_t>(maker)];
      const bool reshapes = std::holds_alternative<Flatten>(reshape.op) || std::holds_alternative<Reshape>(reshape.op);
      if (!reshapes) break;
      const Shape& before = graph.tensor(reshape.inputs[0]).shape;
      const Shape& after = graph.tensor(reshape.outputs[0]).shape;
      if (before.size() < 2 || before[0] != after[0]) break;
      node.inputs[0] = reshape.inputs[0];
    }
  }
}

}  // namespace arco
