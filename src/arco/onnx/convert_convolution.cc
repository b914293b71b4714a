// Conv (opsets 1, 11). The kernel's size is that of the weights; the attribute may only repeat it.
#include "arco/onnx/converters.h"

namespace arco {
namespace {

void convert_conv(NodeContext& node) {
  const TensorId x = node.input(0);
  const TensorId w = node.input(1);
  const TensorId bias = node.input(2, false);
  std::array<int64_t, 2> kernel{1, 1};
  if (const Tensor* weights = node.known_input(1)) {
    if (weights->shape.size() != 4) {
      node.problem("weights are {}: only 2-D convolutions with weights [O,I,KH,KW] are supported",
                   to_string(weights->shape));
      for (const char* name : {"strides", "dilations", "pads", "kernel_shape", "auto_pad", "group"}) node.ignore(name);
      return;
    }
    kernel = {weights->shape[2], weights->shape[3]};
    const auto stated = node.exactly<2>("kernel_shape", kernel);
    if (stated != kernel) {
      node.problem("kernel_shape {}x{} differs from the weights' {}x{}", stated[0], stated[1], kernel[0], kernel[1]);
    }
  } else {
    node.ignore("kernel_shape");
  }
  const WindowAttributes window = read_window(node, kernel);
  Conv conv;
  conv.strides = window.strides;
  conv.dilations = window.dilations;
  conv.pads = window.pads;
  conv.groups = node.integer("group", 1);
  node.emit(conv, {x, w, bias});
}

}  // namespace

void add_convolution_converters(ConverterTable& table) {
  table["Conv"] = convert_conv;
}

}  // namespace arco
