// What convolutions and pooling share. Windows over a line run as windows over a plane of one row.
//
// auto_pad (ONNX Conv, MaxPool): SAME makes the output ceil(in / stride) and splits the padding that this needs,
// max((out - 1) * stride + reach - in, 0), evenly; the odd one goes to the end (UPPER) or to the beginning (LOWER).
#include <algorithm>

#include "arco/onnx/converters.h"
#include "arco/onnx/model_reader.h"

namespace arco {

namespace {

// Values out of this range are reported by shape inference.
bool is_sane(int64_t v) {
  return v >= 1 && v < int64_t{1} << 24;
}

void pad_same(WindowAttributes& window, const Shape& x, const std::array<int64_t, 2>& kernel) {
  for (size_t d = 0; d < 2; ++d) {
    const int64_t in = x[d + 2];
    const int64_t out = (in - 1) / window.strides[d] + 1;
    const int64_t reach = window.dilations[d] * (kernel[d] - 1) + 1;
    const int64_t total = std::max<int64_t>((out - 1) * window.strides[d] + reach - in, 0);
    window.pads[d] = window.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.pads[d + 2] = total - window.pads[d];
  }
}

std::array<int64_t, 4> read_pads(NodeContext& node, size_t rank) {
  if (rank == 2) return node.exactly<4>("pads", {0, 0, 0, 0});
  const auto line = node.exactly<2>("pads", {0, 0});
  return {0, line[0], 0, line[1]};
}

}  // namespace

std::array<int64_t, 2> as_plane(NodeContext& node, const char* name, size_t rank, std::array<int64_t, 2> otherwise) {
  if (rank == 2) return node.exactly<2>(name, otherwise);
  return {otherwise[0], node.exactly<1>(name, {otherwise[1]})[0]};
}

WindowAttributes read_window(NodeContext& node, size_t rank) {
  WindowAttributes window;
  window.strides = as_plane(node, "strides", rank, window.strides);
  window.dilations = as_plane(node, "dilations", rank, window.dilations);
  window.pads = read_pads(node, rank);
  window.auto_pad = node.text("auto_pad", "NOTSET");
  if (window.auto_pad != "NOTSET" && window.auto_pad != "SAME_UPPER" && window.auto_pad != "SAME_LOWER" &&
      window.auto_pad != "VALID") {
    node.problem("auto_pad '{}' is not one of NOTSET, SAME_UPPER, SAME_LOWER, VALID", printable(window.auto_pad));
  }
  return window;
}

void apply_auto_pad(WindowAttributes& window, const Shape& x, const std::array<int64_t, 2>& kernel) {
  if (window.auto_pad == "NOTSET") return;
  window.pads = {0, 0, 0, 0};
  const bool computable = std::all_of(window.strides.begin(), window.strides.end(), is_sane) &&
                          std::all_of(window.dilations.begin(), window.dilations.end(), is_sane) &&
                          std::all_of(kernel.begin(), kernel.end(), is_sane) && x.size() == 4;
  if (window.auto_pad.starts_with("SAME") && computable) pad_same(window, x, kernel);
}

size_t window_rank(NodeContext& node, TensorId x) {
  const auto shape = node.shape_of(x);
  if (!shape) return 0;
  if (shape->size() == 3 || shape->size() == 4) return shape->size() - 2;
  node.problem("the input is {}: only 1-D and 2-D windows over [N,C,L] and [N,C,H,W] are supported", to_string(*shape));
  return 0;
}

TensorId to_plane(NodeContext& node, TensorId x) {
  const auto shape = node.shape_of(x);
  if (!shape || shape->size() != 3) return x;
  const Shape plane{(*shape)[0], (*shape)[1], 1, (*shape)[2]};
  return node.emit_inner(Reshape{plane}, {x});
}

void emit_window(NodeContext& node, Op op, std::vector<TensorId> inputs, size_t rank) {
  if (rank == 2) return node.emit(std::move(op), std::move(inputs));
  const TensorId y = node.emit_inner(std::move(op), std::move(inputs));
  if (const auto shape = node.shape_of(y)) node.emit(Reshape{{(*shape)[0], (*shape)[1], (*shape)[3]}}, {y});
}

}  // namespace arco
