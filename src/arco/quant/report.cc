// The quantised graph keeps the names of tensors (an int8 graph output is called "<name>.int8", with the float form
// under the plain name), so results are matched by name: first the float run is kept, then the quantised one is
// compared with it.
#include "arco/quant/report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "arco/base/error.h"
#include "arco/reference/interpreter.h"

namespace arco {
namespace {

double ratio_db(double signal, double noise) {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

// Sums over all elements and input sets.
struct Sums {
  double signal = 0;
  double noise = 0;
  size_t saturated = 0;
  size_t elements = 0;
};

struct Comparison {
  TensorNoise& line;
  Sums& sums;
};

bool is_saturated(int8_t value, const TensorNoise& line) {
  if (!line.on_grid) return std::abs(int{value}) == 127;
  return (value == 127 || value == -128) && value != line.scale.zero;
}

std::string type_text(const TensorNoise& line) {
  if (!line.is_int8) return "float32";
  return line.on_grid ? "int8" : fmt::format("int8 e{}", -std::ilogb(line.scale.step));
}

void compare(const Array& expected, const Array& actual, const Comparison& to) {
  const auto x = expected.data<float>();
  const bool is_int8 = actual.type() == DataType::kInt8;
  ARCO_CHECK(expected.size() == actual.size(), "tensor '{}' changed its size", to.line.tensor);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto signal = static_cast<double>(x[i]);
    const double value = is_int8 ? (actual.data<int8_t>()[i] - to.line.scale.zero) * to.line.scale.step
                                 : static_cast<double>(actual.data<float>()[i]);
    to.sums.signal += signal * signal;
    to.sums.noise += (signal - value) * (signal - value);
    to.line.max_abs = std::max(to.line.max_abs, std::fabs(signal));
    to.line.max_error = std::max(to.line.max_error, std::fabs(signal - value));
    if (is_int8 && is_saturated(actual.data<int8_t>()[i], to.line)) ++to.sums.saturated;
  }
  to.sums.elements += x.size();
}

// The line of each compared tensor, by the id in the quantised graph; -1 elsewhere.
std::vector<int> match_tensors(const Graph& float_graph, const Graph& quantized, std::vector<TensorNoise>& report) {
  std::map<std::string, int> lines;
  for (const Node& node : float_graph.nodes) {
    for (const TensorId id : node.outputs) {
      if (float_graph.tensor(id).type != DataType::kFloat32) continue;
      lines[float_graph.tensor(id).name] = static_cast<int>(report.size());
      report.push_back({.tensor = float_graph.tensor(id).name, .node = node.name, .op = op_name(node.op)});
    }
  }
  std::vector<int> result(quantized.tensors.size(), -1);
  for (const Node& node : quantized.nodes) {
    if (std::holds_alternative<Quantize>(node.op) || std::holds_alternative<Dequantize>(node.op)) continue;
    for (const TensorId id : node.outputs) {
      const Tensor& tensor = quantized.tensor(id);
      auto found = lines.find(tensor.name);
      const std::string_view suffix = ".int8";
      if (found == lines.end() && tensor.name.ends_with(suffix)) {
        found = lines.find(tensor.name.substr(0, tensor.name.size() - suffix.size()));
      }
      if (found == lines.end()) continue;
      result[static_cast<size_t>(id)] = found->second;
      TensorNoise& line = report[static_cast<size_t>(found->second)];
      line.is_int8 = tensor.type == DataType::kInt8;
      line.scale = {tensor.step(), tensor.zero()};
      line.on_grid = tensor.grid.has_value();
    }
  }
  return result;
}

}  // namespace

double signal_to_noise_db(std::span<const float> signal, std::span<const float> approximation) {
  ARCO_CHECK(signal.size() == approximation.size(), "{} and {} elements", signal.size(), approximation.size());
  double power = 0;
  double noise = 0;
  for (size_t i = 0; i < signal.size(); ++i) {
    const double difference = static_cast<double>(signal[i]) - static_cast<double>(approximation[i]);
    power += static_cast<double>(signal[i]) * static_cast<double>(signal[i]);
    noise += difference * difference;
  }
  return ratio_db(power, noise);
}

AccuracyReport measure_accuracy(const Graph& float_graph, const Graph& quantized,
                                const std::vector<std::vector<Array>>& sets, const std::vector<int64_t>& labels) {
  AccuracyReport report;
  std::vector<TensorNoise>& layers = report.layers;
  const std::vector<int> line_of = match_tensors(float_graph, quantized, layers);
  std::vector<Sums> sums(layers.size());
  Top1Counter top1(float_graph, static_cast<int64_t>(sets.size()), labels);
  for (const auto& inputs : sets) {
    std::map<std::string, Array> expected;
    const auto float_outputs = run_reference(
        float_graph, inputs, [&](TensorId id, const Array& value) { expected[float_graph.tensor(id).name] = value; });
    const auto int8_outputs = run_reference(quantized, inputs, [&](TensorId id, const Array& value) {
      const int line = line_of[static_cast<size_t>(id)];
      if (line < 0) return;
      const auto index = static_cast<size_t>(line);
      compare(expected.at(layers[index].tensor), value, {layers[index], sums[index]});
    });
    top1.add(float_outputs, int8_outputs);
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    layers[i].signal_to_noise_db = ratio_db(sums[i].signal, sums[i].noise);
    if (sums[i].elements > 0) {
      layers[i].saturated = static_cast<double>(sums[i].saturated) / static_cast<double>(sums[i].elements);
    }
  }
  report.top1 = top1.result();
  const Shape& input = float_graph.tensor(float_graph.inputs.at(0)).shape;
  report.samples = static_cast<int64_t>(sets.size()) * (input.empty() ? 1 : input[0]);
  return report;
}

std::vector<TensorNoise> compare_quantized(const Graph& float_graph, const Graph& quantized,
                                           const std::vector<std::vector<Array>>& sets) {
  return measure_accuracy(float_graph, quantized, sets).layers;
}

std::vector<TensorNoise> worst_first(std::vector<TensorNoise> layers) {
  std::stable_sort(layers.begin(), layers.end(), [](const TensorNoise& a, const TensorNoise& b) {
    return a.signal_to_noise_db < b.signal_to_noise_db;
  });
  return layers;
}

std::string to_text(const std::vector<TensorNoise>& report) {
  size_t node_width = 4;
  size_t op_width = 8;
  size_t type_width = 7;
  for (const auto& line : report) {
    node_width = std::max(node_width, line.node.size());
    op_width = std::max(op_width, line.op.size());
    type_width = std::max(type_width, type_text(line).size());
  }
  std::string text =
      fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>7}  {:>10}  {:>10}  {:>9}\n", "node", node_width, "operator", op_width,
                  "type", type_width, "SNR dB", "max |x|", "max error", "saturated");
  for (const auto& line : report) {
    text += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>7.1f}  {:>10.4g}  {:>10.4g}  {:>8.2f}%\n", line.node, node_width,
                        line.op, op_width, type_text(line), type_width, line.signal_to_noise_db, line.max_abs,
                        line.max_error, 100 * line.saturated);
  }
  return text;
}

}  // namespace arco
