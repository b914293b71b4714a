//   a --> conv --> t --+
//                      Add --> y        becomes        a, r --> conv with residual r --> y
//   r -----------------+
// The fused node stands in the Add's place, where both operands exist; nothing else reads t.
#include <algorithm>

#include "arco/graph/fused_clamp.h"
#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

// The node that makes input `side` of `add` if it can take the other input as residual, else -1.
int taker(Graph& graph, const passes::Sweep& sweep, const Node& add, size_t side) {
  const TensorId sum = add.inputs[side];
  const Tensor& residual = graph.tensor(add.inputs[1 - side]);
  const int maker = sweep.producer(sum);
  if (maker < 0 || sweep.is_removed(maker) || !sweep.has_one_reader(sum)) return -1;
  Node& node = graph.nodes[static_cast<size_t>(maker)];
  const bool fits = passes::has_constant_weights(graph, node) && !passes::has_input(node, 3) &&
                    clamp_of(node.op)->is_identity() && !residual.constant && residual.shape == graph.tensor(sum).shape;
  return fits ? maker : -1;
}

}  // namespace

void fuse_residual(Graph& graph) {
  passes::Sweep sweep(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node add = graph.nodes[n];
    if (!std::holds_alternative<Add>(add.op) || add.requantize) continue;
    const int first = taker(graph, sweep, add, 0);
    const int second = taker(graph, sweep, add, 1);
    if (first < 0 && second < 0) continue;
    const int maker = std::max(first, second);
    const TensorId residual = add.inputs[maker == first ? 1 : 0];
    Node fused = graph.nodes[static_cast<size_t>(maker)];
    passes::set_input(fused, 3, residual);
    *clamp_of(fused.op) = std::get<Add>(add.op).clamp;
    graph.nodes[n] = std::move(fused);
    sweep.set_output(static_cast<int>(n), add.outputs[0]);
    sweep.remove(maker);
  }
  sweep.finish();
}

}  // namespace arco
