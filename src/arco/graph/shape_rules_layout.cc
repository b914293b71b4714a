// Operators that move elements: reshaping, joining, cutting, padding, gathering.
#include <fmt/ranges.h>

#include <algorithm>

#include "arco/base/error.h"
#include "arco/graph/shape_rules.h"

namespace arco {

Inferred ShapeRule::operator()(const Reshape& op) const {
  const Shape& x = in.shape(0);
  const auto mismatch = [&] {
    return Inferred::error(fmt::format("cannot view {} elements as [{}]", element_count(x), fmt::join(op.target, ",")));
  };
  Shape out = op.target;
  std::optional<size_t> inferred;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0) {
      if (i >= x.size()) return Inferred::error("target keeps a dimension that the input does not have");
      out[i] = x[i];
    } else if (out[i] == -1) {
      if (inferred) return Inferred::error("target has more than one -1");
      inferred = i;
      out[i] = 1;
    }
  }
  if (!is_reasonable(out)) return mismatch();
  if (inferred) {
    if (element_count(x) % element_count(out) != 0) return mismatch();
    out[*inferred] = element_count(x) / element_count(out);
  }
  return element_count(out) == element_count(x) ? Inferred{out, ""} : mismatch();
}

Inferred ShapeRule::operator()(const Flatten& op) const {
  const Shape& x = in.shape(0);
  const int64_t axis = normal_axis(op.axis, x.size(), true);
  if (axis < 0) return Inferred::error(fmt::format("axis {} is outside of the {} dimensions", op.axis, x.size()));
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(axis);
  return {{element_count(Shape(x.begin(), middle)), element_count(Shape(middle, x.end()))}, ""};
}

Inferred ShapeRule::operator()(const Concat& op) const {
  Shape out = in.shape(0);
  const int64_t axis = normal_axis(op.axis, out.size());
  if (axis < 0) return Inferred::error(fmt::format("axis {} is outside of the {} dimensions", op.axis, out.size()));
  const auto a = static_cast<size_t>(axis);
  for (size_t i = 1; i < in.count(); ++i) {
    Shape other = in.shape(i);
    if (other.size() != out.size()) return Inferred::error("the inputs differ in their number of dimensions");
    const int64_t sum = out[a] + other[a];
    other[a] = out[a];
    if (other != out) return Inferred::error("the inputs differ outside of the joined axis");
    out[a] = sum;
  }
  return {out, ""};
}

Inferred ShapeRule::operator()(const Transpose& op) const {
  const Shape& x = in.shape(0);
  if (op.perm.empty()) return {Shape(x.rbegin(), x.rend()), ""};
  std::vector<int64_t> sorted = op.perm;
  std::sort(sorted.begin(), sorted.end());
  bool is_permutation = sorted.size() == x.size();
  for (size_t i = 0; is_permutation && i < sorted.size(); ++i) is_permutation = sorted[i] == static_cast<int64_t>(i);
  if (!is_permutation) {
    return Inferred::error(
        fmt::format("perm [{}] is no permutation of {} dimensions", fmt::join(op.perm, ","), x.size()));
  }
  Shape out;
  for (const int64_t axis : op.perm) out.push_back(x[static_cast<size_t>(axis)]);
  return {out, ""};
}

Inferred ShapeRule::operator()(const UnfoldColumns& op) const {
  const Shape& x = in.shape(0);
  if (x.size() != 4) return Inferred::error(fmt::format("input {} is not [N,C,H,W]", to_string(x)));
  const bool sane = op.kernel >= 1 && op.stride >= 1 && op.dilation >= 1 && op.pads[0] >= 0 && op.pads[1] >= 0 &&
                    std::max({op.kernel, op.stride, op.dilation, op.pads[0], op.pads[1]}) < kMaxElements;
  const int64_t columns =
      sane ? window_output(x[3], op.kernel, op.stride, op.dilation, op.pads[0], op.pads[1], false) : 0;
  if (columns < 1)
    return Inferred::error(fmt::format("a window of {} columns does not fit {}", op.kernel, to_string(x)));
  return {Shape{x[0], x[1] * op.kernel, x[2], columns}, ""};
}

SliceRange slice_range(int64_t start, int64_t end, int64_t step, int64_t extent) {
  // Far-out values are brought near first, so that nothing overflows.
  const auto from_front = [&](int64_t v) { return v < 0 ? std::max(v, -extent - 1) + extent : std::min(v, extent); };
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? extent : extent - 1;
  const int64_t first = std::clamp(from_front(start), low, high);
  const int64_t last = std::clamp(from_front(end), low, high);
  const int64_t distance = step > 0 ? last - first : first - last;
  if (distance <= 0) return {first, 0};
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  return {first, static_cast<int64_t>((static_cast<uint64_t>(distance) - 1) / stride) + 1};
}

Inferred ShapeRule::operator()(const Slice& op) const {
  Shape out = in.shape(0);
  const size_t count = op.axes.size();
  if (op.starts.size() != count || op.ends.size() != count || op.steps.size() != count) {
    return Inferred::error("starts, ends, axes and steps must be equally many");
  }
  std::vector<bool> seen(out.size(), false);
  for (size_t i = 0; i < count; ++i) {
    const int64_t axis = normal_axis(op.axes[i], out.size());
    const auto a = static_cast<size_t>(axis);
    if (axis < 0 || seen[a]) {
      return Inferred::error(
          fmt::format("axis {} is named twice or outside of the {} dimensions", op.axes[i], out.size()));
    }
    if (op.steps[i] == 0) return Inferred::error("steps must not be 0");
    seen[a] = true;
    out[a] = slice_range(op.starts[i], op.ends[i], op.steps[i], out[a]).count;
    if (out[a] == 0) return Inferred::error(fmt::format("nothing is left along axis {}", op.axes[i]));
  }
  return {out, ""};
}

Inferred ShapeRule::operator()(const Pad& op) const {
  const Shape& x = in.shape(0);
  const size_t rank = x.size();
  if (op.pads.size() != 2 * rank) {
    return Inferred::error(fmt::format("{} pads for {} dimensions, expected two for each", op.pads.size(), rank));
  }
  Shape out = x;
  for (size_t d = 0; d < rank; ++d) {
    const int64_t before = op.pads[d];
    const int64_t after = op.pads[rank + d];
    if (std::min(before, after) < -kMaxElements || std::max(before, after) > kMaxElements) {
      return Inferred::error("pads are too large");
    }
    const int64_t most = op.mode == Pad::Mode::kReflect ? x[d] - 1 : x[d];
    const bool repeats_input = op.mode == Pad::Mode::kReflect || op.mode == Pad::Mode::kWrap;
    if (repeats_input && std::max(before, after) > most) {
      return Inferred::error(fmt::format("mode {} cannot add more than {} to dimension {}", name_of(op.mode), most, d));
    }
    out[d] += before + after;
    if (out[d] < 1 || -before >= x[d] || -after >= x[d]) {
      return Inferred::error(fmt::format("pads cut dimension {} off", d));
    }
  }
  return {out, ""};
}

Inferred ShapeRule::operator()(const Gather& op) const {
  const Shape& x = in.shape(0);
  const Shape& indices = in.shape(1);
  const int64_t axis = normal_axis(op.axis, x.size());
  if (axis < 0) return Inferred::error(fmt::format("axis {} is outside of the {} dimensions", op.axis, x.size()));
  Shape out(x.begin(), x.begin() + axis);
  out.insert(out.end(), indices.begin(), indices.end());
  out.insert(out.end(), x.begin() + axis + 1, x.end());
  return {out, ""};
}

Inferred ShapeRule::operator()(const Expand& op) const {
  if (!is_reasonable(op.target))
    return Inferred::error(fmt::format("cannot expand to [{}]", fmt::join(op.target, ",")));
  if (auto shape = broadcast(in.shape(0), op.target)) return {*shape, ""};
  return Inferred::error(fmt::format("the input does not broadcast to [{}]", fmt::join(op.target, ",")));
}

}  // namespace arco
