// Concatenations and slices of channels that move nothing: their parts lie inside of a larger tensor in DRAM.
#pragma once

#include <vector>

#include "arco/graph/graph.h"
#include "arco/schedule/geometry.h"

namespace arco {

// A tensor that is a range of the channels of another one.
struct ChannelView {
  TensorId whole = kNoTensor;  // kNoTensor: it lies by itself
  int64_t first_channel = 0;   // in the whole; a multiple of the layout's block
};

struct ChannelViews {
  std::vector<ChannelView> views;  // by TensorId
  std::vector<bool> on_device;     // by TensorId: a layer writes it, or a part of it, or it is a part of such a tensor
  std::vector<bool> in_place;      // by node: Concat or Slice without work
};

// `written` says by TensorId which tensors accelerator layers write, as `layout`. Of a concatenation in place the other
// parts are for the host to write where they belong.
ChannelViews channel_views(const Graph& graph, const std::vector<bool>& written, const ActivationLayout& layout);

// The node joins or cuts int8 images along the channels, so that a layout may exist in which it moves nothing.
bool may_be_in_place(const Graph& graph, const Node& node);

}  // namespace arco
