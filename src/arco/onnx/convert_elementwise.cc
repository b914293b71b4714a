// Operators that combine or limit elements: arithmetic and comparisons of two tensors, Sum and its kin of any number,
// Relu, Clip, Where, Cast; and those that do nothing at inference: Identity, Dropout.
#include <algorithm>
#include <cmath>
#include <limits>

#include "arco/onnx/converters.h"

namespace arco {
namespace {

void convert_two(NodeContext& node, const Op& op) {
  if (node.input_count() != 2) node.problem("has {} inputs, expected 2", node.input_count());
  const TensorId a = node.input(0);
  const TensorId b = node.input(1);
  node.emit(op, {a, b});
}

Converter binary(Binary::Kind kind) {
  return [kind](NodeContext& node) { convert_two(node, Binary{kind}); };
}

// n inputs are a chain of n - 1 operations; the result of it, or kNoTensor if there is only one input.
TensorId chain(NodeContext& node, const Op& op, TensorId last) {
  TensorId result = node.input(0);
  for (int i = 1; i < node.input_count(); ++i) {
    if (i + 1 == node.input_count() && last == kNoTensor) {
      node.emit(op, {result, node.input(i)});
      return kNoTensor;
    }
    result = node.emit_inner(op, {result, node.input(i)});
  }
  return result;
}

Converter variadic(const Op& op) {
  return [op](NodeContext& node) {
    const TensorId single = chain(node, op, kNoTensor);
    if (single != kNoTensor) node.emit(Identity{}, {single});
  };
}

void convert_mean(NodeContext& node) {
  const float share = 1.0F / static_cast<float>(std::max(1, node.input_count()));
  const TensorId factor = node.add_constant("share", Array::of<float>({}, {share}));
  node.emit(Binary{Binary::Kind::kMul}, {chain(node, Add{}, factor), factor});
}

// The exponent may be of another type than the base, whose type the result has; powers are computed in float.
void convert_pow(NodeContext& node) {
  TensorId base = node.input(0);
  TensorId exponent = node.input(1);
  const Tensor* base_tensor = node.known(base);
  const Tensor* exponent_tensor = node.known(exponent);
  if (base_tensor == nullptr || exponent_tensor == nullptr) return;
  const DataType type = base_tensor->type;
  if (exponent_tensor->type != DataType::kFloat32) exponent = node.emit_inner(Cast{}, {exponent});
  if (type == DataType::kFloat32) return node.emit(Binary{Binary::Kind::kPow}, {base, exponent});
  base = node.emit_inner(Cast{}, {base});
  node.emit(Cast{type}, {node.emit_inner(Binary{Binary::Kind::kPow}, {base, exponent})});
}

// The slope broadcasts; some exporters give one for each channel as [C] although that aligns with the last dimension.
void convert_prelu(NodeContext& node) {
  const TensorId x = node.input(0);
  TensorId slope = node.input(1);
  const auto shape = node.shape_of(x);
  const auto slopes = node.shape_of(slope);
  if (!shape || !slopes) return;
  if (shape->size() > 2 && slopes->size() == 1 && (*slopes)[0] == (*shape)[1] && (*slopes)[0] != shape->back()) {
    Shape column(shape->size() - 1, 1);
    column[0] = (*slopes)[0];
    slope = node.emit_inner(Reshape{column}, {slope});
  }
  node.emit(Binary{Binary::Kind::kPRelu}, {x, slope});
}

void convert_where(NodeContext& node) {
  const TensorId condition = node.input(0);
  const TensorId a = node.input(1);
  const TensorId b = node.input(2);
  node.emit(Where{}, {condition, a, b});
}

void convert_cast(NodeContext& node) {
  const TensorId x = node.input(0);
  const int64_t to = node.integer("to", 0);
  node.ignore("saturate");
  const auto onnx_type = static_cast<int>(std::clamp<int64_t>(to, 0, 1000));
  const auto type = graph_type(onnx_type);
  if (!type) return node.problem("casting to {} is not supported", onnx_type_name(onnx_type));
  node.emit(Cast{*type}, {x});
}

void convert_relu(NodeContext& node) {
  Clip clip;
  clip.clamp.low = 0;
  node.emit(clip, {node.input(0)});
}

// A bound that is known now, or nothing; `computed` then tells whether it comes as a tensor.
struct Bound {
  std::optional<float> value;
  TensorId computed = kNoTensor;
};

Bound read_bound(NodeContext& node, int i, const char* what, bool is_float) {
  if (!node.has_input(i)) return {};
  const TensorId id = node.input(i);
  const Tensor* tensor = node.known(id);
  if (tensor == nullptr) return {};
  if (element_count(tensor->shape) != 1) node.problem("{} ('{}') must be a scalar", what, tensor->name);
  if (tensor->constant && is_float) return {node.scalar_input(i, what), kNoTensor};
  return {std::nullopt, id};
}

// Bounds that are integers or computed at run time: a maximum and a minimum.
void clip_by_tensors(NodeContext& node, TensorId x, const Bound& low, const Bound& high) {
  const auto id_of = [&](const char* name, const Bound& bound) {
    return bound.value ? node.add_constant(name, Array::of<float>({}, {*bound.value})) : bound.computed;
  };
  const TensorId lowest = id_of("low", low);
  const TensorId highest = id_of("high", high);
  if (lowest != kNoTensor && highest == kNoTensor) return node.emit(Binary{Binary::Kind::kMax}, {x, lowest});
  if (lowest != kNoTensor) x = node.emit_inner(Binary{Binary::Kind::kMax}, {x, lowest});
  node.emit(Binary{Binary::Kind::kMin}, {x, highest});
}

// Bounds are attributes before opset 11 and optional inputs since.
void convert_clip(NodeContext& node) {
  const TensorId x = node.input(0);
  const Tensor* tensor = node.known(x);
  Clip clip;
  if (node.opset() < 11) {
    clip.clamp.low = node.real("min", std::numeric_limits<float>::lowest());
    clip.clamp.high = node.real("max", std::numeric_limits<float>::max());
  } else {
    const bool is_float = tensor == nullptr || tensor->type == DataType::kFloat32;
    const Bound low = read_bound(node, 1, "the lower bound", is_float);
    const Bound high = read_bound(node, 2, "the upper bound", is_float);
    if (low.computed != kNoTensor || high.computed != kNoTensor) return clip_by_tensors(node, x, low, high);
    clip.clamp.low = low.value.value_or(clip.clamp.low);
    clip.clamp.high = high.value.value_or(clip.clamp.high);
  }
  // The largest finite values mean "no bound".
  if (clip.clamp.low == std::numeric_limits<float>::lowest()) clip.clamp.low = Clamp{}.low;
  if (clip.clamp.high == std::numeric_limits<float>::max()) clip.clamp.high = Clamp{}.high;
  if (std::isnan(clip.clamp.low) || std::isnan(clip.clamp.high)) node.problem("the bounds must be numbers");
  // Where the bounds cross, ONNX takes the upper one.
  clip.clamp.low = std::min(clip.clamp.low, clip.clamp.high);
  node.emit(clip, {x});
}

// A constant's identity is a constant at once: it may be a shape, which must be known to the nodes after it.
void convert_identity(NodeContext& node) {
  const TensorId x = node.input(0);
  const Tensor* tensor = node.known_input(0);
  if (tensor != nullptr && tensor->constant) {
    node.emit_constant(Array(*tensor->constant));
  } else {
    node.emit(Identity{}, {x});
  }
}

void convert_dropout(NodeContext& node) {
  node.ignore("ratio");
  node.ignore("seed");
  node.ignore_input(1);  // ratio
  if (node.has_input(2)) {
    const Array* training = node.constant_input(2, "training_mode");
    if (training != nullptr && (training->bytes().empty() || training->bytes()[0] != 0)) {
      node.problem("training_mode must be false; export the model for inference");
    }
  }
  node.emit(Identity{}, {node.input(0)});
}

}  // namespace

void add_elementwise_converters(ConverterTable& table) {
  using Kind = Binary::Kind;
  table["Add"] = [](NodeContext& node) { convert_two(node, Add{}); };
  table["Sub"] = binary(Kind::kSub);
  table["Mul"] = binary(Kind::kMul);
  table["Div"] = binary(Kind::kDiv);
  table["PRelu"] = convert_prelu;
  table["Equal"] = binary(Kind::kEqual);
  table["Greater"] = binary(Kind::kGreater);
  table["Less"] = binary(Kind::kLess);
  table["Pow"] = convert_pow;
  table["Sum"] = variadic(Add{});
  table["Min"] = variadic(Binary{Kind::kMin});
  table["Max"] = variadic(Binary{Kind::kMax});
  table["Mean"] = convert_mean;
  table["Where"] = convert_where;
  table["Cast"] = convert_cast;
  table["Relu"] = convert_relu;
  table["Clip"] = convert_clip;
  table["Dropout"] = convert_dropout;
  table["Identity"] = convert_identity;
}

}  // namespace arco
