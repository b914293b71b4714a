// Exponents start at the finest value that the calibrated range allows and are only ever lowered (made coarser), until
// no node has a complaint:
//
//     MaxPool, Clip, Concat, ...   inputs and output are one exponent (a union-find group)
//     Unary                        nothing: its table takes any scales
//     Conv, Dense                  -15 <= ex + ew - ey <= 31,  0 <= ex + ew - er <= 24
//     Add                          |ea - eb| <= 16,  -15 <= max(ea, eb) - ey <= 31
//     AveragePool                  a multiplier for 2^(ey - ex) / divisor exists
//     all of these                 the accumulator fits in int32, also after a left shift
//
// A node whose wishes contradict each other (a residual that is its own input, with weights above 127) would lower
// exponents forever; it is found by a floor, left in float, and the search starts again.
#include "arco/quant/scales.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "arco/base/error.h"
#include "arco/quant/brought_scales.h"
#include "arco/quant/choose.h"
#include "arco/quant/quantize.h"

namespace arco {

int largest_exponent(double max_abs, double limit) {
  int e = std::ilogb(limit / max_abs);
  while (std::ldexp(max_abs, e) > limit) --e;
  while (std::ldexp(max_abs, e + 1) <= limit) ++e;
  return e;
}

std::optional<AverageScale> average_scale(int64_t divisor, int exponent) {
  for (int shift = kHighestShift; shift >= kLowestShift; --shift) {
    const double multiplier = std::round(std::ldexp(1.0 / static_cast<double>(divisor), shift + exponent));
    if (multiplier < 1 || multiplier > kHighestMultiplier) continue;
    const double rounding = shift > 0 ? std::ldexp(1.0, shift - 1) : 0.0;
    const double worst = static_cast<double>(divisor) * 127 * multiplier + rounding;
    if (std::ldexp(worst, std::max(0, -shift)) >= 2147483648.0) continue;
    return AverageScale{static_cast<int32_t>(multiplier), shift};
  }
  return std::nullopt;
}

namespace {

// What the limits of an accumulator depend on.
struct WeightStatistics {
  double max_abs = 0;
  double largest_row = 0;  // max over output channels of the sum of |w|
  double row_length = 0;   // weights per output channel
  double max_bias = 0;
};

WeightStatistics statistics_of(const Graph& graph, const Node& node) {
  WeightStatistics s;
  const Array& w = *graph.tensor(node.inputs[1]).constant;
  const auto rows = static_cast<size_t>(w.shape()[0]);
  const auto values = w.data<float>();
  const size_t length = values.size() / rows;
  s.row_length = static_cast<double>(length);
  for (size_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (size_t i = row * length; i < (row + 1) * length; ++i) {
      const double magnitude = std::fabs(static_cast<double>(values[i]));
      s.max_abs = std::max(s.max_abs, magnitude);
      sum += magnitude;
    }
    s.largest_row = std::max(s.largest_row, sum);
  }
  if (node.inputs.size() > 2 && node.inputs[2] != kNoTensor) {
    for (const float b : graph.tensor(node.inputs[2]).constant->data<float>()) {
      s.max_bias = std::max(s.max_bias, std::fabs(static_cast<double>(b)));
    }
  }
  return s;
}

// The exponent that weights bring, if it is one power of two for all; else no limit.
int brought_exponent(const Tensor& weights) {
  const std::vector<double> steps = channel_steps(weights);
  constexpr int kNoLimit = std::numeric_limits<int>::max();
  if (steps.empty() || std::ranges::any_of(steps, [&](double step) { return step != steps[0]; })) return kNoLimit;
  const int exponent = largest_exponent(steps[0], 1);
  return std::ldexp(1.0, -exponent) == steps[0] ? exponent : kNoLimit;
}

bool has_weights(const Node& node) {
  return std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op);
}
bool is_average(const Node& node) {
  const Pool* pool = std::get_if<Pool>(&node.op);
  return pool != nullptr && pool->kind == Pool::Kind::kAverage;
}
// Inputs and output of these share their scale.
bool keeps_scale(const Node& node) {
  return !has_weights(node) && !is_average(node) && !std::holds_alternative<Add>(node.op) &&
         !std::holds_alternative<Unary>(node.op);
}
// Inputs that hold int8 activations.
std::vector<TensorId> activations_of(const Graph& graph, const Node& node) {
  std::vector<TensorId> ids;
  for (const TensorId id : node.inputs) {
    if (id != kNoTensor && !graph.tensor(id).constant) ids.push_back(id);
  }
  return ids;
}

class Solver {
 public:
  Solver(const Graph& graph, const Ranges& ranges, const QuantizeOptions& options, std::vector<bool> int8)
      : graph_(graph), ranges_(ranges), options_(options), int8_(std::move(int8)) {
    statistics_.resize(graph.nodes.size());
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      if (int8_[i] && has_weights(graph.nodes[i])) statistics_[i] = statistics_of(graph, graph.nodes[i]);
    }
  }

  Scales solve() {
    while (true) {
      start();
      const int contradiction = settle();
      if (contradiction < 0) break;
      int8_[static_cast<size_t>(contradiction)] = false;
    }
    Scales scales{int8_, std::vector<int>(graph_.tensors.size(), 0), weight_, {}};
    for (size_t i = 0; i < graph_.tensors.size(); ++i) scales.activation[i] = exponent(static_cast<TensorId>(i));
    return scales;
  }

 private:
  // Groups of tensors with one scale, and the finest exponents.
  void start() {
    group_.resize(graph_.tensors.size());
    std::iota(group_.begin(), group_.end(), 0);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!int8_[i] || !keeps_scale(node)) continue;
      for (const TensorId id : activations_of(graph_, node)) {
        group_[static_cast<size_t>(find(id))] = find(node.outputs[0]);
      }
    }
    exponents_.assign(graph_.tensors.size(), options_.highest_exponent);
    weight_.assign(graph_.nodes.size(), 0);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!int8_[i]) continue;
      for (const TensorId id : activations_of(graph_, node)) limit_by_range(id);
      limit_by_range(node.outputs[0]);
      // Weights may reach 127.49, which still rounds to 127.
      const double max_abs = statistics_[i].max_abs;
      if (max_abs > 0) weight_[i] = largest_exponent(max_abs, std::nextafter(127.5, 0.0));
      if (max_abs > 0) weight_[i] = std::min(weight_[i], brought_exponent(graph_.tensor(node.inputs[1])));
    }
  }

  void limit_by_range(TensorId id) {
    const auto& steps = graph_.tensor(id).int8_steps;
    if (!steps.empty())
      return lower(id, std::max(largest_exponent(static_cast<double>(steps[0]), 1), options_.lowest_exponent));
    const double range = static_cast<double>(ranges_.max_abs[static_cast<size_t>(id)]);
    if (range > 0) lower(id, std::max(largest_exponent(range, 127), options_.lowest_exponent));
  }

  // Lowers exponents to the fixed point; returns -1, or a node whose wishes cannot be met.
  int settle() {
    changed_ = true;
    while (changed_) {
      changed_ = false;
      for (size_t i = 0; i < graph_.nodes.size(); ++i) {
        if (int8_[i] && !adjust(i)) return static_cast<int>(i);
      }
    }
    return -1;
  }

  // Meets the wishes of one node; false if they took an exponent below the floor.
  bool adjust(size_t index) {
    const Node& node = graph_.nodes[index];
    if (has_weights(node)) {
      if (!adjust_weights(index)) return false;
    } else if (std::holds_alternative<Add>(node.op)) {
      adjust_add(node);
    } else if (is_average(node)) {
      adjust_average(node);
    }
    const int floor = options_.lowest_exponent - 32;
    const auto inputs = activations_of(graph_, node);
    return exponent(node.outputs[0]) >= floor &&
           std::all_of(inputs.begin(), inputs.end(), [&](TensorId id) { return exponent(id) >= floor; });
  }

  bool adjust_weights(size_t index) {
    const Node& node = graph_.nodes[index];
    int& ew = weight_[index];
    const TensorId x = node.inputs[0];
    const TensorId y = node.outputs[0];
    const TensorId residual = node.inputs.size() > 3 ? node.inputs[3] : kNoTensor;
    if (residual != kNoTensor) {
      lower(residual, exponent(x) + ew);
      lower_weight(ew, exponent(residual) + kHighestResidualShift - exponent(x));
    }
    lower_weight(ew, exponent(y) + kHighestShift - exponent(x));
    lower(y, exponent(x) + ew - kLowestShift);
    // Coarser weights make room in the accumulator as long as there are bits below the result to give up.
    while (exponent(x) + ew > exponent(y) && !fits(index, true)) lower_weight(ew, ew - 1);
    // A result finer than its accumulator (nothing but zeros when calibrated, say) must not shift it over the edge.
    while (exponent(y) > exponent(x) + ew && !fits(index, false)) lower(y, exponent(y) - 1);
    return fits(index, false);
  }

  // Whether neither the bias nor the sum of all worst cases leaves its range.
  bool fits(size_t index, bool with_bias) const {
    const Node& node = graph_.nodes[index];
    const WeightStatistics& s = statistics_[index];
    const int scale = exponent(node.inputs[0]) + weight_[index];
    const int shift = scale - exponent(node.outputs[0]);
    const double bias = std::ldexp(s.max_bias, scale);
    if (with_bias && bias > kHighestBias) return false;
    double worst = (std::ldexp(s.largest_row, weight_[index]) + s.row_length / 2) * 127;
    worst += std::min(bias, kHighestBias);
    if (shift > 0) worst += std::ldexp(1.0, shift - 1);
    if (node.inputs.size() > 3 && node.inputs[3] != kNoTensor) {
      worst += std::ldexp(127.0, scale - exponent(node.inputs[3]));
    }
    return std::ldexp(worst, std::max(0, -shift)) < 2147483648.0;
  }

  void adjust_add(const Node& node) {
    const TensorId a = node.inputs[0];
    const TensorId b = node.inputs[1];
    const TensorId y = node.outputs[0];
    lower(a, std::min(exponent(b) + kHighestAddShift, exponent(y) + kHighestShift));
    lower(b, std::min(exponent(a) + kHighestAddShift, exponent(y) + kHighestShift));
    const int finest = std::max(exponent(a), exponent(b));
    lower(y, finest - kLowestShift);
    const double worst = std::ldexp(127.0, finest - exponent(a)) + std::ldexp(127.0, finest - exponent(b));
    while (exponent(y) > finest && std::ldexp(worst, exponent(y) - finest) >= 2147483648.0) lower(y, exponent(y) - 1);
  }

  void adjust_average(const Node& node) {
    const TensorId x = node.inputs[0];
    const TensorId y = node.outputs[0];
    const int64_t divisor = average_divisor(graph_, node);
    if (average_scale(divisor, exponent(y) - exponent(x))) return;
    const TensorId finer = exponent(y) > exponent(x) ? y : x;
    lower(finer, exponent(finer) - 1);
  }

  TensorId find(TensorId id) const {
    while (group_[static_cast<size_t>(id)] != id) id = group_[static_cast<size_t>(id)];
    return id;
  }
  int exponent(TensorId id) const { return exponents_[static_cast<size_t>(find(id))]; }
  void lower(TensorId id, int to) {
    int& value = exponents_[static_cast<size_t>(find(id))];
    if (value > to) {
      value = to;
      changed_ = true;
    }
  }
  void lower_weight(int& value, int to) {
    if (value > to) {
      value = to;
      changed_ = true;
    }
  }

  const Graph& graph_;
  const Ranges& ranges_;
  const QuantizeOptions& options_;
  std::vector<bool> int8_;
  std::vector<WeightStatistics> statistics_;  // by node
  std::vector<TensorId> group_;               // union-find parents
  std::vector<int> exponents_;                // of group roots
  std::vector<int> weight_;                   // by node
  bool changed_ = false;
};

std::optional<ChannelScales> channels_of(const Graph& graph, const Node& node, const Scales& scales) {
  const auto exponent = [&](TensorId id) { return scales.activation[static_cast<size_t>(id)]; };
  NeighbourExponents exponents{exponent(node.inputs[0]), exponent(node.outputs[0]), std::nullopt};
  const auto input = [&](size_t index) { return index < node.inputs.size() ? node.inputs[index] : kNoTensor; };
  if (input(3) != kNoTensor) exponents.residual = exponent(input(3));
  const Array* bias = input(2) == kNoTensor ? nullptr : &*graph.tensor(input(2)).constant;
  return choose_channel_scales(graph.tensor(node.inputs[1]), bias, exponents);
}

}  // namespace

Scales choose_scales(const Graph& graph, const Ranges& ranges, const QuantizeOptions& options) {
  ARCO_CHECK(ranges.max_abs.size() == graph.tensors.size(), "ranges of {} tensors for {}", ranges.max_abs.size(),
             graph.tensors.size());
  Scales scales = Solver(graph, ranges, options, choose_int8_nodes(graph, options.float_nodes)).solve();
  scales.channels.resize(graph.nodes.size());
  for (size_t i = 0; options.weight_scales == WeightScales::kPerChannel && i < graph.nodes.size(); ++i) {
    if (scales.int8[i] && has_weights(graph.nodes[i])) scales.channels[i] = channels_of(graph, graph.nodes[i], scales);
  }
  return scales;
}

}  // namespace arco
