// The new graph is built node by node. Each tensor of the old graph has up to two forms in the new one, float and int8;
// the one that its producer makes is there first, the other is made by a Quantize or Dequantize node when a reader
// first asks for it.
#include "arco/quant/quantize.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "arco/base/error.h"
#include "arco/quant/border.h"
#include "arco/quant/brought_scales.h"
#include "arco/quant/choose.h"
#include "arco/quant/grid_scales.h"
#include "arco/quant/scales.h"
#include "arco/reference/elementwise.h"

namespace arco {
namespace {

int8_t quantized(double value, const Tensor& as) {
  return as.grid ? reference::quantize_value(value, *as.grid) : reference::quantize_value(value, as.exponent);
}

// The integer range of an activation on a tensor.
void set_range(Requantize& r, const Clamp& clamp, const Tensor& y) {
  const auto bound = [&](float value) { return int32_t{quantized(static_cast<double>(value), y)}; };
  r.high = bound(clamp.high);
  r.low = std::min(bound(clamp.low), r.high);
}

class Builder {
 public:
  Builder(const Graph& source, const Scales& scales)
      : source_(source),
        scales_(scales),
        consumers_(source.consumers()),
        float_form_(source.tensors.size(), kNoTensor),
        int8_form_(source.tensors.size(), kNoTensor) {}

  Graph build() {
    graph_.name = source_.name;
    for (const TensorId id : source_.inputs) {
      float_form(id) = copy(id);
      graph_.inputs.push_back(float_form(id));
    }
    for (size_t i = 0; i < source_.nodes.size(); ++i) {
      if (scales_.int8[i]) {
        add_int8_node(i);
      } else {
        add_float_node(i);
      }
    }
    for (const TensorId id : source_.outputs) graph_.outputs.push_back(as_float(id));
    return std::move(graph_);
  }

 private:
  TensorId& float_form(TensorId id) { return float_form_[static_cast<size_t>(id)]; }
  TensorId& int8_form(TensorId id) { return int8_form_[static_cast<size_t>(id)]; }
  int exponent(TensorId id) const { return scales_.activation[static_cast<size_t>(id)]; }
  const std::optional<Grid>& grid(TensorId id) const { return scales_.grids[static_cast<size_t>(id)]; }
  Grid as_grid(TensorId id) const { return {scales_.step(id), scales_.zero(id)}; }
  bool touches_grid(const Node& node) const {
    const auto has_grid = [&](TensorId id) { return id != kNoTensor && grid(id).has_value(); };
    return has_grid(node.outputs[0]) || std::ranges::any_of(node.inputs, has_grid);
  }
  bool is_output(TensorId id) const {
    return std::find(source_.outputs.begin(), source_.outputs.end(), id) != source_.outputs.end();
  }

  // What the float graph says of int8 is said by the int8 form.
  Tensor float_tensor(TensorId id) const {
    Tensor tensor = source_.tensor(id);
    tensor.grid.reset();
    return tensor;
  }
  TensorId copy(TensorId id) { return graph_.add_tensor(float_tensor(id)); }
  // The form of an int8 tensor, which the numbers of nodes go by.
  Tensor int8_tensor(TensorId id) const {
    const Tensor& old = source_.tensor(id);
    Tensor tensor{old.name, DataType::kInt8, old.shape, std::nullopt, grid(id) ? 0 : exponent(id)};
    tensor.grid = grid(id);
    return tensor;
  }
  TensorId add_int8_tensor(TensorId id, const std::string& suffix) {
    Tensor tensor = int8_tensor(id);
    tensor.name += suffix;
    return graph_.add_tensor(std::move(tensor));
  }
  void add_conversion(const std::string& verb, Op op, TensorId from, TensorId to, TensorId id) {
    graph_.nodes.push_back({verb + "_" + source_.tensor(id).name, std::move(op), {from}, {to}, std::nullopt});
  }

  TensorId as_float(TensorId id) {
    if (float_form(id) == kNoTensor && int8_form(id) != kNoTensor) {
      Tensor tensor = float_tensor(id);
      if (!is_output(id)) tensor.name += ".float";
      float_form(id) = graph_.add_tensor(std::move(tensor));
      add_conversion("dequantize", Dequantize{}, int8_form(id), float_form(id), id);
    }
    if (float_form(id) == kNoTensor) float_form(id) = copy(id);  // a constant
    return float_form(id);
  }
  TensorId as_int8(TensorId id) {
    if (int8_form(id) == kNoTensor) {
      const TensorId from = as_float(id);
      int8_form(id) = add_int8_tensor(id, ".int8");
      add_conversion("quantize", Quantize{}, from, int8_form(id), id);
    }
    return int8_form(id);
  }

  void add_float_node(size_t index) {
    Node node = source_.nodes[index];
    node.why_float = scales_.why_float[index];
    for (TensorId& id : node.inputs) id = id == kNoTensor ? kNoTensor : as_float(id);
    for (TensorId& id : node.outputs) {
      float_form(id) = copy(id);
      id = float_form(id);
    }
    graph_.nodes.push_back(std::move(node));
  }

  void add_int8_node(size_t index) {
    const Node& old = source_.nodes[index];
    if (limits_nothing(old)) return pass_on(old);
    Node node = old;
    for (size_t i = 0; i < old.inputs.size(); ++i) {
      const TensorId id = old.inputs[i];
      if (id == kNoTensor) continue;
      const bool is_constant = source_.tensor(id).constant.has_value();
      node.inputs[i] = is_constant && has_weights(old) ? kNoTensor : is_constant ? copy(id) : as_int8(id);
    }
    if (needs_pad(old, scales_.zero(old.inputs[0]))) add_border(old, node);
    if (has_weights(old)) add_constants(index, node);
    if (const auto* function = std::get_if<Unary>(&old.op)) {
      node.inputs.push_back(add_table(*function, old.inputs[0], old.outputs[0], old.name));
      node.op = Table{};
    }
    const TensorId out = old.outputs[0];
    int8_form(out) = add_int8_tensor(out, is_output(out) ? ".int8" : "");
    node.outputs = {int8_form(out)};
    node.requantize = requantize_of(index);
    graph_.nodes.push_back(std::move(node));
  }

  // A Clip to the range that int8 has anyway.
  bool limits_nothing(const Node& node) const {
    const auto* clip = std::get_if<Clip>(&node.op);
    if (clip == nullptr) return false;
    const Tensor x = int8_tensor(node.inputs[0]);
    const Tensor y = int8_tensor(node.outputs[0]);
    Requantize range;
    set_range(range, clip->clamp, y);
    return x.grid == y.grid && x.exponent == y.exponent && range.low <= (y.grid ? -128 : -127) && range.high == 127;
  }

  // The node's output is its input. Where nobody else reads that, it is called by the output's name: the float tensor
  // of this name has the same range.
  void pass_on(const Node& node) {
    const TensorId from = node.inputs[0];
    const TensorId to = node.outputs[0];
    int8_form(to) = as_int8(from);
    if (consumers_[static_cast<size_t>(from)].size() > 1 || is_output(from)) return;
    graph_.tensor(int8_form(to)).name = source_.tensor(to).name + (is_output(to) ? ".int8" : "");
  }

  // `node` reads what `old` does, with the border around it. Nodes with the same border share it.
  void add_border(const Node& old, Node& node) {
    const std::array<int64_t, 4> border = border_of(old);
    const auto [place, is_new] = bordered_.try_emplace({old.inputs[0], border}, kNoTensor);
    if (is_new) {
      Tensor wider = int8_tensor(old.inputs[0]);
      wider.name = old.name + ".bordered";
      wider.shape = with_border(wider.shape, border);
      place->second = graph_.add_tensor(std::move(wider));
      graph_.nodes.push_back({old.name + ".border", pad_of(border), {node.inputs[0]}, {place->second}, std::nullopt});
    }
    node.inputs[0] = place->second;
    take_border(node.op);
  }

  TensorId add_table(const Unary& function, TensorId from, TensorId to, const std::string& name) {
    Array table(DataType::kInt8, {256});
    const auto entries = table.mutable_data<int8_t>();
    const Tensor y = int8_tensor(to);
    for (int q = -128; q < 128; ++q) {
      const auto x = static_cast<float>((q - scales_.zero(from)) * scales_.step(from));
      entries[static_cast<size_t>(q + 128)] = quantized(static_cast<double>(reference::apply(function, x)), y);
    }
    return add_constant(name + ".table", std::move(table), {1});
  }

  // Constants of channel c are counted in steps of multiplier(c) * unit, its weights in steps of weight(c).
  struct WeightSteps {
    double unit = 1;
    const ChannelScales* channels = nullptr;  // none: all multipliers are 1
    double multiplier(size_t c) const {
      return channels == nullptr ? 1 : static_cast<double>(channels->multipliers[c]);
    }
    double weight(size_t c) const { return channels == nullptr ? unit : channels->steps[c]; }
  };
  // Weights and bias of a node whose other inputs are there.
  void add_constants(size_t index, Node& node) {
    const Node& old = source_.nodes[index];
    const auto& channels = scales_.channels[index];
    WeightSteps steps{std::ldexp(1.0, -scales_.weight[index]), nullptr};
    if (channels) steps = {channels->unit, &*channels};
    node.inputs[1] = add_weights(source_.tensor(old.inputs[1]), steps);
    const auto weights = graph_.tensor(node.inputs[1]).constant->data<int8_t>();
    std::vector<double> bias = zero_points(index, weights);
    const bool has_bias = node.inputs.size() > 2 && old.inputs[2] != kNoTensor;
    if (!has_bias && std::ranges::all_of(bias, [](double value) { return value == 0; })) return;
    steps.unit *= scales_.step(old.inputs[0]);
    for (size_t c = 0; c < bias.size() && has_bias; ++c) {
      const auto value = static_cast<double>(source_.tensor(old.inputs[2]).constant->data<float>()[c]);
      bias[c] += std::round(value / steps.multiplier(c) / steps.unit);
    }
    if (node.inputs.size() < 3) node.inputs.resize(3, kNoTensor);
    node.inputs[2] = add_bias(has_bias ? source_.tensor(old.inputs[2]).name : node.name + ".bias", bias, steps);
  }
  // What zero points of input and residual add to the accumulators of each channel, less.
  std::vector<double> zero_points(size_t index, std::span<const int8_t> weights) const {
    const Node& node = source_.nodes[index];
    std::vector<double> result(static_cast<size_t>(source_.tensor(node.inputs[1]).shape[0]), 0.0);
    const int32_t zero = scales_.zero(node.inputs[0]);
    const size_t length = weights.size() / result.size();
    for (size_t i = 0; i < weights.size(); ++i) result[i / length] -= static_cast<double>(zero) * weights[i];
    const auto& channels = scales_.channels[index];
    if (node.inputs.size() < 4 || node.inputs[3] == kNoTensor || !channels) return result;
    for (size_t c = 0; c < result.size(); ++c) {
      const double units = std::ldexp(channels->residual_multipliers[c], channels->residual_shift);
      result[c] -= scales_.zero(node.inputs[3]) * units;
    }
    return result;
  }
  TensorId add_weights(const Tensor& tensor, const WeightSteps& steps) {
    Array w(DataType::kInt8, tensor.shape);
    const auto from = tensor.constant->data<float>();
    const auto to = w.mutable_data<int8_t>();
    const size_t length = to.size() / static_cast<size_t>(tensor.shape[0]);
    for (size_t i = 0; i < to.size(); ++i) {
      to[i] = reference::quantize_value(static_cast<double>(from[i]) / steps.weight(i / length), 0);
    }
    return add_constant(tensor.name, std::move(w), {steps.unit});
  }
  TensorId add_bias(const std::string& name, const std::vector<double>& values, const WeightSteps& steps) {
    Array b(DataType::kInt32, {static_cast<int64_t>(values.size())});
    const auto to = b.mutable_data<int32_t>();
    for (size_t c = 0; c < to.size(); ++c) {
      to[c] = static_cast<int32_t>(std::clamp(values[c], -kHighestBias, kHighestBias));
    }
    return add_constant(name, std::move(b), {steps.unit});
  }
  // Powers of two are exponents.
  TensorId add_constant(const std::string& name, Array value, const Grid& grid) {
    const TensorId id = graph_.add_constant(name, std::move(value));
    if (is_power_of_two(grid)) {
      graph_.tensor(id).exponent = covering_exponent(grid);
    } else {
      graph_.tensor(id).grid = grid;
    }
    return id;
  }

  // How the node's accumulator becomes its output; nothing for nodes that only move values.
  std::optional<Requantize> requantize_of(size_t index) const {
    const Node& node = source_.nodes[index];
    const Tensor y = int8_tensor(node.outputs[0]);
    Requantize r;
    if (const Conv* conv = std::get_if<Conv>(&node.op)) {
      set_weighted(r, index);
      set_range(r, conv->clamp, y);
    } else if (const Dense* dense = std::get_if<Dense>(&node.op)) {
      set_weighted(r, index);
      set_range(r, dense->clamp, y);
    } else if (const Add* add = std::get_if<Add>(&node.op)) {
      set_sum(r, node);
      set_range(r, add->clamp, y);
    } else if (const Pool* pool = std::get_if<Pool>(&node.op)) {
      if (pool->kind == Pool::Kind::kAverage) set_mean(r, node);
      set_range(r, pool->clamp, y);
    } else if (const Clip* clip = std::get_if<Clip>(&node.op)) {
      set_range(r, clip->clamp, y);
    } else {
      return std::nullopt;
    }
    return r;
  }
  void set_weighted(Requantize& r, size_t index) const {
    const Node& node = source_.nodes[index];
    if (const auto& channels = scales_.channels[index]) {
      r.shift = channels->shift;
      r.residual_shift = channels->residual_shift;
      r.channels = ChannelRequantize{channels->multipliers, channels->residual_multipliers, channels->product_shift};
      r.zeros.output = scales_.zero(node.outputs[0]);
      set_pad(r, node);
      return;
    }
    const int scale = exponent(node.inputs[0]) + scales_.weight[index];
    r.shift = scale - exponent(node.outputs[0]);
    if (node.inputs.size() > 3 && node.inputs[3] != kNoTensor) r.residual_shift = scale - exponent(node.inputs[3]);
  }
  void set_pad(Requantize& r, const Node& node) const {
    const int32_t zero = scales_.zero(node.inputs[0]);
    if (has_border(node) && !needs_pad(node, zero)) r.zeros.pad = zero;
  }
  void set_sum(Requantize& r, const Node& node) const {
    if (touches_grid(node)) {
      const auto sum = choose_sum_scales(as_grid(node.inputs[0]), as_grid(node.inputs[1]), as_grid(node.outputs[0]));
      ARCO_CHECK(sum.has_value(), "node '{}' has no multipliers", node.name);
      r.add_scales = sum->scales;
      r.shift = sum->shift;
      r.zeros.offset = sum->offset;
      return;
    }
    const int ea = exponent(node.inputs[0]);
    const int eb = exponent(node.inputs[1]);
    const int finest = std::max(ea, eb);
    r.add_shifts = {finest - ea, finest - eb};
    r.shift = finest - exponent(node.outputs[0]);
  }
  void set_mean(Requantize& r, const Node& node) const {
    const int64_t divisor = average_divisor(source_, node);
    if (touches_grid(node)) {
      const auto mean = choose_mean_scales(divisor, as_grid(node.inputs[0]), as_grid(node.outputs[0]));
      ARCO_CHECK(mean.has_value(), "node '{}' has no multiplier", node.name);
      r.multiplier = mean->multiplier;
      r.shift = mean->shift;
      r.zeros.offset = mean->offset;
      set_pad(r, node);
      return;
    }
    const auto scale = average_scale(divisor, exponent(node.outputs[0]) - exponent(node.inputs[0]));
    ARCO_CHECK(scale.has_value(), "node '{}' has no multiplier", node.name);
    r.multiplier = scale->multiplier;
    r.shift = scale->shift;
  }

  const Graph& source_;
  const Scales& scales_;
  const std::vector<std::vector<int>> consumers_;
  Graph graph_;
  std::vector<TensorId> float_form_, int8_form_;  // by old TensorId
  std::map<std::pair<TensorId, std::array<int64_t, 4>>, TensorId> bordered_;
};

// Constants that int8 nodes read; in float, anything goes (masks hold -infinity).
void check_constants(const Graph& graph, const std::vector<std::string>& why_float) {
  ErrorList errors("network '" + graph.name + "'");
  std::vector<bool> seen(graph.tensors.size(), false);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!why_float[i].empty()) continue;
    for (const TensorId id : graph.nodes[i].inputs) {
      if (id == kNoTensor || seen[static_cast<size_t>(id)]) continue;
      seen[static_cast<size_t>(id)] = true;
      const Tensor& tensor = graph.tensor(id);
      if (!tensor.constant || tensor.type != DataType::kFloat32) continue;
      const auto values = tensor.constant->data<float>();
      if (std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) continue;
      errors.add("constant '{}' holds values that are not finite; they cannot be quantised", tensor.name);
    }
  }
  errors.throw_if_any();
}

}  // namespace

Graph quantize(const Graph& graph, const Ranges& ranges, const QuantizeOptions& options) {
  check_constants(graph, reasons_for_float(graph, options.float_nodes));
  const Scales scales = choose_scales(graph, ranges, options);
  Graph result = Builder(graph, scales).build();
  result.check();
  check_quantized(result);
  return result;
}

}  // namespace arco
