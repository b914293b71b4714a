// Every rule is derived again from the exponents and types in the graph, independently of how they were chosen.
#include <string>

#include "arco/base/error.h"
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
    require(input(index).type == DataType::kInt8 && input(index).exponent == output().exponent,
            fmt::format("int8 input {} at the output's exponent {}", index, output().exponent));
  }
  bool has_input(size_t index) const { return index < node_.inputs.size() && node_.inputs[index] != kNoTensor; }
  const Tensor& input(size_t index) const {
    require(has_input(index), fmt::format("an input {}", index));
    return graph_.tensor(node_.inputs[index]);
  }
  const Tensor& output() const { return graph_.tensor(node_.outputs.at(0)); }

  void check_requantized() const {
    const Requantize& r = *node_.requantize;
    require(input(0).type == DataType::kInt8 && output().type == DataType::kInt8, "int8 in, int8 out");
    require(r.low >= -127 && r.low <= r.high && r.high <= 127, "-127 <= low <= high <= 127");
    const Pool* pool = std::get_if<Pool>(&node_.op);
    const bool averages = pool != nullptr && pool->kind == Pool::Kind::kAverage;
    require(r.multiplier == 1 || averages, "a multiplier only for average pooling");
    const bool weighted = std::holds_alternative<Conv>(node_.op) || std::holds_alternative<Dense>(node_.op);
    require(weighted || !r.channels, "scales for channels only with weights");
    if (weighted) {
      check_weighted(r);
    } else if (std::holds_alternative<Add>(node_.op)) {
      check_add(r);
    } else if (averages) {
      require(r.multiplier >= 1 && r.multiplier <= kHighestMultiplier, "a multiplier of 15 bits");
      require(r.shift >= kLowestShift && r.shift <= kHighestShift, "a shift in [-15, 31]");
    } else {
      require(pool != nullptr || std::holds_alternative<Clip>(node_.op), "an operator that requantises");
      require_kept_scale(0);
      require(r.shift == 0, "no shift");
    }
  }

  void check_weighted(const Requantize& r) const {
    require(input(1).type == DataType::kInt8 && input(1).constant.has_value(), "constant int8 weights");
    const int scale = input(0).exponent + input(1).exponent;
    if (r.channels) {
      check_channels(r, scale);
    } else {
      require_shift(r.shift, scale - output().exponent, kLowestShift, kHighestShift, "shift");
    }
    if (has_input(2)) {
      require(input(2).type == DataType::kInt32 && input(2).constant && input(2).exponent == scale,
              fmt::format("a constant int32 bias at exponent {}", scale));
      for (const int32_t b : input(2).constant->data<int32_t>()) {
        require(b >= -static_cast<int32_t>(kHighestBias) && b <= static_cast<int32_t>(kHighestBias), "|bias| <= 2^30");
      }
    }
    if (has_input(3)) {
      require(input(3).type == DataType::kInt8, "an int8 residual");
      if (r.channels) return check_residual_of_channels(r, scale - input(3).exponent);
      require_shift(r.residual_shift, scale - input(3).exponent, 0, kHighestResidualShift, "residual shift");
    }
  }

  void check_channels(const Requantize& r, int scale) const {
    const ChannelRequantize& channels = *r.channels;
    const int total = scale - output().exponent;
    require(r.shift >= 0 && r.shift <= kHighestShift && channels.shift >= 1 && channels.shift <= kHighestShift &&
                r.shift + channels.shift == total,
            fmt::format("shifts up to 31 whose sum is {}, found {} and {}", total, r.shift, channels.shift));
    require(output().shape.size() >= 2 && channels.multipliers.size() == static_cast<size_t>(output().shape[1]),
            "one multiplier for each output channel");
    for (const int32_t m : channels.multipliers) {
      require(m >= 1 && m <= kHighestMultiplier, "multipliers of 15 bits");
      require(channel_offset(r.shift, channels.shift, m) <= static_cast<int64_t>(kHighestBias),
              "a rounding of at most 2^30");
    }
    require(has_input(3) || channels.residual_multipliers.empty(), "multipliers of a residual only with one");
  }

  // multiplier * residual multiplier * 2^residual_shift = 2^(scale - residual's exponent), exactly.
  void check_residual_of_channels(const Requantize& r, int exponent) const {
    const ChannelRequantize& channels = *r.channels;
    require(channels.residual_multipliers.size() == channels.multipliers.size(),
            "one multiplier of the residual for each output channel");
    require(r.residual_shift >= 0 && r.residual_shift <= kHighestResidualShift, "a residual shift up to 24");
    const int product = exponent - r.residual_shift;
    require(product >= 0 && product <= 30, "a residual in the accumulator's units");
    for (size_t c = 0; c < channels.multipliers.size(); ++c) {
      require(int64_t{channels.multipliers[c]} * channels.residual_multipliers[c] == int64_t{1} << product &&
                  channels.residual_multipliers[c] <= kHighestMultiplier,
              fmt::format("multipliers of channel {} whose product is 2^{}", c, product));
    }
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
