// Values that are known at import: Constant in its forms (a tensor, or since opset 12 plain numbers), ConstantOfShape,
// Range, and what the known shapes give, Shape and Size. Exporters compute the targets of Reshape and Resize from them:
//   x -> Shape -> Gather(0) -> Unsqueeze -> Concat(.., -1) -> Reshape
// Such chains are evaluated during import (NodeContext::fold) and leave no nodes.
#include <cmath>

#include "arco/onnx/converters.h"

namespace arco {
namespace {

void convert_constant(NodeContext& node) {
  if (onnx::TensorProto* tensor = node.tensor("value")) {
    auto result = node.reader().read(*tensor);
    if (result.problem.empty()) {
      node.emit_constant(std::move(result.array));
    } else {
      node.problem("value: {}", result.problem);
    }
  } else if (node.has_attribute("value_float")) {
    node.emit_constant(Array::of<float>({}, {node.real("value_float", 0)}));
  } else if (node.has_attribute("value_int")) {
    node.emit_constant(Array::of<int64_t>({}, {node.integer("value_int", 0)}));
  } else if (node.has_attribute("value_floats")) {
    const auto values = node.reals("value_floats");
    node.emit_constant(Array::of<float>({static_cast<int64_t>(values.size())}, values));
  } else if (node.has_attribute("value_ints")) {
    const auto values = node.integers("value_ints");
    node.emit_constant(Array::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  } else if (!node.failed()) {
    node.problem("needs one of the attributes value, value_float, value_floats, value_int, value_ints");
  }
}

// Opset 15 can ask for a part of the dimensions.
void convert_shape(NodeContext& node) {
  const TensorId x = node.input(0);
  const int64_t start = node.integer("start", 0);
  const int64_t end = node.integer("end", INT64_MAX);
  const auto shape = node.shape_of(x);
  if (!shape) return;
  const SliceRange range = slice_range(start, end, 1, static_cast<int64_t>(shape->size()));
  const auto first = shape->begin() + range.start;
  node.emit_constant(Array::of<int64_t>({range.count}, {first, first + range.count}));
}

void convert_size(NodeContext& node) {
  const auto shape = node.shape_of(node.input(0));
  if (shape) node.emit_constant(Array::of<int64_t>({}, {element_count(*shape)}));
}

// One value, expanded: large results are made at run time only.
void convert_constant_of_shape(NodeContext& node) {
  Array value = Array::of<float>({}, {0});
  if (onnx::TensorProto* tensor = node.tensor("value")) {
    auto result = node.reader().read(*tensor);
    if (!result.problem.empty()) return node.problem("value: {}", result.problem);
    if (result.array.size() != 1) return node.problem("value must be a single number");
    value = result.array.reshaped({});
  }
  const auto target = node.integers_input(0, "the shape");
  if (target) node.emit(Expand{*target}, {node.add_constant("value", std::move(value))});
}

template <typename T>
void emit_range(NodeContext& node, const Array& start, const Array& limit, const Array& delta) {
  constexpr double kMost = 1 << 20;
  const T first = start.data<T>()[0];
  const T step = delta.data<T>()[0];
  const double count =
      std::ceil((static_cast<double>(limit.data<T>()[0]) - static_cast<double>(first)) / static_cast<double>(step));
  if (!(count >= 1 && count <= kMost)) return node.problem("a range of {} numbers is impossible", count);
  std::vector<T> values;
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i)
    values.push_back(static_cast<T>(first + static_cast<T>(i) * step));
  node.emit_constant(Array::of<T>({static_cast<int64_t>(values.size())}, values));
}

void convert_range(NodeContext& node) {
  const Array* parts[3];
  const char* const names[] = {"the start", "the limit", "the delta"};
  for (int i = 0; i < 3; ++i) parts[i] = node.constant_input(i, names[i]);
  if (node.failed()) return;
  for (const Array* part : parts) {
    if (part->size() != 1 || part->type() != parts[0]->type())
      return node.problem("start, limit and delta must be single numbers of one type");
  }
  switch (parts[0]->type()) {
    case DataType::kFloat32:
      return emit_range<float>(node, *parts[0], *parts[1], *parts[2]);
    case DataType::kInt32:
      return emit_range<int32_t>(node, *parts[0], *parts[1], *parts[2]);
    case DataType::kInt64:
      return emit_range<int64_t>(node, *parts[0], *parts[1], *parts[2]);
    default:
      return node.problem("a range of {} is not supported", to_string(parts[0]->type()));
  }
}

}  // namespace

void add_constant_converters(ConverterTable& table) {
  table["Shape"] = convert_shape;
  table["Size"] = convert_size;
  table["ConstantOfShape"] = convert_constant_of_shape;
  table["Range"] = convert_range;
  table["Constant"] = convert_constant;
}

}  // namespace arco
