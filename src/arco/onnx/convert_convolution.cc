// Conv (opsets 1, 11) and ConvTranspose (1, 11). The kernel's size is that of the weights; the attribute may only
// repeat it. One-dimensional ones run as planes of one row.
#include <algorithm>

#include "arco/onnx/converters.h"

namespace arco {
namespace {

// What both kinds of convolution begin with.
struct Operands {
  TensorId x = kNoTensor, w = kNoTensor, bias = kNoTensor;
  size_t rank = 0;  // of the window; 0: nothing more can be said
  std::array<int64_t, 2> kernel{1, 1};
  WindowAttributes window;
};

Operands read_operands(NodeContext& node) {
  Operands o;
  const TensorId x = node.input(0);
  const TensorId w = node.input(1);
  o.bias = node.input(2, false);
  const auto weights = node.shape_of(w);
  o.rank = !weights ? 0 : window_rank(node, x);
  if (o.rank > 0 && weights->size() != o.rank + 2) {
    node.problem("weights are {}: only 1-D and 2-D convolutions with weights [O,I,K] and [O,I,KH,KW] are supported",
                 to_string(*weights));
    o.rank = 0;
  }
  if (o.rank == 0) {
    for (const char* name : {"strides", "dilations", "pads", "kernel_shape", "auto_pad", "group"}) node.ignore(name);
    return o;
  }
  o.kernel = {o.rank == 2 ? (*weights)[2] : 1, weights->back()};
  const auto stated = as_plane(node, "kernel_shape", o.rank, o.kernel);
  if (stated != o.kernel) {
    node.problem("kernel_shape {}x{} differs from the weights' {}x{}", stated[0], stated[1], o.kernel[0], o.kernel[1]);
  }
  o.window = read_window(node, o.rank);
  o.x = to_plane(node, x);
  o.w = to_plane(node, w);
  return o;
}

void convert_conv(NodeContext& node) {
  Operands o = read_operands(node);
  if (o.rank == 0) return;
  if (const auto x = node.shape_of(o.x)) apply_auto_pad(o.window, *x, o.kernel);
  Conv conv;
  conv.strides = o.window.strides;
  conv.dilations = o.window.dilations;
  conv.pads = o.window.pads;
  conv.groups = node.integer("group", 1);
  emit_window(node, conv, {o.x, o.w, o.bias}, o.rank);
}

// Pads that give the output extent `wanted`, or with auto_pad in * stride.
void choose_pads(ConvTranspose& conv, const Operands& o, const Shape& x, const std::array<int64_t, 2>& wanted) {
  for (size_t d = 0; d < 2; ++d) {
    const int64_t out = wanted[d] > 0 ? wanted[d] : x[d + 2] * conv.strides[d];
    const int64_t full =
        conv.strides[d] * (x[d + 2] - 1) + conv.output_padding[d] + (o.kernel[d] - 1) * conv.dilations[d] + 1;
    const int64_t total = full - out;
    const int64_t half = total >> 1;  // rounds down for negative totals, too
    conv.pads[d] = o.window.auto_pad == "SAME_UPPER" ? half : total - half;
    conv.pads[d + 2] = total - conv.pads[d];
  }
}

void convert_conv_transpose(NodeContext& node) {
  const Operands o = read_operands(node);
  if (o.rank == 0) {
    for (const char* name : {"output_padding", "output_shape"}) node.ignore(name);
    return;
  }
  ConvTranspose conv;
  conv.strides = o.window.strides;
  conv.dilations = o.window.dilations;
  conv.pads = o.window.pads;
  conv.groups = node.integer("group", 1);
  conv.output_padding = as_plane(node, "output_padding", o.rank, {0, 0});
  const auto sane = [](int64_t v) { return v >= 0 && v < int64_t{1} << 24; };
  const auto wanted = as_plane(node, "output_shape", o.rank, {o.rank == 1 ? 1 : 0, 0});
  for (const auto& values : {conv.strides, conv.dilations, conv.output_padding, o.kernel, wanted}) {
    if (!std::all_of(values.begin(), values.end(), sane)) {
      node.problem("strides, dilations, output_padding and output_shape must not be negative, nor huge");
      return;
    }
  }
  const auto x = node.shape_of(o.x);
  if (!x) return;
  if (o.window.auto_pad == "VALID") conv.pads = {0, 0, 0, 0};
  if (node.has_attribute("output_shape") || o.window.auto_pad.starts_with("SAME")) choose_pads(conv, o, *x, wanted);
  emit_window(node, conv, {o.x, o.w, o.bias}, o.rank);
}

}  // namespace

void add_convolution_converters(ConverterTable& table) {
  table["Conv"] = convert_conv;
  table["ConvTranspose"] = convert_conv_transpose;
}

}  // namespace arco
