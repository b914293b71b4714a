// Every rule is derived again from the scales and types in the graph, independently of how they were chosen.
#include <algorithm>
#include <cmath>
#include <string>

#include "arco/base/error.h"
#include "arco/quant/border.h"
#include "arco/quant/brought_scales.h"
#include "arco/quant/choose.h"
#include "arco/quant/quantize.h"
#include "arco/quant/scales.h"

namespace arco {
namespace {

class NodeChecker {
 public:
  NodeChecker(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  void check() const {
    if (std::holds_alternative<Quantize>(node_.op)) {
      require(input(0).type == DataType::kFloat32 && output().type == DataType::kInt8, "float32 in, int8 out");
    } else if (std::holds_alternative<Dequantize>(node_.op)) {
      require(input(0).type == DataType::kInt8 && output().type == DataType::kFloat32, "int8 in, float32 out");
    } else if (node_.requantize) {
      check_requantized();
    } else if (std::holds_alternative<Table>(node_.op)) {
      require(input(0).type == DataType::kInt8 && input(1).constant && input(1).shape == Shape{256}, "a table of int8");
    } else if (converts_by_itself()) {
      // The operators of ONNX bring their own scales.
    } else if (output().type == DataType::kInt8) {
      for (size_t i = 0; i < node_.inputs.size(); ++i) {
        if (!std::holds_alternative<Gather>(node_.op) || i == 0) require_kept_scale(i);
      }
    } else {
      for (size_t i = 0; i < node_.inputs.size(); ++i) {
        require(!has_input(i) || input(i).type != DataType::kInt8, "float operators read no int8 tensors");
      }
    }
  }

 private:
  bool converts_by_itself() const {
    return std::holds_alternative<QuantizeLinear>(node_.op) || std::holds_alternative<DequantizeLinear>(node_.op) ||
           std::holds_alternative<Cast>(node_.op);
  }
  void require(bool holds, const std::string& rule) const {
    ARCO_CHECK(holds, "quantised node '{}' ({}): expected {}", node_.name, op_name(node_.op), rule);
  }
  void require_shift(int actual, int expected, int low, int high, const char* what) const {
    require(actual == expected && actual >= low && actual <= high,
            fmt::format("{} {} in [{}, {}], found {}", what, expected, low, high, actual));
  }
  void require_kept_scale(size_t index) const {
    const Tensor& x = input(index);
    require(x.type == DataType::kInt8 && x.exponent == output().exponent && x.grid == output().grid,
            fmt::format("int8 input {} at the output's exponent {}", index, output().exponent));
  }
  bool touches_grid() const {
    const auto has_grid = [&](TensorId id) {
      return id != kNoTensor && !graph_.tensor(id).constant && graph_.tensor(id).grid.has_value();
    };
    return output().grid || std::ranges::any_of(node_.inputs, has_grid);
  }
  static bool is_near(double a, double b) { return std::fabs(a / b - 1) < 1e-9; }
  bool has_input(size_t index) const { return index < node_.inputs.size() && node_.inputs[index] != kNoTensor; }
  const Tensor& input(size_t index) const {
    require(has_input(index), fmt::format("an input {}", index));
    return graph_.tensor(node_.inputs[index]);
  }
  const Tensor& output() const { return graph_.tensor(node_.outputs.at(0)); }

  void check_requantized() const {
    const Requantize& r = *node_.requantize;
    require(input(0).type == DataType::kInt8 && output().type == DataType::kInt8, "int8 in, int8 out");
    const int lowest = output().grid ? -128 : -127;
    require(r.low >= lowest && r.low <= r.high && r.high <= 127, fmt::format("{} <= low <= high <= 127", lowest));
    const bool averages = is_average(node_);
    require(r.multiplier == 1 || averages, "a multiplier only for average pooling");
    const bool weighted = has_weights(node_);
    require(weighted || !r.channels, "scales for channels only with weights");
    const bool adds = std::holds_alternative<Add>(node_.op);
    require(adds || !r.add_scales, "multipliers of operands only for additions");
    require(
        (r.channels || r.zeros.output == 0) && (r.zeros.offset == 0 || r.add_scales || (averages && touches_grid())),
        "zero points only where the operator has a place for them");
    require(r.zeros.pad == (has_border(node_) ? input(0).zero() : 0) && (r.zeros.pad == 0 || r.zeros.pad == -128),
            "padding with the zero point of the input, 0 or -128");
    if (weighted) {
      check_weighted(r);
    } else if (adds && (r.add_scales || touches_grid())) {
      check_scaled_add(r);
    } else if (adds) {
      check_add(r);
    } else if (averages && touches_grid()) {
      check_mean(r);
    } else if (averages) {
      require(r.multiplier >= 1 && r.multiplier <= kHighestMultiplier, "a multiplier of 15 bits");
      require(r.shift >= kLowestShift && r.shift <= kHighestShift, "a shift in [-15, 31]");
    } else {
      require(std::holds_alternative<Pool>(node_.op) || std::holds_alternative<Clip>(node_.op),
              "an operator that requantises");
      require_kept_scale(0);
      require(r.shift == 0, "no shift");
    }
  }

  void check_weighted(const Requantize& r) const {
    require(input(1).type == DataType::kInt8 && input(1).constant.has_value(), "constant int8 weights");
    if (r.channels) {
      check_channels(r);
    } else {
      require(!touches_grid(), "scales for channels between tensors on grids");
      require_shift(r.shift, input(0).exponent + input(1).exponent - output().exponent, kLowestShift, kHighestShift,
                    "shift");
    }
    const double step = input(0).step() * input(1).step();
    if (has_input(2)) {
      require(input(2).type == DataType::kInt32 && input(2).constant && is_near(input(2).step(), step),
              fmt::format("a constant int32 bias in steps of {}", step));
      for (const int32_t b : input(2).constant->data<int32_t>()) {
        require(b >= -static_cast<int32_t>(kHighestBias) && b <= static_cast<int32_t>(kHighestBias), "|bias| <= 2^30");
      }
    }
    if (has_input(3)) {
      require(input(3).type == DataType::kInt8, "an int8 residual");
      if (r.channels) return check_residual_of_channels(r, input(3).step() / step);
      const int scale = input(0).exponent + input(1).exponent;
      require_shift(r.residual_shift, scale - input(3).exponent, 0, kHighestResidualShift, "residual shift");
    }
  }

  // step of x * step of w = step of y * 2^-(both shifts)
  void check_channels(const Requantize& r) const {
    const ChannelRequantize& channels = *r.channels;
    const double ratio = output().step() / (input(0).step() * input(1).step());
    require(
        r.shift >= 0 && r.shift <= kHighestShift && channels.shift >= 1 && channels.shift <= kHighestShift &&
            is_near(std::ldexp(1.0, r.shift + channels.shift), ratio),
        fmt::format("shifts up to 31 whose sum is {:.4g}, found {} and {}", std::log2(ratio), r.shift, channels.shift));
    require(output().shape.size() >= 2 && channels.multipliers.size() == static_cast<size_t>(output().shape[1]),
            "one multiplier for each output channel");
    require(r.zeros.output == output().zero(), fmt::format("the output's zero point {}", output().zero()));
    constexpr int kHighestShiftOfZero = 45;  // a multiplier of 15 bits would leave an offset beyond 2^30
    require(r.zeros.output == 0 || r.shift + channels.shift <= kHighestShiftOfZero,
            "shifts up to 45 with a zero point");
    for (const int32_t m : channels.multipliers) {
      require(m >= 1 && m <= kHighestMultiplier, "multipliers of 15 bits");
      require(
          std::abs(channel_offset(r.shift, channels.shift, m, r.zeros.output)) <= static_cast<int64_t>(kHighestBias),
          "a rounding of at most 2^30");
    }
    require(has_input(3) || channels.residual_multipliers.empty(), "multipliers of a residual only with one");
  }

  // multiplier * residual multiplier * 2^residual_shift is a step of the residual in `units` of the accumulator where
  // the multiplier is 1: exactly, or with grids to half a step of the output.
  void check_residual_of_channels(const Requantize& r, double units) const {
    const ChannelRequantize& channels = *r.channels;
    require(channels.residual_multipliers.size() == channels.multipliers.size(),
            "one multiplier of the residual for each output channel");
    require(r.residual_shift >= 0 && r.residual_shift <= kHighestResidualShift, "a residual shift up to 24");
    const double reach = 128 + std::abs(input(3).zero());
    const double allowed = touches_grid() ? std::ldexp(0.5, r.shift + channels.shift) / reach : 0;
    for (size_t c = 0; c < channels.multipliers.size(); ++c) {
      const double product =
          std::ldexp(static_cast<double>(channels.multipliers[c]) * channels.residual_multipliers[c], r.residual_shift);
      require(std::fabs(product - units) <= allowed && channels.residual_multipliers[c] <= kHighestMultiplier,
              fmt::format("multipliers of channel {} whose product is {}", c, units));
    }
  }

  void check_scaled_add(const Requantize& r) const {
    require(input(1).type == DataType::kInt8 && input(0).shape == input(1).shape, "int8 operands of one shape");
    require(r.add_scales.has_value() && r.shift >= 1 && r.shift <= 15 && r.add_scales->shift >= 0 &&
                r.add_scales->shift + r.shift <= kHighestShift,
            "multipliers of the operands, and shifts of their sum");
    const auto& [multipliers, first] = *r.add_scales;
    const int total = first + r.shift;
    double zeros = std::ldexp(output().zero(), total);
    for (size_t i = 0; i < 2; ++i) {
      const double exact = std::ldexp(input(i).step() / output().step(), total);
      require(multipliers[i] >= 0 && multipliers[i] <= kHighestMultiplier &&
                  std::fabs(multipliers[i] - exact) <= 0.5 + 1e-6,
              fmt::format("a multiplier of 15 bits near {} for operand {}", exact, i));
      zeros -= static_cast<double>(multipliers[i]) * input(i).zero();
    }
    require(std::fabs(std::ldexp(r.zeros.offset, first) - zeros) <= std::ldexp(0.5, first),
            fmt::format("an offset near {}", std::ldexp(zeros, -first)));
    const int64_t immediate = int64_t{r.zeros.offset} + (int64_t{1} << (r.shift - 1));
    require(immediate >= INT16_MIN && immediate <= INT16_MAX, "offset and rounding of 16 bits");
  }

  void check_mean(const Requantize& r) const {
    require(r.shift >= 1 && r.shift <= kHighestShift, "a shift in [1, 31]");
    const auto divisor = static_cast<double>(average_divisor(graph_, node_));
    const double exact = std::ldexp(input(0).step() / (output().step() * divisor), r.shift);
    require(r.multiplier >= 1 && r.multiplier <= kHighestMultiplier && std::fabs(r.multiplier - exact) <= 0.5 + 1e-6,
            fmt::format("a multiplier of 15 bits near {}", exact));
    const double zeros = std::ldexp(output().zero(), r.shift) - divisor * input(0).zero() * r.multiplier;
    require(r.zeros.offset == zeros, fmt::format("an offset of {}", zeros));
  }

  void check_add(const Requantize& r) const {
    require(input(1).type == DataType::kInt8 && input(0).shape == input(1).shape, "int8 operands of one shape");
    const int finest = std::max(input(0).exponent, input(1).exponent);
    for (size_t i = 0; i < 2; ++i) {
      require_shift(r.add_shifts[i], finest - input(i).exponent, 0, kHighestAddShift, "operand shift");
    }
    require_shift(r.shift, finest - output().exponent, kLowestShift, kHighestShift, "shift");
  }

  const Graph& graph_;
  const Node& node_;
};

}  // namespace

void check_quantized(const Graph& graph) {
  for (const Node& node : graph.nodes) NodeChecker(graph, node).check();
  const auto producers = graph.producers();
  for (const TensorId id : graph.outputs) {
    const int maker = producers[static_cast<size_t>(id)];
    if (maker < 0) continue;
    const Node& node = graph.nodes[static_cast<size_t>(maker)];
    const bool is_scaled =
        node.requantize || std::holds_alternative<Quantize>(node.op) || std::holds_alternative<Table>(node.op);
    ARCO_CHECK(!is_scaled, "output '{}' of a quantised graph is int8", graph.tensor(id).name);
  }
}

}  // namespace arco
