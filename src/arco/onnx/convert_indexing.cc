// Operators that cut out, add or repeat parts of a tensor: Slice, Split, Gather, Pad, Expand, Tile. Where ONNX moved
// attributes into inputs over its opsets, both forms are read.
#include <algorithm>

#include "arco/onnx/converters.h"
#include "arco/onnx/model_reader.h"
#include "arco/reference/elementwise.h"

namespace arco {
namespace {

std::vector<int64_t> counting(size_t count) {
  std::vector<int64_t> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<int64_t>(i);
  return values;
}

void convert_slice(NodeContext& node) {
  const TensorId x = node.input(0);
  std::optional<std::vector<int64_t>> starts, ends, axes, steps;
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
  if (!starts || !ends || node.failed()) return;
  if (!axes) axes = counting(starts->size());
  if (!steps) steps = std::vector<int64_t>(starts->size(), 1);
  node.emit(Slice{*starts, *ends, *axes, *steps}, {x});
}

// The extents of the parts, from the attribute or input, or equal ones; nothing if there is a problem.
std::optional<std::vector<int64_t>> split_sizes(NodeContext& node, int64_t extent) {
  const int64_t stated = node.integer("num_outputs", node.output_count());
  std::optional<std::vector<int64_t>> sizes;
  if (node.opset() < 13) {
    if (node.has_attribute("split")) sizes = node.integers("split");
  } else if (node.has_input(1)) {
    sizes = node.integers_input(1, "the sizes of the parts");
    if (!sizes) return std::nullopt;
  }
  const int64_t parts = node.output_count();
  if (!sizes && parts > 0) {
    // Opset 18 lets the last part be smaller.
    const int64_t size = (extent + parts - 1) / parts;
    sizes = std::vector<int64_t>(static_cast<size_t>(parts), size);
    sizes->back() = extent - size * (parts - 1);
  }
  int64_t sum = 0;
  for (const int64_t size : sizes.value_or(std::vector<int64_t>{})) {
    if (size < 1 || size > extent - sum) {
      node.problem("a part of {} does not fit into the {} elements along the axis", size, extent);
      return std::nullopt;
    }
    sum += size;
  }
  if (!sizes || static_cast<int64_t>(sizes->size()) != parts || stated != parts || sum != extent) {
    node.problem("the parts do not make up the {} elements along the axis, or are not as many as the {} outputs",
                 extent, parts);
    return std::nullopt;
  }
  return sizes;
}

// Each part is a slice.
void convert_split(NodeContext& node) {
  const TensorId x = node.input(0);
  const int64_t axis = node.integer("axis", 0);
  const auto shape = node.shape_of(x);
  const auto rank = !shape ? 0 : static_cast<int64_t>(shape->size());
  if (shape && (axis < -rank || axis >= rank)) {
    node.problem("axis {} is outside of the {} dimensions", axis, rank);
  }
  if (!shape || node.failed()) {
    for (const char* name : {"split", "num_outputs"}) node.ignore(name);
    node.ignore_input(1);
    return;
  }
  const auto sizes = split_sizes(node, (*shape)[static_cast<size_t>(axis < 0 ? axis + rank : axis)]);
  if (!sizes) return;
  int64_t start = 0;
  for (size_t i = 0; i < sizes->size(); ++i) {
    const int64_t end = start + (*sizes)[i];
    if (node.has_output(static_cast<int>(i))) node.emit(Slice{{start}, {end}, {axis}, {1}}, {x}, static_cast<int>(i));
    start = end;
  }
}

void convert_gather(NodeContext& node) {
  const TensorId x = node.input(0);
  const TensorId indices = node.input(1);
  node.emit(Gather{node.integer("axis", 0)}, {x, indices});
}

// Pads for some axes only (opset 18) as pads for all of them.
std::vector<int64_t> spread_pads(NodeContext& node, const std::vector<int64_t>& pads, const std::vector<int64_t>& axes,
                                 size_t rank) {
  std::vector<int64_t> all(2 * rank, 0);
  if (pads.size() != 2 * axes.size()) {
    node.problem("{} pads for {} axes, expected two for each", pads.size(), axes.size());
    return all;
  }
  const auto r = static_cast<int64_t>(rank);
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] < -r || axes[i] >= r) {
      node.problem("axis {} is outside of the {} dimensions", axes[i], rank);
      return all;
    }
    const auto a = static_cast<size_t>(axes[i] < 0 ? axes[i] + r : axes[i]);
    all[a] = pads[i];
    all[rank + a] = pads[axes.size() + i];
  }
  return all;
}

void convert_pad(NodeContext& node) {
  const TensorId x = node.input(0);
  Pad pad;
  const std::string mode = node.text("mode", "constant");
  const auto* found = std::find(kNamesOfPadModes.begin(), kNamesOfPadModes.end(), mode);
  if (found == kNamesOfPadModes.end()) return node.problem("mode '{}' is not supported", printable(mode));
  pad.mode = static_cast<Pad::Mode>(found - kNamesOfPadModes.begin());
  std::optional<std::vector<int64_t>> axes;
  if (node.opset() < 11) {
    pad.pads = node.integers("pads");
    pad.value = node.real("value", 0);
  } else {
    pad.pads = node.integers_input(1, "the pads").value_or(std::vector<int64_t>{});
    if (node.has_input(2)) {
      const Array* value = node.constant_input(2, "the value to pad with");
      if (value != nullptr && value->size() == 1)
        pad.value = reference::convert(*value, DataType::kFloat32).data<float>()[0];
    }
    if (node.has_input(3)) axes = node.integers_input(3, "the axes");
  }
  const auto shape = node.shape_of(x);
  if (!shape || node.failed()) return;
  if (axes) pad.pads = spread_pads(node, pad.pads, *axes, shape->size());
  node.emit(pad, {x});
}

void convert_expand(NodeContext& node) {
  const TensorId x = node.input(0);
  if (const auto target = node.integers_input(1, "the target shape")) node.emit(Expand{*target}, {x});
}

// A new dimension before each is expanded and then merged into it: [2, 3] -> [1, 2, 1, 3] -> [r0, 2, r1, 3].
void convert_tile(NodeContext& node) {
  const TensorId x = node.input(0);
  const auto repeats = node.integers_input(1, "the repeats");
  const auto shape = node.shape_of(x);
  if (!repeats || !shape) return;
  if (repeats->size() != shape->size()) {
    return node.problem("{} repeats for {} dimensions", repeats->size(), shape->size());
  }
  Shape apart, expanded, tiled;
  for (size_t d = 0; d < shape->size(); ++d) {
    const int64_t count = (*repeats)[d];
    if (count < 1 || count > kMaxElements) return node.problem("{} repeats of a dimension are impossible", count);
    apart.insert(apart.end(), {1, (*shape)[d]});
    expanded.insert(expanded.end(), {count, (*shape)[d]});
    tiled.push_back(count * (*shape)[d]);
  }
  node.emit(Reshape{tiled}, {node.emit_inner(Expand{expanded}, {node.emit_inner(Reshape{apart}, {x})})});
}

}  // namespace

void add_indexing_converters(ConverterTable& table) {
  table["Slice"] = convert_slice;
  table["Split"] = convert_split;
  table["Gather"] = convert_gather;
  table["Pad"] = convert_pad;
  table["Expand"] = convert_expand;
  table["Tile"] = convert_tile;
}

}  // namespace arco
