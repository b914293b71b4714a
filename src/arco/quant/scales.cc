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
//
// Grids that the model brings are not moved, and nodes that touch one have no wishes: their numbers are found
// afterwards for any steps (channel_scales, grid_scales). Where there are none, the node's grids are dropped for the
// power of two that covers them, and the search starts again. So are grids that differ within a group.
#include "arco/quant/scales.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "arco/base/error.h"
#include "arco/quant/brought_scales.h"
#include "arco/quant/choose.h"
#include "arco/quant/layer_scales.h"
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
    if (std::ldexp(worst, std::max(0, -shift)) >= kAccumulatorLimit) continue;
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
  // `dropped`: by TensorId, grids that cannot be kept.
  Solver(const Graph& graph, const Ranges& ranges, const QuantizeOptions& options, std::vector<std::string> why_float,
         const std::vector<bool>& dropped)
      : graph_(graph), ranges_(ranges), options_(options), why_float_(std::move(why_float)), dropped_(dropped) {
    for (const std::string& reason : why_float_) int8_.push_back(reason.empty());
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
      why_float_[static_cast<size_t>(contradiction)] =
          "no scales fit its calibrated ranges, weights and bias within the hardware's shifts and 32-bit sums";
    }
    Scales scales{int8_, std::vector<int>(graph_.tensors.size(), 0), weight_, {}, {}, why_float_};
    for (size_t i = 0; i < graph_.tensors.size(); ++i) {
      scales.activation[i] = exponent(static_cast<TensorId>(i));
      scales.grids.push_back(grid(static_cast<TensorId>(i)));
    }
    return scales;
  }

 private:
  // Groups of tensors with one scale, and the finest exponents.
  void start() {
    group_.resize(graph_.tensors.size());
    std::iota(group_.begin(), group_.end(), 0);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!int8_[i] || !moves_values(node.op)) continue;
      for (const TensorId id : activations_of(graph_, node)) {
        group_[static_cast<size_t>(find(id))] = find(node.outputs[0]);
      }
    }
    find_grids();
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

  // The grid of each group whose tensors bring one and the same. Powers of two around 0 are exponents.
  void find_grids() {
    grids_.assign(graph_.tensors.size(), std::nullopt);
    std::vector<bool> without = dropped_;  // by group root
    for (size_t i = 0; i < graph_.tensors.size(); ++i) {
      const auto& brought = graph_.tensors[i].grid;
      const auto root = static_cast<size_t>(find(static_cast<TensorId>(i)));
      if (!options_.keep_brought || (brought && grids_[root] && *brought != *grids_[root]) || dropped_[i]) {
        without[root] = true;
      }
      if (brought) grids_[root] = brought;
    }
    for (size_t i = 0; i < grids_.size(); ++i) {
      if (without[i] || (grids_[i] && is_power_of_two(*grids_[i]))) grids_[i].reset();
    }
  }
  const std::optional<Grid>& grid(TensorId id) const { return grids_[static_cast<size_t>(find(id))]; }
  bool touches_grid(const Node& node) const {
    const auto inputs = activations_of(graph_, node);
    return grid(node.outputs[0]) || std::ranges::any_of(inputs, [&](TensorId id) { return grid(id).has_value(); });
  }

  void limit_by_range(TensorId id) {
    const auto& brought = graph_.tensor(id).grid;
    if (brought) return lower(id, std::max(covering_exponent(*brought), options_.lowest_exponent));
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
    if (touches_grid(node)) return true;
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
    return std::ldexp(worst, std::max(0, -shift)) < kAccumulatorLimit;
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
    while (exponent(y) > finest && std::ldexp(worst, exponent(y) - finest) >= kAccumulatorLimit)
      lower(y, exponent(y) - 1);
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
  std::vector<bool> int8_;              // by node
  std::vector<std::string> why_float_;  // by node; empty: int8
  const std::vector<bool>& dropped_;
  std::vector<WeightStatistics> statistics_;  // by node
  std::vector<TensorId> group_;               // union-find parents
  std::vector<std::optional<Grid>> grids_;    // of group roots
  std::vector<int> exponents_;                // of group roots
  std::vector<int> weight_;                   // by node
  bool changed_ = false;
};

}  // namespace

double Scales::step(TensorId id) const {
  const auto& grid = grids[static_cast<size_t>(id)];
  return grid ? grid->step : std::ldexp(1.0, -activation[static_cast<size_t>(id)]);
}

int32_t Scales::zero(TensorId id) const {
  const auto& grid = grids[static_cast<size_t>(id)];
  return grid ? grid->zero : 0;
}

Scales choose_scales(const Graph& graph, const Ranges& ranges, const QuantizeOptions& options) {
  ARCO_CHECK(ranges.max_abs.size() == graph.tensors.size(), "ranges of {} tensors for {}", ranges.max_abs.size(),
             graph.tensors.size());
  const std::vector<std::string> why_float = reasons_for_float(graph, options.float_nodes);
  std::vector<bool> dropped(graph.tensors.size(), false);
  while (true) {
    Scales scales = Solver(graph, ranges, options, why_float, dropped).solve();
    if (choose_layer_scales(graph, options, scales, dropped)) return scales;
  }
}

}  // namespace arco
