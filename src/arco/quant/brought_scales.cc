// Weights are integers times their step only as long as no pass has changed them, so that is looked at in the values.
#include "arco/quant/brought_scales.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "arco/graph/fused_clamp.h"
#include "arco/quant/match_grids.h"
#include "arco/quant/scales.h"
#include "arco/reference/elementwise.h"

namespace arco {

namespace {

constexpr double kLevelTolerance = 2e-4;  // of weights, in steps

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

// uint8 holds the same values as int8, less 128.
Grid grid_of(const LinearScale& scale, DataType type) {
  const int64_t least = type == DataType::kInt8 ? 0 : 128;
  return {static_cast<double>(scale.scale), static_cast<int32_t>(scale.zero - least)};
}

class Taker {
 public:
  Taker(Graph& graph, bool keep)
      : graph_(graph),
        keep_(keep),
        consumers_(graph.consumers()),
        producers_(graph.producers()),
        taken_(graph.tensors.size()) {}

  size_t run() {
    size_t taken = 0;
    for (const Node& node : graph_.nodes) {
      if (const auto* quantize = std::get_if<QuantizeLinear>(&node.op)) taken += take(node, quantize->type) ? 1 : 0;
    }
    return taken;
  }

 private:
  const std::vector<int>& readers_of(TensorId id) const { return consumers_[static_cast<size_t>(id)]; }
  bool is_output(TensorId id) const { return std::ranges::find(graph_.outputs, id) != graph_.outputs.end(); }

  bool take(const Node& node, DataType type) {
    const TensorId integers = node.outputs[0];
    const TensorId x = node.inputs[0];
    const auto scale = scale_of(graph_, node);
    if (!scale) return false;
    const Grid grid = grid_of(*scale, type);
    std::optional<Grid>& taken = taken_[static_cast<size_t>(x)];
    const bool differs = taken && *taken != grid && producers_[static_cast<size_t>(x)] >= 0;
    const auto& readers = readers_of(integers);
    const bool pairs = std::ranges::all_of(readers, [&](int reader) {
      const Node& other = graph_.nodes[static_cast<size_t>(reader)];
      return std::holds_alternative<DequantizeLinear>(other.op) && scale_of(graph_, other) == scale;
    });
    if (is_output(integers) || readers.empty() || !pairs || differs) return false;
    taken = grid;
    for (const int reader : readers) {
      Node& other = graph_.nodes[static_cast<size_t>(reader)];
      other.op = Identity{};
      other.inputs = {x};
    }
    if (graph_.tensor(x).constant) return true;
    graph_.tensor(x).grid = grid;
    limit(x, grid, readers);
    return true;
  }

  // Values beyond the grid saturate: in the node that makes them for the pair alone, or else where the pair was.
  void limit(TensorId x, const Grid& grid, const std::vector<int>& readers) {
    const bool is_activation = grid.zero == -128 || grid.zero == 127;
    const int producer = producers_[static_cast<size_t>(x)];
    if (!keep_ && !is_activation && producer >= 0) return;
    const bool alone = producer >= 0 && readers_of(x).size() == 1 && !is_output(x);
    Clamp* clamp = alone ? clamp_of(graph_.nodes[static_cast<size_t>(producer)].op) : nullptr;
    if (clamp != nullptr) {
      *clamp = limited(*clamp, grid);
      return;
    }
    Node& first = graph_.nodes[static_cast<size_t>(readers.front())];
    first.op = Clip{limited({}, grid)};
    graph_.tensor(first.outputs[0]).grid = grid;
    for (size_t i = 1; i < readers.size(); ++i) {
      graph_.nodes[static_cast<size_t>(readers[i])].inputs = {first.outputs[0]};
    }
    if (producer < 0) graph_.tensor(x).grid.reset();  // the host has it in float
  }

  Graph& graph_;
  const bool keep_;
  const std::vector<std::vector<int>> consumers_;
  const std::vector<int> producers_;
  // By TensorId: the last grid taken. A tensor in int8 has one, the host's float inputs may have more.
  std::vector<std::optional<Grid>> taken_;
};

}  // namespace

Clamp limited(const Clamp& clamp, const Grid& grid) {
  const auto low = static_cast<float>((-128 - grid.zero) * grid.step);
  const auto high = static_cast<float>((127 - grid.zero) * grid.step);
  return {std::clamp(clamp.low, low, high), std::clamp(clamp.high, low, high)};
}

size_t take_brought_scales(Graph& graph, bool keep) {
  const size_t taken = Taker(graph, keep).run();
  if (keep) match_grids(graph);
  return taken;
}

int brought_exponent(const Tensor& weights) {
  const std::vector<double> steps = channel_steps(weights);
  constexpr int kNoLimit = std::numeric_limits<int>::max();
  if (steps.empty() || std::ranges::any_of(steps, [&](double step) { return step != steps[0]; })) return kNoLimit;
  return is_power_of_two({steps[0]}) ? covering_exponent({steps[0]}) : kNoLimit;
}

int covering_exponent(const Grid& grid) {
  const double reach = std::max(std::abs(-128.0 - grid.zero), std::abs(127.0 - grid.zero));
  constexpr double kReach = 127.5;  // what rounds to 127
  return largest_exponent(grid.zero == 0 ? grid.step : grid.step * reach / kReach, 1);
}

bool is_power_of_two(const Grid& grid) {
  return grid.zero == 0 && std::ldexp(1.0, std::ilogb(grid.step)) == grid.step;
}

std::vector<double> channel_steps(const Tensor& weights) {
  if (weights.int8_steps.empty() || weights.int8_axis != 0 || !weights.constant || weights.shape.empty()) return {};
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

}  // namespace arco
