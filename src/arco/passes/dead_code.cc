// Mark backwards from the graph outputs, then renumber what is left.
#include <algorithm>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

void renumber(std::vector<TensorId>& ids, const std::vector<TensorId>& renumbered) {
  for (TensorId& id : ids) {
    if (id != kNoTensor) id = renumbered[static_cast<size_t>(id)];
  }
}

}  // namespace

void dead_code(Graph& graph) {
  std::vector<bool> needed(graph.tensors.size(), false);
  const auto need = [&](TensorId id) {
    if (id != kNoTensor) needed[static_cast<size_t>(id)] = true;
  };
  std::for_each(graph.outputs.begin(), graph.outputs.end(), need);
  passes::Sweep sweep(graph);
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    const bool live = std::any_of(node.outputs.begin(), node.outputs.end(),
                                  [&](TensorId id) { return needed[static_cast<size_t>(id)]; });
    if (live) {
      std::for_each(node.inputs.begin(), node.inputs.end(), need);
      std::for_each(node.outputs.begin(), node.outputs.end(), need);
    } else {
      sweep.remove(static_cast<int>(n));
    }
  }
  sweep.finish();
  std::for_each(graph.inputs.begin(), graph.inputs.end(), need);

  std::vector<TensorId> renumbered(graph.tensors.size(), kNoTensor);
  std::vector<Tensor> kept;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (!needed[i]) continue;
    renumbered[i] = static_cast<TensorId>(kept.size());
    kept.push_back(std::move(graph.tensors[i]));
  }
  graph.tensors = std::move(kept);
  renumber(graph.inputs, renumbered);
  renumber(graph.outputs, renumbered);
  for (Node& node : graph.nodes) {
    renumber(node.inputs, renumbered);
    renumber(node.outputs, renumbered);
  }
}

}  // namespace arco
