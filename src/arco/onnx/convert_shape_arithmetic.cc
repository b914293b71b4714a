// Exporters compute the target of a Reshape from the shape of a tensor:
//   x -> Shape -> Gather(0) -> Unsqueeze -> Concat(.., -1) -> Reshape
// All shapes are known here, so such chains are evaluated during import and leave no nodes. Only vectors and single
// numbers of integers take part; the same operators on anything else are refused.
#include <algorithm>

#include "arco/onnx/converters.h"

namespace arco {
namespace {

// More than any chain on shapes needs; keeps hostile chains of Concat from doubling without end.
constexpr size_t kMostIntegers = 1024;

void emit_integers(NodeContext& node, const std::vector<int64_t>& values, bool is_scalar) {
  if (values.size() > kMostIntegers) {
    node.problem("more than {} integers are no shape", kMostIntegers);
    return;
  }
  const Shape shape = is_scalar ? Shape{} : Shape{static_cast<int64_t>(values.size())};
  node.emit_constant(Array::of<int64_t>(shape, values));
}

// Brings `index`, which counts from the end if negative, into [low, high].
int64_t clamp_index(int64_t index, int64_t count, int64_t low, int64_t high) {
  if (index < 0) index = index < -count ? low : index + count;
  return std::clamp(index, low, high);
}

// Opset 15 can ask for a part of the dimensions.
void convert_shape(NodeContext& node) {
  const TensorId x = node.input(0);
  const Tensor* tensor = node.known_input(0);
  const auto rank = tensor != nullptr ? static_cast<int64_t>(tensor->shape.size()) : 0;
  const int64_t start = clamp_index(node.integer("start", 0), rank, 0, rank);
  const int64_t end = clamp_index(node.integer("end", rank), rank, start, rank);
  if (x == kNoTensor || tensor == nullptr) return;
  const auto first = tensor->shape.begin();
  emit_integers(node, {first + start, first + end}, false);
}

void convert_gather(NodeContext& node) {
  const auto data = node.integers_input(0, "the data (only shapes can be gathered from)");
  const auto indices = node.integers_input(1, "the indices");
  const int64_t axis = node.integer("axis", 0);
  if (!data || !indices) return;
  const Tensor* index_tensor = node.known_input(1);
  const Tensor* data_tensor = node.known_input(0);
  if (data_tensor->shape.size() != 1 || index_tensor->shape.size() > 1 || (axis != 0 && axis != -1)) {
    node.problem("only elements of a vector can be gathered");
    return;
  }
  const auto count = static_cast<int64_t>(data->size());
  std::vector<int64_t> values;
  for (const int64_t index : *indices) {
    if (index < -count || index >= count) {
      node.problem("index {} is outside of the {} values", index, count);
      return;
    }
    values.push_back((*data)[static_cast<size_t>(index < 0 ? index + count : index)]);
  }
  emit_integers(node, values, index_tensor->shape.empty());
}

// Between a number and a vector of one; axes are an attribute before opset 13 and an input since.
void convert_rank_change(NodeContext& node, bool to_vector) {
  const auto data = node.integers_input(0, "the data (only shapes are supported)");
  std::optional<std::vector<int64_t>> axes;
  if (node.opset() < 13) {
    axes = node.integers("axes");
  } else if (node.has_input(1)) {
    axes = node.integers_input(1, "the axes");
  } else {
    axes = std::vector<int64_t>{};
  }
  if (!data || !axes) return;
  const bool is_scalar = node.known_input(0)->shape.empty();
  const bool axes_fit = axes->size() == 1 && ((*axes)[0] == 0 || (*axes)[0] == -1);
  const bool fits = to_vector ? is_scalar && axes_fit : !is_scalar && data->size() == 1 && (axes_fit || axes->empty());
  if (!fits) {
    node.problem("only a single number of a shape can change its rank here");
    return;
  }
  emit_integers(node, *data, !to_vector);
}

// Cast between integers, and of float to float, where nothing happens.
void convert_cast(NodeContext& node) {
  const TensorId x = node.input(0);
  const int64_t to = node.integer("to", 0);
  node.ignore("saturate");
  const auto type = graph_type(static_cast<int>(std::clamp<int64_t>(to, 0, 1000)));
  const Tensor* tensor = node.known_input(0);
  if (tensor == nullptr) return;
  const bool to_integer = type == DataType::kInt64 || type == DataType::kInt32;
  const bool from_integer = tensor->type == DataType::kInt64 || tensor->type == DataType::kInt32;
  if (type == DataType::kFloat32 && tensor->type == DataType::kFloat32) {
    node.emit(Identity{}, {x});
  } else if (to_integer && from_integer && tensor->constant) {
    if (const auto values = node.integers_input(0, "the data")) emit_integers(node, *values, tensor->shape.empty());
  } else {
    node.problem("casting {} to {} is not supported", to_string(tensor->type),
                 onnx_type_name(static_cast<int>(std::clamp<int64_t>(to, 0, 1000))));
  }
}

// Slice of a vector with step 1, inputs as of opset 10.
void convert_slice(NodeContext& node) {
  const auto data = node.integers_input(0, "the data (only shapes can be sliced)");
  std::optional<std::vector<int64_t>> starts, ends, axes{{0}}, steps{{1}};
  if (node.opset() < 10) {
    starts = node.integers("starts");
    ends = node.integers("ends");
    if (node.has_attribute("axes")) axes = node.integers("axes");
  } else {
    starts = node.integers_input(1, "the starts");
    ends = node.integers_input(2, "the ends");
    if (node.has_input(3)) axes = node.integers_input(3, "the axes");
    if (node.has_input(4)) steps = node.integers_input(4, "the steps");
  }
  if (!data || !starts || !ends || !axes || !steps) return;
  const std::vector<int64_t> first{0};
  const bool simple = starts->size() == 1 && ends->size() == 1 &&
                      (*axes == first || *axes == std::vector<int64_t>{-1}) && *steps == std::vector<int64_t>{1} &&
                      node.known_input(0)->shape.size() == 1;
  if (!simple) {
    node.problem("only a vector can be sliced, with step 1");
    return;
  }
  const auto count = static_cast<int64_t>(data->size());
  const int64_t begin = clamp_index((*starts)[0], count, 0, count);
  const int64_t end = clamp_index((*ends)[0], count, begin, count);
  emit_integers(node, {data->begin() + begin, data->begin() + end}, false);
}

}  // namespace

bool concatenate_integers(NodeContext& node) {
  std::vector<int64_t> values;
  for (int i = 0; i < node.input_count(); ++i) {
    const Tensor* tensor = node.known_input(i);
    const bool fits = tensor != nullptr && tensor->constant && tensor->type == DataType::kInt64 &&
                      tensor->shape.size() == 1 && tensor->shape[0] <= static_cast<int64_t>(kMostIntegers);
    if (!fits) return false;
    const auto part = tensor->constant->data<int64_t>();
    values.insert(values.end(), part.begin(), part.end());
    if (values.size() > kMostIntegers) break;
  }
  if (node.input_count() == 0) return false;
  emit_integers(node, values, false);
  return true;
}

void add_shape_arithmetic_converters(ConverterTable& table) {
  table["Shape"] = convert_shape;
  table["Gather"] = convert_gather;
  table["Unsqueeze"] = [](NodeContext& node) { convert_rank_change(node, true); };
  table["Squeeze"] = [](NodeContext& node) { convert_rank_change(node, false); };
  table["Cast"] = convert_cast;
  table["Slice"] = convert_slice;
}

}  // namespace arco
