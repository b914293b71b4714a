// The new graph is built node by node. Each tensor of the old graph has up to two forms in the new one, float and int8;
// the one that its producer makes is there first, the other is made by a Quantize or Dequantize node when a reader
// first asks for it.
#include "arco/quant/quantize.h"

#include <algorithm>
#include <cmath>

#include "arco/base/error.h"
#include "arco/quant/choose.h"
#include "arco/quant/scales.h"
#include "arco/reference/elementwise.h"

namespace arco {
namespace {

// The integer range of an activation at an exponent.
void set_range(Requantize& r, const Clamp& clamp, int exponent) {
  const auto bound = [&](float value) {
    return static_cast<int32_t>(reference::quantize_value(static_cast<double>(value), exponent));
  };
  r.high = bound(clamp.high);
  r.low = std::min(bound(clamp.low), r.high);
}

class Builder {
 public:
  Builder(const Graph& source, const Scales& scales)
      : source_(source),
        scales_(scales),
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
        add_float_node(source_.nodes[i]);
      }
    }
    for (const TensorId id : source_.outputs) graph_.outputs.push_back(as_float(id));
    return std::move(graph_);
  }

 private:
  TensorId& float_form(TensorId id) { return float_form_[static_cast<size_t>(id)]; }
  TensorId& int8_form(TensorId id) { return int8_form_[static_cast<size_t>(id)]; }
  int exponent(TensorId id) const { return scales_.activation[static_cast<size_t>(id)]; }
  bool is_output(TensorId id) const {
    return std::find(source_.outputs.begin(), source_.outputs.end(), id) != source_.outputs.end();
  }

  TensorId copy(TensorId id) { return graph_.add_tensor(source_.tensor(id)); }
  TensorId add_int8_tensor(TensorId id, const std::string& suffix) {
    const Tensor& old = source_.tensor(id);
    return graph_.add_tensor({old.name + suffix, DataType::kInt8, old.shape, std::nullopt, exponent(id)});
  }
  void add_conversion(const std::string& verb, Op op, TensorId from, TensorId to, TensorId id) {
    graph_.nodes.push_back({verb + "_" + source_.tensor(id).name, std::move(op), {from}, {to}, std::nullopt});
  }

  TensorId as_float(TensorId id) {
    if (float_form(id) == kNoTensor && int8_form(id) != kNoTensor) {
      Tensor tensor = source_.tensor(id);
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

  void add_float_node(const Node& old) {
    Node node = old;
    for (TensorId& id : node.inputs) id = id == kNoTensor ? kNoTensor : as_float(id);
    for (TensorId& id : node.outputs) {
      float_form(id) = copy(id);
      id = float_form(id);
    }
    graph_.nodes.push_back(std::move(node));
  }

  void add_int8_node(size_t index) {
    const Node& old = source_.nodes[index];
    Node node = old;
    const bool has_weights = std::holds_alternative<Conv>(old.op) || std::holds_alternative<Dense>(old.op);
    for (size_t i = 0; i < old.inputs.size(); ++i) {
      const TensorId id = old.inputs[i];
      if (id == kNoTensor) continue;
      const Tensor& tensor = source_.tensor(id);
      if (!tensor.constant) {
        node.inputs[i] = as_int8(id);
      } else if (!has_weights) {
        node.inputs[i] = copy(id);  // indices
      } else if (i == 1) {
        node.inputs[i] = add_weights(tensor, steps_of(index));
      } else {
        WeightSteps steps = steps_of(index);
        steps.exponent += exponent(old.inputs[0]);
        node.inputs[i] = add_bias(tensor, steps);
      }
    }
    if (const auto* function = std::get_if<Unary>(&old.op)) {
      node.inputs.push_back(add_table(*function, exponent(old.inputs[0]), exponent(old.outputs[0]), old.name));
      node.op = Table{};
    }
    const TensorId out = old.outputs[0];
    int8_form(out) = add_int8_tensor(out, is_output(out) ? ".int8" : "");
    node.outputs = {int8_form(out)};
    node.requantize = requantize_of(index);
    graph_.nodes.push_back(std::move(node));
  }

  TensorId add_table(const Unary& function, int ex, int ey, const std::string& name) {
    Array table(DataType::kInt8, {256});
    const auto entries = table.mutable_data<int8_t>();
    for (int q = -128; q < 128; ++q) {
      const auto x = static_cast<float>(std::ldexp(static_cast<double>(q), -ex));
      const auto y = static_cast<double>(reference::apply(function, x));
      entries[static_cast<size_t>(q + 128)] = reference::quantize_value(y, ey);
    }
    return add_constant(name + ".table", std::move(table), 0);
  }
  // Constants of channel c are counted in steps of multiplier(c) * 2^-exponent.
  struct WeightSteps {
    int exponent = 0;
    const std::vector<int32_t>* multipliers = nullptr;  // none: 1
    double multiplier(size_t c) const { return multipliers == nullptr ? 1 : static_cast<double>((*multipliers)[c]); }
  };
  WeightSteps steps_of(size_t index) const {
    const auto& channels = scales_.channels[index];
    if (channels) return {channels->exponent, &channels->multipliers};
    return {scales_.weight[index], nullptr};
  }
  TensorId add_weights(const Tensor& tensor, const WeightSteps& steps) {
    Array w(DataType::kInt8, tensor.shape);
    const auto from = tensor.constant->data<float>();
    const auto to = w.mutable_data<int8_t>();
    const size_t length = to.size() / static_cast<size_t>(tensor.shape[0]);
    for (size_t i = 0; i < to.size(); ++i) {
      const double value = static_cast<double>(from[i]) / steps.multiplier(i / length);
      to[i] = reference::quantize_value(value, steps.exponent);
    }
    return add_constant(tensor.name, std::move(w), steps.exponent);
  }
  TensorId add_bias(const Tensor& tensor, const WeightSteps& steps) {
    Array b(DataType::kInt32, tensor.shape);
    const auto from = tensor.constant->data<float>();
    const auto to = b.mutable_data<int32_t>();
    for (size_t c = 0; c < to.size(); ++c) {
      const double value = std::round(std::ldexp(static_cast<double>(from[c]) / steps.multiplier(c), steps.exponent));
      to[c] = static_cast<int32_t>(std::clamp(value, -kHighestBias, kHighestBias));
    }
    return add_constant(tensor.name, std::move(b), steps.exponent);
  }
  TensorId add_constant(const std::string& name, Array value, int e) {
    const TensorId id = graph_.add_constant(name, std::move(value));
    graph_.tensor(id).exponent = e;
    return id;
  }

  // How the node's accumulator becomes its output; nothing for nodes that only move values.
  std::optional<Requantize> requantize_of(size_t index) const {
    const Node& node = source_.nodes[index];
    const int ey = exponent(node.outputs[0]);
    Requantize r;
    if (const Conv* conv = std::get_if<Conv>(&node.op)) {
      set_weighted(r, index, conv->clamp);
    } else if (const Dense* dense = std::get_if<Dense>(&node.op)) {
      set_weighted(r, index, dense->clamp);
    } else if (const Add* add = std::get_if<Add>(&node.op)) {
      const int ea = exponent(node.inputs[0]);
      const int eb = exponent(node.inputs[1]);
      const int finest = std::max(ea, eb);
      r.add_shifts = {finest - ea, finest - eb};
      r.shift = finest - ey;
      set_range(r, add->clamp, ey);
    } else if (const Pool* pool = std::get_if<Pool>(&node.op)) {
      if (pool->kind == Pool::Kind::kAverage) {
        const auto scale = average_scale(average_divisor(source_, node), ey - exponent(node.inputs[0]));
        ARCO_CHECK(scale.has_value(), "node '{}' has no multiplier", node.name);
        r.multiplier = scale->multiplier;
        r.shift = scale->shift;
      }
      set_range(r, pool->clamp, ey);
    } else if (const Clip* clip = std::get_if<Clip>(&node.op)) {
      set_range(r, clip->clamp, ey);
    } else {
      return std::nullopt;
    }
    return r;
  }
  void set_weighted(Requantize& r, size_t index, const Clamp& clamp) const {
    const Node& node = source_.nodes[index];
    const int ey = exponent(node.outputs[0]);
    set_range(r, clamp, ey);
    if (const auto& channels = scales_.channels[index]) {
      r.shift = channels->shift;
      r.residual_shift = channels->residual_shift;
      r.channels = ChannelRequantize{channels->multipliers, channels->residual_multipliers, channels->product_shift};
      return;
    }
    const int scale = exponent(node.inputs[0]) + scales_.weight[index];
    r.shift = scale - ey;
    if (node.inputs.size() > 3 && node.inputs[3] != kNoTensor) r.residual_shift = scale - exponent(node.inputs[3]);
  }

  const Graph& source_;
  const Scales& scales_;
  Graph graph_;
  std::vector<TensorId> float_form_, int8_form_;  // by old TensorId
};

// Constants that int8 nodes read; in float, anything goes (masks hold -infinity).
void check_constants(const Graph& graph, const std::vector<bool>& int8) {
  ErrorList errors("network '" + graph.name + "'");
  std::vector<bool> seen(graph.tensors.size(), false);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!int8[i]) continue;
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
  check_constants(graph, choose_int8_nodes(graph, options.float_nodes));
  const Scales scales = choose_scales(graph, ranges, options);
  Graph result = Builder(graph, scales).build();
  result.check();
  check_quantized(result);
  return result;
}

}  // namespace arco
