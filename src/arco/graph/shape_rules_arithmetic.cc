// Operators that compute on elements, along axes and with matrices.
#include <fmt/ranges.h>

#include <algorithm>

#include "arco/base/error.h"
#include "arco/graph/shape_rules.h"

namespace arco {

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    // Dimensions are aligned at the right; missing ones count as 1.
    const int64_t da = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t db = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1) return std::nullopt;
    out[out.size() - 1 - i] = std::max(da, db);
  }
  return out;
}

int64_t normal_axis(int64_t axis, size_t rank, bool end_allowed) {
  const auto r = static_cast<int64_t>(rank);
  if (axis < 0) axis = axis < -r ? -1 : axis + r;
  return axis < r || (end_allowed && axis == r) ? axis : -1;
}

std::string epilogue_problem(const Inputs& in, int64_t outputs, const Shape& result) {
  if (in.has(2) && in.shape(2) != Shape{outputs}) {
    return fmt::format("bias is {}, expected {}", to_string(in.shape(2)), outputs);
  }
  if (in.has(3) && in.shape(3) != result) {
    return fmt::format("residual is {}, expected {}", to_string(in.shape(3)), to_string(result));
  }
  return "";
}

namespace {

// Scale and zero point of linear quantisation: one value, or one for each index along the axis. One value may be a
// scalar in one and [1] in the other: ONNX Runtime's quantiser writes biases so.
std::string scale_problem(const Inputs& in, int64_t axis, bool has_zero_point) {
  const Shape& x = in.shape(0);
  const Shape& scale = in.shape(1);
  const bool alike =
      !has_zero_point || in.shape(2) == scale || (element_count(in.shape(2)) == 1 && element_count(scale) == 1);
  if (!alike) {
    return fmt::format("the zero point is {}, but the scale is {}", to_string(in.shape(2)), to_string(scale));
  }
  if (element_count(scale) == 1) return "";
  const int64_t a = normal_axis(axis, x.size());
  if (a < 0) return fmt::format("axis {} is outside of the {} dimensions", axis, x.size());
  const int64_t extent = x[static_cast<size_t>(a)];
  return scale == Shape{extent} ? ""
                                : fmt::format("the scale is {}, expected one value or {}", to_string(scale), extent);
}

}  // namespace

Inferred ShapeRule::operator()(const Dense&) const {
  const Shape& x = in.shape(0);
  const Shape& w = in.shape(1);
  if (x.size() < 2 || w.size() != 2) return Inferred::error("expected an input [N,...] and weights [O,I]");
  const int64_t row = element_count(x) / x[0];
  if (row != w[1]) {
    return Inferred::error(fmt::format("weights take {} values a row, but the input has {}", w[1], row));
  }
  Inferred result{{x[0], w[0]}, ""};
  result.problem = epilogue_problem(in, w[0], result.shape);
  return result;
}

Inferred ShapeRule::operator()(const BatchNorm&) const {
  const Shape& x = in.shape(0);
  if (x.size() < 2) return Inferred::error("expected an input [N,C,...]");
  for (size_t i = 1; i < 5; ++i) {
    if (in.shape(i) != Shape{x[1]}) {
      return Inferred::error(fmt::format("parameter {} is {}, expected {}", i, to_string(in.shape(i)), x[1]));
    }
  }
  return {x, ""};
}

Inferred ShapeRule::operator()(const Add&) const {
  if (auto shape = broadcast(in.shape(0), in.shape(1))) return {*shape, ""};
  return Inferred::error("the shapes do not broadcast to each other");
}

Inferred ShapeRule::operator()(const Binary& op) const {
  auto shape = broadcast(in.shape(0), in.shape(1));
  if (!shape) return Inferred::error("the shapes do not broadcast to each other");
  if (op.kind == Binary::Kind::kPRelu && *shape != in.shape(0)) {
    return Inferred::error("the slope does not broadcast to the input");
  }
  return {*shape, ""};
}

Inferred ShapeRule::operator()(const Where&) const {
  auto shape = broadcast(in.shape(1), in.shape(2));
  if (shape) shape = broadcast(in.shape(0), *shape);
  return shape ? Inferred{*shape, ""} : Inferred::error("the shapes do not broadcast to each other");
}

Inferred ShapeRule::operator()(const Reduce& op) const {
  const Shape& x = in.shape(0);
  std::vector<bool> reduced(x.size(), op.axes.empty());
  for (const int64_t axis : op.axes) {
    const int64_t a = normal_axis(axis, x.size());
    if (a < 0) return Inferred::error(fmt::format("axis {} is outside of the {} dimensions", axis, x.size()));
    reduced[static_cast<size_t>(a)] = true;
  }
  Shape out;
  for (size_t d = 0; d < x.size(); ++d) {
    if (!reduced[d]) out.push_back(x[d]);
    if (reduced[d] && op.keep_dims) out.push_back(1);
  }
  return {out, ""};
}

Inferred ShapeRule::operator()(const Softmax& op) const {
  const Shape& x = in.shape(0);
  if (normal_axis(op.axis, x.size(), op.flatten_to_2d) < 0) {
    return Inferred::error(fmt::format("axis {} is outside of the {} dimensions", op.axis, x.size()));
  }
  return {x, ""};
}

Inferred ShapeRule::operator()(const MatMul& op) const {
  Shape a = in.shape(0);
  Shape b = in.shape(1);
  if (a.empty() || b.empty()) return Inferred::error("a scalar cannot be multiplied as a matrix");
  // numpy: a vector becomes a row at the left and a column at the right, and the added dimension goes away again.
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.push_back(1);
  if (op.transpose_a) std::swap(a[a.size() - 1], a[a.size() - 2]);
  if (op.transpose_b) std::swap(b[b.size() - 1], b[b.size() - 2]);
  if (a.back() != b[b.size() - 2]) {
    return Inferred::error(fmt::format("inner dimensions {} and {} differ", a.back(), b[b.size() - 2]));
  }
  auto out = broadcast(Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  if (!out) return Inferred::error("the batch dimensions do not broadcast to each other");
  if (!row) out->push_back(a[a.size() - 2]);
  if (!column) out->push_back(b.back());
  if (in.has(2) && broadcast(in.shape(2), *out) != out) {
    return Inferred::error(
        fmt::format("the addend {} does not broadcast to {}", to_string(in.shape(2)), to_string(*out)));
  }
  return {*out, ""};
}

Inferred ShapeRule::operator()(const QuantizeLinear& op) const {
  return {in.shape(0), scale_problem(in, op.axis, true)};
}

Inferred ShapeRule::operator()(const DequantizeLinear& op) const {
  return {in.shape(0), scale_problem(in, op.axis, in.has(2))};
}

Inferred ShapeRule::operator()(const Table&) const {
  if (in.shape(1) != Shape{256}) return Inferred::error("the table must have 256 entries");
  return {in.shape(0), ""};
}

}  // namespace arco
