// Operators on quantised tensors, in terms of simpler ones:
//   QLinearConv, QLinearMatMul   DequantizeLinear of the operands, the float operator, QuantizeLinear
//   ConvInteger, MatMulInteger   int32 operands less their zero points, the int32 operator (exact, wrapping)
//   DynamicQuantizeLinear        scale = (max(x, 0) - min(x, 0)) / 255, zero point = saturate(round(-min / scale))
#include <cmath>

#include "arco/onnx/converters.h"

namespace arco {
namespace {

// A tensor of zeros shaped like `scale`.
TensorId zero_like(NodeContext& node, const Shape& scale, DataType type) {
  return node.add_constant("zero_point", Array(type, scale));
}

// Adds a problem if input i, a scale, is known and not positive.
void check_scale(NodeContext& node, int i) {
  const Tensor* scale = node.known_input(i);
  if (scale == nullptr || !scale->constant || scale->type != DataType::kFloat32) return;
  for (const float value : scale->constant->data<float>()) {
    if (value > 0 && std::isfinite(value)) continue;
    return node.problem("scale '{}' holds {}; expected positive numbers", scale->name, value);
  }
}

void convert_quantize_linear(NodeContext& node) {
  const TensorId x = node.input(0);
  const TensorId scale = node.input(1);
  check_scale(node, 1);
  QuantizeLinear op;
  op.axis = node.integer("axis", 1);
  node.ignore("saturate");
  if (node.integer("block_size", 0) != 0) node.problem("blocked quantisation is not supported");
  const auto stated = static_cast<int>(std::clamp<int64_t>(node.integer("output_dtype", 0), 0, 1000));
  if (stated != 0 && !graph_type(stated))
    return node.problem("output type {} is not supported", onnx_type_name(stated));
  if (stated != 0) op.type = *graph_type(stated);
  const auto shape = node.shape_of(scale);
  if (!shape) return node.ignore_input(2);
  if (!node.has_input(2)) return node.emit(op, {x, scale, zero_like(node, *shape, op.type)});
  const TensorId zero = node.input(2);
  const Tensor* tensor = node.known(zero);
  if (tensor == nullptr) return;
  op.type = tensor->type;
  node.emit(op, {x, scale, zero});
}

void convert_dequantize_linear(NodeContext& node) {
  const TensorId x = node.input(0);
  const TensorId scale = node.input(1);
  check_scale(node, 1);
  const TensorId zero = node.input(2, false);
  const int64_t axis = node.integer("axis", 1);
  if (node.integer("block_size", 0) != 0) node.problem("blocked quantisation is not supported");
  std::vector<TensorId> inputs{x, scale};
  if (zero != kNoTensor) inputs.push_back(zero);
  node.emit(DequantizeLinear{axis}, std::move(inputs));
}

}  // namespace

TensorId dequantized(NodeContext& node, int i, int64_t axis) {
  std::vector<TensorId> inputs{node.input(i), node.input(i + 1)};
  check_scale(node, i + 1);
  if (const TensorId zero = node.input(i + 2, false); zero != kNoTensor) inputs.push_back(zero);
  return node.emit_inner(DequantizeLinear{axis}, std::move(inputs));
}

void emit_quantized(NodeContext& node, TensorId y, int i) {
  const TensorId scale = node.input(i);
  check_scale(node, i);
  const TensorId zero = node.input(i + 1);
  const Tensor* tensor = node.known(zero);
  if (tensor != nullptr) node.emit(QuantizeLinear{1, tensor->type}, {y, scale, zero});
}

namespace {

struct PlaneConv {
  Conv op;
  size_t rank = 0;  // of the window; 0: not convertible
};

// Attributes of a convolution of the tensors `x` and `w`.
PlaneConv read_conv(NodeContext& node, TensorId x, TensorId w) {
  PlaneConv conv;
  const auto weights = node.shape_of(w);
  conv.rank = !weights ? 0 : window_rank(node, x);
  if (conv.rank > 0 && weights->size() != conv.rank + 2) {
    node.problem("weights are {}, expected as many dimensions as the input", to_string(*weights));
    conv.rank = 0;
  }
  if (conv.rank == 0) {
    for (const char* name : {"strides", "dilations", "pads", "kernel_shape", "auto_pad", "group"}) node.ignore(name);
    return conv;
  }
  const std::array<int64_t, 2> kernel{conv.rank == 2 ? (*weights)[2] : 1, weights->back()};
  if (as_plane(node, "kernel_shape", conv.rank, kernel) != kernel)
    node.problem("kernel_shape differs from the weights'");
  WindowAttributes window = read_window(node, conv.rank);
  const Shape plane = *node.shape_of(x);
  apply_auto_pad(window, conv.rank == 2 ? plane : Shape{plane[0], plane[1], 1, plane[2]}, kernel);
  conv.op.strides = window.strides;
  conv.op.dilations = window.dilations;
  conv.op.pads = window.pads;
  conv.op.groups = node.integer("group", 1);
  return conv;
}

void convert_qlinear_conv(NodeContext& node) {
  const TensorId x = dequantized(node, 0, 1);
  const TensorId w = dequantized(node, 3, 0);
  TensorId bias = node.input(8, false);
  if (bias != kNoTensor) {
    // The bias has the scale of the accumulator.
    const TensorId scale = node.emit_inner(Binary{Binary::Kind::kMul}, {node.input(1), node.input(4)});
    bias = node.emit_inner(DequantizeLinear{0}, {bias, scale});
  }
  const PlaneConv conv = read_conv(node, x, w);
  if (conv.rank == 0) {
    for (const int i : {6, 7}) node.ignore_input(i);
    return;
  }
  TensorId y = node.emit_inner(conv.op, {to_plane(node, x), to_plane(node, w), bias});
  const auto shape = node.shape_of(y);
  if (shape && conv.rank == 1) y = node.emit_inner(Reshape{{(*shape)[0], (*shape)[1], (*shape)[3]}}, {y});
  emit_quantized(node, y, 6);
}

// Scales of a are for its rows, of b for its columns.
void convert_qlinear_matmul(NodeContext& node) {
  const TensorId a = dequantized(node, 0, -2);
  const TensorId b = dequantized(node, 3, -1);
  emit_quantized(node, node.emit_inner(MatMul{}, {a, b}), 6);
}

// Input i as int32 less its zero point (input `zero`), which is one value or one for each index of dimension `axis`,
// counted from the end.
TensorId centred(NodeContext& node, int i, int zero, size_t axis_from_end) {
  const TensorId x = node.emit_inner(Cast{DataType::kInt32}, {node.input(i)});
  if (!node.has_input(zero)) return x;
  TensorId offset = node.emit_inner(Cast{DataType::kInt32}, {node.input(zero)});
  const auto shape = node.shape_of(offset);
  if (shape && shape->size() == 1 && axis_from_end > 0) {
    Shape column(axis_from_end + 1, 1);
    column[0] = (*shape)[0];
    offset = node.emit_inner(Reshape{column}, {offset});
  }
  return node.emit_inner(Binary{Binary::Kind::kSub}, {x, offset});
}

void convert_conv_integer(NodeContext& node) {
  const TensorId x = centred(node, 0, 2, 0);
  const auto weights = node.shape_of(node.input(1));
  const TensorId w = centred(node, 1, 3, !weights ? 0 : weights->size() - 1);
  const PlaneConv conv = read_conv(node, x, w);
  if (conv.rank > 0) emit_window(node, conv.op, {to_plane(node, x), to_plane(node, w)}, conv.rank);
}

void convert_matmul_integer(NodeContext& node) {
  const TensorId a = centred(node, 0, 2, 1);
  const TensorId b = centred(node, 1, 3, 0);
  node.emit(MatMul{}, {a, b});
}

void convert_dynamic_quantize_linear(NodeContext& node) {
  const TensorId x = node.input(0);
  const auto constant = [&](const char* name, float value) {
    return node.add_constant(name, Array::of<float>({}, {value}));
  };
  const auto binary = [&](Binary::Kind kind, TensorId a, TensorId b) { return node.emit_inner(Binary{kind}, {a, b}); };
  const TensorId zero = constant("zero", 0);
  const TensorId low = binary(Binary::Kind::kMin, node.emit_inner(Reduce{Reduce::Kind::kMin, {}, false}, {x}), zero);
  const TensorId high = binary(Binary::Kind::kMax, node.emit_inner(Reduce{Reduce::Kind::kMax, {}, false}, {x}), zero);
  const TensorId range = binary(Binary::Kind::kSub, high, low);
  // An input of zeros alone would divide by zero.
  const TensorId scale =
      binary(Binary::Kind::kMax, binary(Binary::Kind::kDiv, range, constant("steps", 255)), constant("least", 1e-38F));
  const TensorId offset = binary(Binary::Kind::kDiv, binary(Binary::Kind::kSub, zero, low), scale);
  const TensorId rounded = node.emit_inner(Unary{Unary::Kind::kRound}, {offset});
  const TensorId zero_point = node.emit_inner(Cast{DataType::kUint8}, {rounded});
  node.emit(QuantizeLinear{1, DataType::kUint8}, {x, scale, zero_point}, 0);
  if (node.has_output(1)) node.emit(Identity{}, {scale}, 1);
  if (node.has_output(2)) node.emit(Identity{}, {zero_point}, 2);
}

}  // namespace

void add_quantization_converters(ConverterTable& table) {
  table["QuantizeLinear"] = convert_quantize_linear;
  table["DequantizeLinear"] = convert_dequantize_linear;
  table["QLinearConv"] = convert_qlinear_conv;
  table["QLinearMatMul"] = convert_qlinear_matmul;
  table["ConvInteger"] = convert_conv_integer;
  table["MatMulInteger"] = convert_matmul_integer;
  table["DynamicQuantizeLinear"] = convert_dynamic_quantize_linear;
}

}  // namespace arco
