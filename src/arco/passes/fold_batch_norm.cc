// y = gamma * (conv(x) - mean) / sqrt(variance + epsilon) + beta  per output channel o. With s = gamma / sqrt(variance
// + epsilon):  w'[o] = s[o] w[o],  b'[o] = s[o] (b[o] - mean[o]) + beta[o].
#include <cmath>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

bool has_constant_parameters(const Graph& graph, const Node& norm) {
  for (size_t i = 1; i < 5; ++i) {
    if (!graph.tensor(norm.inputs[i]).constant) return false;
  }
  return true;
}

// The first dimension of the weights is the output channel, for Conv and Dense alike.
Array scaled(const Array& weights, const std::vector<double>& scale) {
  Array result(DataType::kFloat32, weights.shape());
  const auto in = weights.data<float>();
  auto out = result.mutable_data<float>();
  const size_t row = in.size() / scale.size();
  for (size_t i = 0; i < in.size(); ++i) out[i] = static_cast<float>(in[i] * scale[i / row]);
  return result;
}

bool fold(Graph& graph, passes::Sweep& sweep, const Node& norm) {
  const TensorId x = norm.inputs[0];
  const int maker = sweep.producer(x);
  if (maker < 0 || !sweep.has_one_reader(x) || !has_constant_parameters(graph, norm)) return false;
  Node& node = graph.nodes[static_cast<size_t>(maker)];
  const bool foldable = passes::has_constant_weights(graph, node) && passes::clamp_of(node.op)->is_identity() &&
                        !passes::has_input(node, 3);
  if (!foldable) return false;
  const auto channels = graph.tensor(x).shape[1];
  auto bias = passes::bias_values(graph, node, channels);
  if (bias.empty()) return false;
  const auto parameter = [&](size_t i) { return graph.tensor(norm.inputs[i]).constant->data<float>(); };
  const auto gamma = parameter(1), beta = parameter(2), mean = parameter(3), variance = parameter(4);
  const double epsilon = std::get<BatchNorm>(norm.op).epsilon;
  std::vector<double> scale(bias.size());
  for (size_t o = 0; o < scale.size(); ++o) {
    scale[o] = gamma[o] / std::sqrt(variance[o] + epsilon);
    bias[o] = scale[o] * (bias[o] - mean[o]) + beta[o];
  }
  const Array weights = scaled(*graph.tensor(node.inputs[1]).constant, scale);
  passes::set_input(node, 1, graph.add_constant(node.name + ".weight", weights));
  passes::set_bias(graph, node, bias);
  sweep.set_output(maker, norm.outputs[0]);
  return true;
}

}  // namespace

void fold_batch_norm(Graph& graph) {
  passes::Sweep sweep(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& norm = graph.nodes[n];
    if (!std::holds_alternative<BatchNorm>(norm.op) || norm.requantize) continue;
    if (fold(graph, sweep, norm)) sweep.remove(static_cast<int>(n));
  }
  sweep.finish();
}

}  // namespace arco
