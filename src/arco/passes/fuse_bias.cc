// conv(x) + c = conv with bias b + c, as long as nothing (clamp) stands between the two additions.
#include "arco/graph/fused_clamp.h"
#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

// Merges `add` into the node that makes its input `side`, if the other input is a constant per channel.
bool merge(Graph& graph, passes::Sweep& sweep, const Node& add, size_t side) {
  const TensorId sum = add.inputs[side];
  const int maker = sweep.producer(sum);
  if (maker < 0 || !sweep.has_one_reader(sum)) return false;
  Node& node = graph.nodes[static_cast<size_t>(maker)];
  if (!passes::has_constant_weights(graph, node) || !clamp_of(node.op)->is_identity()) return false;
  const Shape& y = graph.tensor(sum).shape;
  if (y != graph.tensor(add.outputs[0]).shape) return false;
  const auto addend = passes::per_channel_values(graph, add.inputs[1 - side], y[1], y.size());
  auto bias = passes::bias_values(graph, node, y[1]);
  if (addend.empty() || bias.empty()) return false;
  for (size_t i = 0; i < bias.size(); ++i) bias[i] += addend[i];
  passes::set_bias(graph, node, bias);
  *clamp_of(node.op) = std::get<Add>(add.op).clamp;
  sweep.set_output(maker, add.outputs[0]);
  return true;
}

}  // namespace

void fuse_bias(Graph& graph) {
  passes::Sweep sweep(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& add = graph.nodes[n];
    if (!std::holds_alternative<Add>(add.op) || add.requantize) continue;
    if (merge(graph, sweep, add, 0) || merge(graph, sweep, add, 1)) sweep.remove(static_cast<int>(n));
  }
  sweep.finish();
}

}  // namespace arco
