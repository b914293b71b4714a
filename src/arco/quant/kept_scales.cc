#include "arco/quant/kept_scales.h"

#include <cmath>
#include <map>

#include "arco/base/error.h"
#include "arco/quant/brought_scales.h"
#include "arco/quant/choose.h"

namespace arco {

namespace {

std::string text_of(const Grid& grid) {
  return grid.zero == 0 ? fmt::format("{:.4g}", grid.step) : fmt::format("{:.4g} around {}", grid.step, grid.zero);
}

void count(KeptScales& scales, bool kept, const std::string& name, const Grid& brought, const Grid& now) {
  ++scales.brought;
  scales.kept += kept ? 1 : 0;
  if (!kept && scales.example.empty())
    scales.example = fmt::format("'{}': {} becomes {}", name, text_of(brought), text_of(now));
}

// Steps of weights are kept where the weights have the integers that the model has.
void count_weights(const Graph& quantized, const Node& node, const Tensor& brought, KeptScales& scales) {
  const std::vector<double> steps = channel_steps(brought);
  if (steps.empty()) return;
  const Tensor& weights = quantized.tensor(node.inputs[1]);
  const auto integers = weights.constant->data<int8_t>();
  const auto values = brought.constant->data<float>();
  const size_t length = integers.size() / steps.size();
  for (size_t i = 0; i < integers.size(); ++i) {
    const size_t c = i / length;
    if (std::lround(static_cast<double>(values[i]) / steps[c]) == integers[i]) continue;
    const double multiplier = node.requantize->channels ? node.requantize->channels->multipliers[c] : 1;
    return count(scales, false, brought.name, {steps[c]}, {multiplier * weights.step()});
  }
  count(scales, true, brought.name, {}, {});
}

// Tensors of the float graph by name, those that bring something.
using Brought = std::map<std::string, const Tensor*>;

const Tensor* find(const Brought& brought, const std::string& name) {
  const std::string suffix = ".int8";
  auto found = brought.find(name);
  if (found == brought.end() && name.ends_with(suffix)) {
    found = brought.find(name.substr(0, name.size() - suffix.size()));
  }
  return found == brought.end() ? nullptr : found->second;
}

}  // namespace

BroughtScales compare_brought_scales(const Graph& graph, const Graph& quantized) {
  Brought activations;
  Brought weights;
  for (const Tensor& tensor : graph.tensors) {
    if (tensor.grid) activations[tensor.name] = &tensor;
    if (!tensor.int8_steps.empty()) weights[tensor.name] = &tensor;
  }
  BroughtScales result;
  for (const Tensor& tensor : quantized.tensors) {
    if (tensor.type != DataType::kInt8 || tensor.constant) continue;
    const Tensor* brought = find(activations, tensor.name);
    const Grid now{tensor.step(), tensor.zero()};
    if (brought != nullptr) count(result.activations, now == *brought->grid, brought->name, *brought->grid, now);
  }
  for (const Node& node : quantized.nodes) {
    if (!has_weights(node) || !node.requantize) continue;
    const Tensor* brought = find(weights, quantized.tensor(node.inputs[1]).name);
    if (brought != nullptr) count_weights(quantized, node, *brought, result.weights);
  }
  return result;
}

}  // namespace arco
