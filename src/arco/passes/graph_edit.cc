// Passes look at a consumer and merge it into its producer. Doing that in topological order with these tables kept up
// to date makes every pass linear in the size of the graph.
#include "arco/passes/graph_edit.h"

#include "arco/base/error.h"
#include "arco/graph/fused_clamp.h"

namespace arco::passes {

Sweep::Sweep(Graph& graph)
    : graph_(graph),
      producer_(graph.producers()),
      readers_(graph.tensors.size(), 0),
      is_output_(graph.tensors.size(), false),
      removed_(graph.nodes.size(), false) {
  for (const Node& node : graph.nodes) {
    for (const TensorId id : node.inputs) {
      if (id != kNoTensor) ++readers_[static_cast<size_t>(id)];
    }
  }
  for (const TensorId id : graph.outputs) is_output_[static_cast<size_t>(id)] = true;
}

void Sweep::set_output(int maker, TensorId id) {
  graph_.nodes[static_cast<size_t>(maker)].outputs = {id};
  producer_[static_cast<size_t>(id)] = maker;
}

void Sweep::finish() {
  std::vector<Node> kept;
  for (size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (!removed_[n]) kept.push_back(std::move(graph_.nodes[n]));
  }
  graph_.nodes = std::move(kept);
}

bool has_input(const Node& node, size_t index) {
  return index < node.inputs.size() && node.inputs[index] != kNoTensor;
}

void set_input(Node& node, size_t index, TensorId id) {
  if (node.inputs.size() <= index) node.inputs.resize(index + 1, kNoTensor);
  node.inputs[index] = id;
}

bool has_constant_weights(const Graph& graph, const Node& node) {
  const bool multiplies = std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op);
  if (!multiplies || node.requantize) return false;
  const Tensor& weights = graph.tensor(node.inputs[1]);
  return weights.constant && weights.type == DataType::kFloat32;
}

namespace {

bool keeps_channels(const Graph& graph, const Node& node) {
  const Shape& from = graph.tensor(node.inputs[0]).shape;
  const Shape& to = graph.tensor(node.outputs[0]).shape;
  return std::holds_alternative<Reshape>(node.op) && from.size() > 1 && to.size() > 1 && from[0] == to[0] &&
         from[1] == to[1];
}

bool takes_affine(const Graph& graph, const Node& node) {
  Op op = node.op;
  const Clamp* clamp = clamp_of(op);
  const bool is_layer = std::holds_alternative<Conv>(op) || std::holds_alternative<ConvTranspose>(op) ||
                        std::holds_alternative<Dense>(op);
  if (!is_layer || node.requantize || !clamp->is_identity() || has_input(node, 3)) return false;
  const auto is_constant = [&](size_t i) {
    const Tensor& tensor = graph.tensor(node.inputs[i]);
    return tensor.constant && tensor.type == DataType::kFloat32;
  };
  return is_constant(1) && (!has_input(node, 2) || is_constant(2));
}

}  // namespace

int affine_taker(const Graph& graph, const Sweep& sweep, TensorId id) {
  for (;;) {
    const int maker = sweep.producer(id);
    if (maker < 0 || sweep.is_removed(maker) || !sweep.has_one_reader(id)) return -1;
    const Node& node = graph.nodes[static_cast<size_t>(maker)];
    if (!keeps_channels(graph, node)) return takes_affine(graph, node) ? maker : -1;
    id = node.inputs[0];
  }
}

std::vector<double> per_channel_values(const Graph& graph, TensorId id, int64_t channels, size_t rank) {
  const Tensor& tensor = graph.tensor(id);
  if (!tensor.constant || tensor.type != DataType::kFloat32 || tensor.shape.size() > rank || rank < 2) return {};
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    // Dimensions are aligned at the right, so this is dimension `d` of the output.
    const size_t d = rank - tensor.shape.size() + i;
    const bool fits = tensor.shape[i] == 1 || (d == 1 && tensor.shape[i] == channels);
    if (!fits) return {};
  }
  const auto values = tensor.constant->data<float>();
  if (values.size() == 1) return std::vector<double>(static_cast<size_t>(channels), values[0]);
  return {values.begin(), values.end()};
}

std::vector<double> bias_values(const Graph& graph, const Node& node, int64_t channels) {
  if (!has_input(node, 2)) return std::vector<double>(static_cast<size_t>(channels), 0.0);
  const Tensor& bias = graph.tensor(node.inputs[2]);
  if (!bias.constant || bias.type != DataType::kFloat32) return {};
  const auto values = bias.constant->data<float>();
  return {values.begin(), values.end()};
}

void set_bias(Graph& graph, Node& node, const std::vector<double>& values) {
  const std::vector<float> rounded(values.begin(), values.end());
  const Shape shape{static_cast<int64_t>(values.size())};
  set_input(node, 2, graph.add_constant(node.name + ".bias", Array::of<float>(shape, rounded)));
}

}  // namespace arco::passes
