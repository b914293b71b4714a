#include "arco/quant/layer_scales.h"

#include <algorithm>
#include <limits>

#include "arco/quant/border.h"
#include "arco/quant/brought_scales.h"
#include "arco/quant/choose.h"
#include "arco/quant/grid_scales.h"
#include "arco/quant/quantize.h"

namespace arco {

namespace {

class LayerScales {
 public:
  LayerScales(const Graph& graph, const QuantizeOptions& options, Scales& scales, std::vector<bool>& dropped)
      : graph_(graph), options_(options), scales_(scales), dropped_(dropped) {}

  // Whether all grids can stay; else some are dropped.
  bool run() {
    scales_.channels.resize(graph_.nodes.size());
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!scales_.int8[i]) continue;
      if (has_weights(node)) {
        choose_weights(i, node);
      } else if (touches_grid(node)) {
        check_arithmetic(node);
      }
    }
    return kept_;
  }

 private:
  bool has_grid(TensorId id) const { return id != kNoTensor && scales_.grids[static_cast<size_t>(id)].has_value(); }
  Grid grid(TensorId id) const { return {scales_.step(id), scales_.zero(id)}; }
  bool touches_grid(const Node& node) const {
    return has_grid(node.outputs[0]) || std::ranges::any_of(node.inputs, [&](TensorId id) { return has_grid(id); });
  }
  void drop(TensorId id) {
    if (!has_grid(id)) return;
    dropped_[static_cast<size_t>(id)] = true;
    kept_ = false;
  }
  void drop_all(const Node& node) {
    for (const TensorId id : node.inputs) drop(id);
    drop(node.outputs[0]);
  }

  void choose_weights(size_t index, const Node& node) {
    const auto input = [&](size_t i) { return i < node.inputs.size() ? node.inputs[i] : kNoTensor; };
    const Tensor& weights = graph_.tensor(input(1));
    const bool has_grids = touches_grid(node);
    const bool brings_steps = options_.keep_brought && !channel_steps(weights).empty() &&
                              brought_exponent(weights) == std::numeric_limits<int>::max();
    if (!has_grids && !brings_steps && options_.weight_scales == WeightScales::kPerTensor) return;
    if (!border_is_possible(node)) return drop(input(0));
    Neighbours neighbours{grid(input(0)), grid(node.outputs[0]), std::nullopt, has_grids};
    if (input(3) != kNoTensor) neighbours.residual = grid(input(3));
    const Array* bias = input(2) == kNoTensor ? nullptr : &*graph_.tensor(input(2)).constant;
    scales_.channels[index] = choose_channel_scales(weights, bias, neighbours);
    if (!scales_.channels[index] && has_grids) drop_all(node);
  }

  // A border that the host makes is in memory. Padding of millions of pixels is allowed, and must not fill it.
  bool border_is_possible(const Node& node) const {
    constexpr int64_t kMostBytes = int64_t{1} << 30;
    const TensorId x = node.inputs[0];
    if (!needs_pad(node, scales_.zero(x))) return true;
    const Shape wider = with_border(graph_.tensor(x).shape, border_of(node));
    return is_reasonable(wider) && element_count(wider) <= kMostBytes;
  }

  void check_arithmetic(const Node& node) {
    const Grid y = grid(node.outputs[0]);
    if (std::holds_alternative<Add>(node.op)) {
      if (!choose_sum_scales(grid(node.inputs[0]), grid(node.inputs[1]), y)) drop_all(node);
    } else if (is_average(node)) {
      if (!border_is_possible(node)) return drop(node.inputs[0]);
      if (!choose_mean_scales(average_divisor(graph_, node), grid(node.inputs[0]), y)) drop_all(node);
    }
  }

  const Graph& graph_;
  const QuantizeOptions& options_;
  Scales& scales_;
  std::vector<bool>& dropped_;
  bool kept_ = true;
};

}  // namespace

bool choose_layer_scales(const Graph& graph, const QuantizeOptions& options, Scales& scales,
                         std::vector<bool>& dropped) {
  return LayerScales(graph, options, scales, dropped).run();
}

}  // namespace arco
