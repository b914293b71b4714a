// y = s * conv(x) + o  per output channel c:  w'[c] = s[c] w[c],  b'[c] = s[c] b[c] + o[c].
#include "arco/passes/affine.h"
#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

// Weights [O, ...] of Conv and Dense, [I, O / groups, ...] of ConvTranspose.
Array scaled(const Op& op, const Array& weights, const std::vector<double>& scale) {
  Array result(DataType::kFloat32, weights.shape());
  const auto in = weights.data<float>();
  auto out = result.mutable_data<float>();
  size_t row = in.size() / scale.size();
  size_t group_outputs = scale.size();
  size_t group_values = in.size();
  if (const auto* transposed = std::get_if<ConvTranspose>(&op)) {
    const Shape& shape = weights.shape();
    row = static_cast<size_t>(shape[2] * shape[3]);
    group_outputs = static_cast<size_t>(shape[1]);
    group_values = in.size() / static_cast<size_t>(transposed->groups);
  }
  for (size_t i = 0; i < in.size(); ++i) {
    const size_t channel = i / group_values * group_outputs + i / row % group_outputs;
    out[i] = static_cast<float>(in[i] * scale[channel]);
  }
  return result;
}

bool fold(Graph& graph, passes::Sweep& sweep, const Node& node) {
  const auto affine = passes::affine_of(graph, node);
  if (!affine) return false;
  const int taker = passes::affine_taker(graph, sweep, affine->x);
  if (taker < 0) return false;
  Node& layer = graph.nodes[static_cast<size_t>(taker)];
  auto bias = passes::bias_values(graph, layer, static_cast<int64_t>(affine->scale.size()));
  for (size_t c = 0; c < bias.size(); ++c) bias[c] = affine->scale[c] * bias[c] + affine->offset[c];
  const Array weights = scaled(layer.op, *graph.tensor(layer.inputs[1]).constant, affine->scale);
  passes::set_input(layer, 1, graph.add_constant(layer.name + ".weight", weights));
  passes::set_bias(graph, layer, bias);
  sweep.set_output(sweep.producer(affine->x), node.outputs[0]);
  return true;
}

}  // namespace

void fold_batch_norm(Graph& graph) {
  passes::Sweep sweep(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (fold(graph, sweep, graph.nodes[n])) sweep.remove(static_cast<int>(n));
  }
  sweep.finish();
}

}  // namespace arco
