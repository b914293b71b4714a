// With one block of images, a tensor is [C/block][H][W][batch][block] in DRAM: whole blocks of channels are contiguous.
// A part that begins with a block is a range of the tensor's bytes, so that layers can write the parts of a
// concatenation, and read those of a split, where they are:
//
//   conv a --> [ a | b ]  --> conv c          conv a --> [ b | c ] --> b: conv d
//   conv b ------^                                          ^-------> c: conv e
//
// A tensor is a part of one other at most; a concatenation of concatenations is a chain of views.
#include "arco/plan/channel_views.h"

#include <algorithm>
#include <optional>

#include "arco/plan/network_plan.h"

namespace arco {
namespace {

bool is_image(const Tensor& tensor) {
  return tensor.type == DataType::kInt8 && (tensor.shape.size() == 2 || tensor.shape.size() == 4);
}

// The channels that a slice takes; nothing if it cuts along other dimensions too, or takes every second one.
std::optional<SliceRange> channels_of(const Slice& slice, const Shape& shape) {
  SliceRange channels{0, shape[1]};
  for (size_t i = 0; i < slice.axes.size(); ++i) {
    const int64_t axis = slice.axes[i] < 0 ? slice.axes[i] + static_cast<int64_t>(shape.size()) : slice.axes[i];
    const int64_t extent = shape[static_cast<size_t>(axis)];
    const SliceRange range = slice_range(slice.starts[i], slice.ends[i], slice.steps[i], extent);
    if (axis == 1 && slice.steps[i] == 1) {
      channels = range;
    } else if (range.start != 0 || range.count != extent) {
      return std::nullopt;
    }
  }
  return channels;
}

class Analysis {
 public:
  Analysis(const Graph& graph, const std::vector<bool>& written, const ActivationLayout& layout)
      : graph_(graph), layout_(layout) {
    result_.views.resize(graph.tensors.size());
    result_.on_device = written;
    result_.in_place.resize(graph.nodes.size(), false);
  }

  ChannelViews run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!may_be_in_place(graph_, node)) continue;
      const bool one_block = graph_.tensor(node.outputs[0]).shape[0] <= layout_.batch;
      const auto* slice = std::get_if<Slice>(&node.op);
      result_.in_place[i] = one_block && (slice != nullptr ? cut(node, *slice) : join(node));
      if (result_.in_place[i]) on_device(node.outputs[0]) = true;
    }
    return std::move(result_);
  }

 private:
  std::vector<bool>::reference on_device(TensorId id) { return result_.on_device[static_cast<size_t>(id)]; }
  ChannelView& view(TensorId id) { return result_.views[static_cast<size_t>(id)]; }

  bool join(const Node& node) {
    bool any_on_device = false;
    int64_t channel = 0;
    for (const TensorId part : node.inputs) {
      const bool once = std::count(node.inputs.begin(), node.inputs.end(), part) == 1;
      if (!once || view(part).whole != kNoTensor || channel % layout_.block != 0) return false;
      any_on_device = any_on_device || on_device(part);
      channel += graph_.tensor(part).shape[1];
    }
    if (!any_on_device) return false;
    channel = 0;
    for (const TensorId part : node.inputs) {
      view(part) = {node.outputs[0], channel};
      channel += graph_.tensor(part).shape[1];
    }
    return true;
  }

  // What pads the last block of a part would be channels of the next part, so the part must end with a block.
  bool cut(const Node& node, const Slice& slice) {
    const TensorId whole = node.inputs[0];
    const Shape& shape = graph_.tensor(whole).shape;
    const SliceRange channels = *channels_of(slice, shape);
    const int64_t end = channels.start + channels.count;
    if (!on_device(whole) || channels.start % layout_.block != 0) return false;
    if (end % layout_.block != 0 && end != shape[1]) return false;
    view(node.outputs[0]) = {whole, channels.start};
    return true;
  }

  const Graph& graph_;
  const ActivationLayout layout_;
  ChannelViews result_;
};

}  // namespace

bool may_be_in_place(const Graph& graph, const Node& node) {
  const Tensor& output = graph.tensor(node.outputs[0]);
  if (!is_image(output)) return false;
  if (const auto* slice = std::get_if<Slice>(&node.op)) {
    return channels_of(*slice, graph.tensor(node.inputs[0]).shape).has_value();
  }
  const auto* concat = std::get_if<Concat>(&node.op);
  return concat != nullptr && (concat->axis == 1 || concat->axis + static_cast<int64_t>(output.shape.size()) == 1);
}

ChannelViews channel_views(const Graph& graph, const std::vector<bool>& written, const ActivationLayout& layout) {
  return Analysis(graph, written, layout).run();
}

}  // namespace arco
