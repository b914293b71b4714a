// Operators that give elements another order or shape: Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Concat,
// DepthToSpace, SpaceToDepth.
//
// DepthToSpace with blocks of b x b is a transposition of six dimensions; H and W grow by b:
//   DCR: [N, b, b, C', H, W] -> [N, C', H, b, W, b]      CRD: [N, C', b, b, H, W] -> the same
// SpaceToDepth is the inverse of DCR.
#include <algorithm>

#include "arco/onnx/converters.h"
#include "arco/onnx/model_reader.h"

namespace arco {
namespace {

void convert_reshape(NodeContext& node) {
  const TensorId x = node.input(0);
  const bool allow_zero = node.integer("allowzero", 0) != 0;
  const auto target = node.integers_input(1, "the target shape");
  if (!target) return;
  if (allow_zero && std::find(target->begin(), target->end(), 0) != target->end()) {
    node.problem("allowzero with a dimension of 0 means an empty tensor, which is not supported");
  }
  node.emit(Reshape{*target}, {x});
}

void convert_flatten(NodeContext& node) {
  Flatten flatten;
  flatten.axis = node.integer("axis", 1);
  node.emit(flatten, {node.input(0)});
}

void convert_transpose(NodeContext& node) {
  node.emit(Transpose{node.integers("perm")}, {node.input(0)});
}

void convert_concat(NodeContext& node) {
  if (!node.has_attribute("axis")) node.problem("attribute 'axis' is missing");
  Concat concat;
  concat.axis = node.integer("axis", 0);
  std::vector<TensorId> inputs;
  for (int i = 0; i < node.input_count(); ++i) inputs.push_back(node.input(i));
  node.emit(concat, std::move(inputs));
}

// Axes are an attribute before opset 13 and an input since.
std::optional<std::vector<int64_t>> read_axes(NodeContext& node) {
  if (node.opset() < 13) return node.integers("axes");
  if (node.has_input(1)) return node.integers_input(1, "the axes");
  return std::vector<int64_t>{};
}

// Marks the axes, counted from the end if negative; false (and a problem) if one is no axis or named twice.
bool mark_axes(NodeContext& node, const std::vector<int64_t>& axes, std::vector<bool>& marked) {
  const auto rank = static_cast<int64_t>(marked.size());
  for (const int64_t axis : axes) {
    const int64_t a = axis < 0 ? axis + rank : axis;
    if (axis < -rank || a >= rank || marked[static_cast<size_t>(a)]) {
      node.problem("axis {} is named twice or outside of the {} dimensions", axis, rank);
      return false;
    }
    marked[static_cast<size_t>(a)] = true;
  }
  return true;
}

void convert_squeeze(NodeContext& node) {
  const TensorId x = node.input(0);
  const auto axes = read_axes(node);
  const auto shape = node.shape_of(x);
  if (!axes || !shape) return;
  std::vector<bool> squeezed(shape->size(), false);
  if (!mark_axes(node, *axes, squeezed)) return;
  Shape target;
  for (size_t d = 0; d < shape->size(); ++d) {
    const bool goes = axes->empty() ? (*shape)[d] == 1 : squeezed[d];
    if (goes && (*shape)[d] != 1) return node.problem("dimension {} is {}, and only 1 can be squeezed", d, (*shape)[d]);
    if (!goes) target.push_back((*shape)[d]);
  }
  node.emit(Reshape{target}, {x});
}

void convert_unsqueeze(NodeContext& node) {
  const TensorId x = node.input(0);
  const auto axes = read_axes(node);
  const auto shape = node.shape_of(x);
  if (!axes || !shape) return;
  if (axes->size() > 64) return node.problem("{} axes are too many", axes->size());
  std::vector<bool> added(shape->size() + axes->size(), false);
  if (!mark_axes(node, *axes, added)) return;
  Shape target;
  auto next = shape->begin();
  for (const bool is_new : added) target.push_back(is_new ? 1 : *next++);
  node.emit(Reshape{target}, {x});
}

// The input [N,C,H,W] and the block size, if C (or H and W) can be divided by it; else nothing and a problem.
std::optional<Shape> blocks_fit(NodeContext& node, TensorId x, int64_t block, bool divides_plane) {
  const auto shape = node.shape_of(x);
  if (!shape) return shape;
  constexpr int64_t kLargest = 1 << 15;
  const bool fits =
      shape->size() == 4 && block >= 1 && block <= kLargest &&
      (divides_plane ? (*shape)[2] % block == 0 && (*shape)[3] % block == 0 : (*shape)[1] % (block * block) == 0);
  if (!fits) node.problem("blocks of {} do not divide the input {}", block, to_string(*shape));
  return fits ? shape : std::nullopt;
}

void convert_depth_to_space(NodeContext& node) {
  const TensorId x = node.input(0);
  const int64_t b = node.integer("blocksize", 0);
  const std::string mode = node.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") return node.problem("mode '{}' is not one of DCR, CRD", printable(mode));
  const auto shape = blocks_fit(node, x, b, false);
  if (!shape) return;
  const int64_t n = (*shape)[0], c = (*shape)[1] / (b * b), h = (*shape)[2], w = (*shape)[3];
  const bool blocks_first = mode == "DCR";
  const TensorId parts =
      node.emit_inner(Reshape{blocks_first ? Shape{n, b, b, c, h, w} : Shape{n, c, b, b, h, w}}, {x});
  const std::vector<int64_t> perm =
      blocks_first ? std::vector<int64_t>{0, 3, 4, 1, 5, 2} : std::vector<int64_t>{0, 1, 4, 2, 5, 3};
  node.emit(Reshape{{n, c, h * b, w * b}}, {node.emit_inner(Transpose{perm}, {parts})});
}

void convert_space_to_depth(NodeContext& node) {
  const TensorId x = node.input(0);
  const int64_t b = node.integer("blocksize", 0);
  const auto shape = blocks_fit(node, x, b, true);
  if (!shape) return;
  const int64_t n = (*shape)[0], c = (*shape)[1], h = (*shape)[2] / b, w = (*shape)[3] / b;
  const TensorId parts = node.emit_inner(Reshape{{n, c, h, b, w, b}}, {x});
  node.emit(Reshape{{n, b * b * c, h, w}}, {node.emit_inner(Transpose{{0, 3, 5, 1, 2, 4}}, {parts})});
}

}  // namespace

void add_layout_converters(ConverterTable& table) {
  table["Reshape"] = convert_reshape;
  table["Flatten"] = convert_flatten;
  table["Squeeze"] = convert_squeeze;
  table["Unsqueeze"] = convert_unsqueeze;
  table["DepthToSpace"] = convert_depth_to_space;
  table["SpaceToDepth"] = convert_space_to_depth;
  table["Transpose"] = convert_transpose;
  table["Concat"] = convert_concat;
}

}  // namespace arco
