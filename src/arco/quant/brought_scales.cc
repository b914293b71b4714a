// Weights are integers times their step only as long as no pass has changed them, so that is looked at in the values.
#include "arco/quant/brought_scales.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "arco/base/error.h"
#include "arco/reference/elementwise.h"

namespace arco {

namespace {

constexpr double kLevelTolerance = 2e-4;  // of weights, in steps
constexpr double kStepTolerance = 1e-3;   // relative: 127 steps stay the same integer

struct LinearScale {
  float scale = 0;
  int64_t zero = 0;
  bool operator==(const LinearScale&) const = default;
};

// Scale and zero point of the two operators, if they are single constants.
std::optional<LinearScale> scale_of(const Graph& graph, const Node& node) {
  const auto constant = [&](size_t i) -> const Array* {
    if (i >= node.inputs.size() || node.inputs[i] == kNoTensor) return nullptr;
    const auto& value = graph.tensor(node.inputs[i]).constant;
    return value ? &*value : nullptr;
  };
  const Array* scale = constant(1);
  const bool has_zero = node.inputs.size() > 2 && node.inputs[2] != kNoTensor;
  if (scale == nullptr || scale->type() != DataType::kFloat32 || scale->size() != 1) return std::nullopt;
  if (has_zero && (constant(2) == nullptr || constant(2)->size() != 1)) return std::nullopt;
  LinearScale result{scale->data<float>()[0], 0};
  if (has_zero) result.zero = reference::convert(*constant(2), DataType::kInt64).data<int64_t>()[0];
  return std::isfinite(result.scale) && result.scale > 0 ? std::optional(result) : std::nullopt;
}

float symmetric_step(const LinearScale& scale, DataType type) {
  if (type == DataType::kInt8 && scale.zero == 0) return scale.scale;
  const int64_t low = type == DataType::kInt8 ? -128 : 0;
  const int64_t high = low + 255;
  const auto reach = static_cast<float>(std::max(std::abs(low - scale.zero), std::abs(high - scale.zero)));
  return scale.scale * reach / 127;
}

}  // namespace

size_t take_brought_scales(Graph& graph) {
  const auto consumers = graph.consumers();
  size_t taken = 0;
  for (const Node& node : graph.nodes) {
    const auto* quantize = std::get_if<QuantizeLinear>(&node.op);
    if (quantize == nullptr) continue;
    const TensorId integers = node.outputs[0];
    const auto scale = scale_of(graph, node);
    const auto& readers = consumers[static_cast<size_t>(integers)];
    const bool is_output = std::ranges::find(graph.outputs, integers) != graph.outputs.end();
    const bool pairs = std::ranges::all_of(readers, [&](int reader) {
      const Node& other = graph.nodes[static_cast<size_t>(reader)];
      return std::holds_alternative<DequantizeLinear>(other.op) && scale_of(graph, other) == scale;
    });
    if (!scale || is_output || readers.empty() || !pairs) continue;
    const TensorId x = node.inputs[0];
    for (const int reader : readers) {
      Node& other = graph.nodes[static_cast<size_t>(reader)];
      other.op = Identity{};
      other.inputs = {x};
    }
    if (!graph.tensor(x).constant) graph.tensor(x).int8_steps = {symmetric_step(*scale, quantize->type)};
    ++taken;
  }
  return taken;
}

std::vector<double> channel_steps(const Tensor& weights) {
  if (weights.int8_steps.empty() || !weights.constant || weights.shape.empty()) return {};
  const auto channels = static_cast<size_t>(weights.shape[0]);
  const auto& steps = weights.int8_steps;
  if (steps.size() != 1 && steps.size() != channels) return {};
  std::vector<double> result;
  for (size_t c = 0; c < channels; ++c) result.push_back(static_cast<double>(steps[steps.size() == 1 ? 0 : c]));
  const auto values = weights.constant->data<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    const double step = result[i / (values.size() / channels)];
    const double level = static_cast<double>(values[i]) / step;
    constexpr double kHighestLevel = 127;
    if (!(step > 0) || std::fabs(level - std::round(level)) > kLevelTolerance || std::fabs(level) > kHighestLevel + 0.1)
      return {};
  }
  return result;
}

namespace {

void count(KeptScales& scales, bool kept, const std::string& name, double brought, double now) {
  ++scales.brought;
  scales.kept += kept ? 1 : 0;
  if (!kept && scales.example.empty()) scales.example = fmt::format("'{}': {:.4g} becomes {:.4g}", name, brought, now);
}

// The node's steps beside those that its float weights bring.
void count_weights(const Graph& quantized, const Node& node, const Tensor& brought, KeptScales& scales) {
  const std::vector<double> steps = channel_steps(brought);
  if (steps.empty()) return;
  const int exponent = quantized.tensor(node.inputs[1]).exponent;
  for (size_t c = 0; c < steps.size(); ++c) {
    const double multiplier = node.requantize->channels ? node.requantize->channels->multipliers[c] : 1;
    const double now = std::ldexp(multiplier, -exponent);
    if (std::fabs(now / steps[c] - 1) > kStepTolerance) return count(scales, false, brought.name, steps[c], now);
  }
  count(scales, true, brought.name, 0, 0);
}

}  // namespace

BroughtScales compare_brought_scales(const Graph& graph, const Graph& quantized) {
  std::map<std::string, const Tensor*> brought;
  for (const Tensor& tensor : graph.tensors) {
    if (!tensor.int8_steps.empty()) brought[tensor.name] = &tensor;
  }
  BroughtScales result;
  const std::string suffix = ".int8";
  for (const Tensor& tensor : quantized.tensors) {
    if (tensor.type != DataType::kInt8 || tensor.constant) continue;
    auto found = brought.find(tensor.name);
    if (found == brought.end() && tensor.name.ends_with(suffix)) {
      found = brought.find(tensor.name.substr(0, tensor.name.size() - suffix.size()));
    }
    if (found == brought.end()) continue;
    const auto step = static_cast<double>(found->second->int8_steps[0]);
    const double now = std::ldexp(1.0, -tensor.exponent);
    count(result.activations, now == step, found->first, step, now);
  }
  for (const Node& node : quantized.nodes) {
    const bool weighted = std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op);
    if (!weighted || !node.requantize) continue;
    const auto found = brought.find(quantized.tensor(node.inputs[1]).name);
    if (found != brought.end()) count_weights(quantized, node, *found->second, result.weights);
  }
  return result;
}

}  // namespace arco
