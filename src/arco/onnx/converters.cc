// auto_pad (ONNX Conv, MaxPool): SAME makes the output ceil(in / stride) and splits the padding that this needs,
// max((out - 1) * stride + reach - in, 0), evenly; the odd one goes to the end (UPPER) or to the beginning (LOWER).
#include "arco/onnx/converters.h"

#include <algorithm>

#include "arco/onnx/model_reader.h"

namespace arco {

const ConverterTable& converters() {
  static const ConverterTable table = [] {
    ConverterTable all;
    add_convolution_converters(all);
    add_pooling_converters(all);
    add_elementwise_converters(all);
    add_normalisation_converters(all);
    add_matrix_converters(all);
    add_layout_converters(all);
    add_constant_converters(all);
    add_shape_arithmetic_converters(all);
    return all;
  }();
  return table;
}

namespace {

void pad_same(WindowAttributes& window, const Shape& x, const std::array<int64_t, 2>& kernel, bool upper) {
  for (size_t d = 0; d < 2; ++d) {
    const int64_t in = x[d + 2];
    const int64_t out = (in - 1) / window.strides[d] + 1;
    const int64_t reach = window.dilations[d] * (kernel[d] - 1) + 1;
    const int64_t total = std::max<int64_t>((out - 1) * window.strides[d] + reach - in, 0);
    window.pads[d] = upper ? total / 2 : total - total / 2;
    window.pads[d + 2] = total - window.pads[d];
  }
}

}  // namespace

WindowAttributes read_window(NodeContext& node, const std::array<int64_t, 2>& kernel) {
  WindowAttributes window;
  window.strides = node.exactly<2>("strides", window.strides);
  window.dilations = node.exactly<2>("dilations", window.dilations);
  const std::string auto_pad = node.text("auto_pad", "NOTSET");
  window.pads = node.exactly<4>("pads", window.pads);
  if (auto_pad == "NOTSET") return window;
  window.pads = {0, 0, 0, 0};
  if (auto_pad == "VALID") return window;
  if (auto_pad != "SAME_UPPER" && auto_pad != "SAME_LOWER") {
    node.problem("auto_pad '{}' is not one of NOTSET, SAME_UPPER, SAME_LOWER, VALID", printable(auto_pad));
    return window;
  }
  // Values out of this range are reported by shape inference.
  const auto sane = [](int64_t v) { return v >= 1 && v < int64_t{1} << 24; };
  const bool computable = std::all_of(window.strides.begin(), window.strides.end(), sane) &&
                          std::all_of(window.dilations.begin(), window.dilations.end(), sane) &&
                          std::all_of(kernel.begin(), kernel.end(), sane);
  const Tensor* x = node.known_input(0);
  if (computable && x != nullptr && x->shape.size() == 4) pad_same(window, x->shape, kernel, auto_pad == "SAME_UPPER");
  return window;
}

}  // namespace arco
