// Reshape and Flatten keep the order of the values, so of two in a row the second alone does. Where that leaves the
// shape as it was, none is needed: convolutions of a line follow each other without a step between them.
#include <numeric>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {

void merge_reshapes(Graph& graph) {
  passes::Sweep sweep(graph);
  std::vector<TensorId> same(graph.tensors.size());  // by TensorId: the tensor that readers read instead
  std::iota(same.begin(), same.end(), 0);
  const auto reshapes = [](const Node& node) {
    return std::holds_alternative<Reshape>(node.op) || std::holds_alternative<Flatten>(node.op);
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    for (TensorId& id : node.inputs) {
      if (id != kNoTensor) id = same[static_cast<size_t>(id)];
    }
    if (!reshapes(node) || node.requantize) continue;
    const int maker = sweep.producer(node.inputs[0]);
    if (maker < 0 || !reshapes(graph.nodes[static_cast<size_t>(maker)])) continue;
    const TensorId from = graph.nodes[static_cast<size_t>(maker)].inputs[0];
    const TensorId to = node.outputs[0];
    node.inputs[0] = from;
    node.op = Reshape{graph.tensor(to).shape};
    if (graph.tensor(from).shape != graph.tensor(to).shape || sweep.is_output(to)) continue;
    same[static_cast<size_t>(to)] = from;
    if (!graph.tensor(from).grid) graph.tensor(from).grid = graph.tensor(to).grid;
    sweep.remove(static_cast<int>(n));
  }
  sweep.finish();
}

}  // namespace arco
