// Resize (opsets 10, 11, 13, 18, 19) and its forerunner Upsample (7, 9). All become sizes and scales of every
// dimension.
#include <algorithm>
#include <cmath>

#include "arco/onnx/converters.h"
#include "arco/onnx/model_reader.h"

namespace arco {
namespace {

// Sets `value` to the one called `name`; an unknown name is a problem.
template <typename Enum>
void choose(NodeContext& node, const char* attribute, const std::string& name, Enum& value) {
  const auto& names = names_of(Enum{});
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return node.problem("{} '{}' is not supported", attribute, printable(name));
  value = static_cast<Enum>(found - names.begin());
}

// Floats of a constant input; nothing if it is absent or empty.
std::optional<std::vector<float>> read_floats(NodeContext& node, int i, const char* what) {
  if (!node.has_input(i)) return std::nullopt;
  const Array* array = node.constant_input(i, what);
  if (array == nullptr || array->size() == 0) return std::nullopt;
  if (array->type() != DataType::kFloat32) {
    node.problem("{} must be float32, but are {}", what, to_string(array->type()));
    return std::nullopt;
  }
  const auto values = array->data<float>();
  return std::vector<float>(values.begin(), values.end());
}

// One value for each of `axes` as one for every dimension.
template <typename T>
std::vector<T> spread(NodeContext& node, const std::vector<T>& values, const std::optional<std::vector<int64_t>>& axes,
                      std::vector<T> all) {
  const auto rank = static_cast<int64_t>(all.size());
  const size_t count = axes ? axes->size() : all.size();
  if (values.size() != count) {
    node.problem("{} scales or sizes for {} dimensions", values.size(), count);
    return all;
  }
  if (!axes) return values;
  for (size_t i = 0; i < count; ++i) {
    const int64_t axis = (*axes)[i] < 0 ? (*axes)[i] + rank : (*axes)[i];
    if (axis < 0 || axis >= rank) {
      node.problem("axis {} is outside of the {} dimensions", (*axes)[i], rank);
      return all;
    }
    all[static_cast<size_t>(axis)] = values[i];
  }
  return all;
}

void set_scales(NodeContext& node, Resize& resize, const Shape& x) {
  resize.sizes = x;
  for (size_t d = 0; d < x.size(); ++d) {
    const double size = std::floor(static_cast<double>(x[d]) * static_cast<double>(resize.scales[d]));
    if (!(size >= 1 && size <= static_cast<double>(kMaxElements))) {
      return node.problem("scale {} of dimension {} is impossible", resize.scales[d], d);
    }
    resize.sizes[d] = static_cast<int64_t>(size);
  }
}

void set_sizes(NodeContext& node, Resize& resize, const Shape& x) {
  resize.scales.clear();
  for (size_t d = 0; d < x.size(); ++d) {
    if (resize.sizes[d] < 1) return node.problem("size {} of dimension {} is impossible", resize.sizes[d], d);
    resize.scales.push_back(static_cast<float>(resize.sizes[d]) / static_cast<float>(x[d]));
  }
}

// Before opset 11 coordinates are i / scale, rounded down.
void convert_upsample(NodeContext& node) {
  const TensorId x = node.input(0);
  Resize resize;
  choose(node, "mode", node.text("mode", "nearest"), resize.mode);
  resize.coordinates = Resize::Coordinates::kAsymmetric;
  resize.rounding = Resize::Rounding::kFloor;
  resize.scales =
      node.opset() < 9 ? node.reals("scales") : read_floats(node, 1, "the scales").value_or(std::vector<float>{});
  const auto shape = node.shape_of(x);
  if (!shape || node.failed()) return;
  resize.scales = spread(node, resize.scales, std::nullopt, std::vector<float>(shape->size(), 1));
  if (!node.failed()) set_scales(node, resize, *shape);
  if (!node.failed()) node.emit(resize, {x});
}

// keep_aspect_ratio_policy (opset 18) makes one scale of the sizes' scales.
void keep_aspect_ratio(NodeContext& node, const std::string& policy, Resize& resize, const Shape& x,
                       const std::optional<std::vector<int64_t>>& axes) {
  if (policy == "stretch" || node.failed()) return;
  if (policy != "not_larger" && policy != "not_smaller") {
    return node.problem("keep_aspect_ratio_policy '{}' is not supported", printable(policy));
  }
  const auto rank = static_cast<int64_t>(x.size());
  std::vector<bool> chosen(x.size(), !axes);
  for (const int64_t axis : axes.value_or(std::vector<int64_t>{}))
    chosen[static_cast<size_t>(axis < 0 ? axis + rank : axis)] = true;
  std::optional<double> scale;
  for (size_t d = 0; d < x.size(); ++d) {
    if (!chosen[d]) continue;
    const double own = static_cast<double>(resize.sizes[d]) / static_cast<double>(x[d]);
    scale = !scale ? own : policy == "not_larger" ? std::min(*scale, own) : std::max(*scale, own);
  }
  for (size_t d = 0; d < x.size(); ++d) {
    if (!chosen[d]) continue;
    resize.scales[d] = static_cast<float>(*scale);
    resize.sizes[d] = std::max<int64_t>(1, std::llround(*scale * static_cast<double>(x[d])));
  }
}

void read_modes(NodeContext& node, Resize& resize) {
  choose(node, "mode", node.text("mode", "nearest"), resize.mode);
  if (node.opset() < 11) {
    resize.coordinates = Resize::Coordinates::kAsymmetric;
    resize.rounding = Resize::Rounding::kFloor;
    return;
  }
  choose(node, "coordinate_transformation_mode", node.text("coordinate_transformation_mode", "half_pixel"),
         resize.coordinates);
  choose(node, "nearest_mode", node.text("nearest_mode", "round_prefer_floor"), resize.rounding);
  resize.cubic_a = node.real("cubic_coeff_a", resize.cubic_a);
  resize.exclude_outside = node.integer("exclude_outside", 0) != 0;
  node.ignore("extrapolation_value");  // only of tf_crop_and_resize
  node.ignore_input(1);                // roi, only of tf_crop_and_resize
  if (node.integer("antialias", 0) != 0) node.problem("antialias is not supported");
}

void convert_resize(NodeContext& node) {
  const TensorId x = node.input(0);
  Resize resize;
  read_modes(node, resize);
  const int first = node.opset() < 11 ? 1 : 2;
  const std::string policy = node.text("keep_aspect_ratio_policy", "stretch");
  std::optional<std::vector<int64_t>> axes;
  if (node.has_attribute("axes")) axes = node.integers("axes");
  const auto scales = read_floats(node, first, "the scales");
  const auto sizes = node.has_input(3) ? node.integers_input(3, "the sizes") : std::nullopt;
  const auto shape = node.shape_of(x);
  if (!shape || node.failed()) return;
  if (scales.has_value() == sizes.has_value()) return node.problem("needs either scales or sizes");
  if (scales) {
    resize.scales = spread(node, *scales, axes, std::vector<float>(shape->size(), 1));
    if (!node.failed()) set_scales(node, resize, *shape);
  } else {
    resize.sizes = spread(node, *sizes, axes, *shape);
    if (!node.failed()) set_sizes(node, resize, *shape);
    keep_aspect_ratio(node, policy, resize, *shape, axes);
  }
  if (!node.failed()) node.emit(resize, {x});
}

}  // namespace

void add_resize_converters(ConverterTable& table) {
  table["Resize"] = convert_resize;
  table["Upsample"] = convert_upsample;
}

}  // namespace arco
