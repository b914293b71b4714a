// Each builds, for every dimension, the list of input coordinates that the output shows; pick() does the rest.
#include "arco/reference/indexing.h"

#include <algorithm>
#include <cstring>

#include "arco/reference/elementwise.h"
#include "arco/reference/pick.h"

namespace arco::reference {
namespace {

size_t axis_of(int64_t axis, size_t rank) {
  return static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
}

// The input coordinate behind `i`, which may lie outside of [0, extent); -1: the constant.
int64_t padded_index(Pad::Mode mode, int64_t i, int64_t extent) {
  if (i >= 0 && i < extent) return i;
  switch (mode) {
    case Pad::Mode::kConstant:
      return -1;
    case Pad::Mode::kEdge:
      return std::clamp<int64_t>(i, 0, extent - 1);
    case Pad::Mode::kReflect:
      return i < 0 ? -i : 2 * (extent - 1) - i;
    case Pad::Mode::kWrap:
      return i < 0 ? i + extent : i - extent;
  }
  return -1;
}

}  // namespace

Array slice(const Slice& op, const Call& call) {
  const Array& x = call.input(0);
  IndexMaps maps;
  for (const int64_t extent : x.shape()) maps.push_back(same_indices(extent));
  for (size_t i = 0; i < op.axes.size(); ++i) {
    auto& map = maps.at(axis_of(op.axes[i], maps.size()));
    const SliceRange range = slice_range(op.starts[i], op.ends[i], op.steps[i], static_cast<int64_t>(map.size()));
    map.resize(static_cast<size_t>(range.count));
    // With one element the step may be any number, and is not used.
    for (size_t k = 0; k < map.size(); ++k) {
      map[k] = k == 0 ? range.start : map[k - 1] + op.steps[i];
    }
  }
  return pick(x, maps);
}

Array pad(const Pad& op, const Call& call) {
  const Array& x = call.input(0);
  const size_t rank = x.shape().size();
  IndexMaps maps(rank);
  for (size_t d = 0; d < rank; ++d) {
    for (int64_t i = 0; i < call.output_shape[d]; ++i) {
      maps[d].push_back(padded_index(op.mode, i - op.pads[d], x.shape()[d]));
    }
  }
  // A real 0 (any other value is padded in float) is the grid's zero point.
  const float value = call.input_grid ? static_cast<float>(call.input_grid->zero) : op.value;
  const Array fill = convert(Array::of<float>({}, {value}), x.type());
  return pick(x, maps, fill.bytes());
}

Array gather(const Gather& op, const Call& call) {
  const Array& x = call.input(0);
  const Array indices = convert(call.input(1), DataType::kInt64);
  const size_t axis = axis_of(op.axis, x.shape().size());
  const int64_t extent = x.shape().at(axis);
  const auto middle = x.shape().begin() + static_cast<std::ptrdiff_t>(axis);
  IndexMaps maps(3);
  maps[0] = same_indices(element_count(Shape(x.shape().begin(), middle)));
  maps[2] = same_indices(element_count(Shape(middle + 1, x.shape().end())));
  for (const int64_t index : indices.data<int64_t>()) {
    if (index < -extent || index >= extent)
      fail_user("index {} is outside of the {} values to gather from", index, extent);
    maps[1].push_back(index < 0 ? index + extent : index);
  }
  const Shape view{static_cast<int64_t>(maps[0].size()), extent, static_cast<int64_t>(maps[2].size())};
  return pick(x.reshaped(view), maps).reshaped(call.output_shape);
}

Array expand(const Call& call) {
  const Array& x = call.input(0);
  const Shape& out = call.output_shape;
  Shape view(out.size(), 1);
  std::copy(x.shape().rbegin(), x.shape().rend(), view.rbegin());
  IndexMaps maps;
  for (size_t d = 0; d < out.size(); ++d) {
    maps.push_back(view[d] == out[d] ? same_indices(out[d]) : std::vector<int64_t>(static_cast<size_t>(out[d]), 0));
  }
  return pick(x.reshaped(view), maps);
}

}  // namespace arco::reference
