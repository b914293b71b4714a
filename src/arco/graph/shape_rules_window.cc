// Operators that slide a window over a plane: convolutions, pooling, local response normalisation; and Resize.
#include <fmt/ranges.h>

#include <algorithm>

#include "arco/base/error.h"
#include "arco/graph/shape_rules.h"

namespace arco {

namespace {

// Says of the first value outside of the range that it is; "" if none is.
std::string range_problem(const char* name, const auto& values, int64_t low, int64_t high) {
  for (const int64_t value : values) {
    if (value >= low && value <= high) continue;
    return fmt::format("{} [{}]: {} must be from {} to {}", name, fmt::join(values, ","), value, low, high);
  }
  return "";
}

std::string window_problem(const std::array<int64_t, 2>& kernel, const std::array<int64_t, 2>& strides,
                           const std::array<int64_t, 2>& dilations) {
  std::string problem = range_problem("kernel", kernel, 1, kMaxWindow);
  if (problem.empty()) problem = range_problem("strides", strides, 1, kMaxWindow);
  if (problem.empty()) problem = range_problem("dilations", dilations, 1, kMaxWindow);
  return problem;
}

Inferred window_shape(const Shape& x, int64_t channels, const std::array<int64_t, 2>& kernel,
                      const std::array<int64_t, 2>& strides, const std::array<int64_t, 2>& dilations,
                      const std::array<int64_t, 4>& pads, bool ceil_mode) {
  const int64_t oh = window_output(x[2], kernel[0], strides[0], dilations[0], pads[0], pads[2], ceil_mode);
  const int64_t ow = window_output(x[3], kernel[1], strides[1], dilations[1], pads[1], pads[3], ceil_mode);
  if (oh < 1 || ow < 1) {
    return Inferred::error(
        fmt::format("the {}x{} window does not fit into the padded {}x{} plane", kernel[0], kernel[1], x[2], x[3]));
  }
  return {{x[0], channels, oh, ow}, ""};
}

}  // namespace

Inferred ShapeRule::operator()(const Conv& op) const {
  const Shape& x = in.shape(0);
  const Shape& w = in.shape(1);
  if (x.size() != 4 || w.size() != 4) {
    return Inferred::error("expected a 4-dimensional input [N,C,H,W] and weights [O,I,KH,KW]");
  }
  const std::array<int64_t, 2> kernel{w[2], w[3]};
  if (auto problem = window_problem(kernel, op.strides, op.dilations); !problem.empty()) {
    return Inferred::error(problem);
  }
  if (auto problem = range_problem("pads", op.pads, 0, kMaxWindow); !problem.empty()) return Inferred::error(problem);
  if (op.groups < 1 || x[1] % op.groups != 0 || w[0] % op.groups != 0) {
    return Inferred::error(
        fmt::format("{} groups do not divide {} input and {} output channels", op.groups, x[1], w[0]));
  }
  if (w[1] != x[1] / op.groups) {
    return Inferred::error(
        fmt::format("weights take {} channels, but the input has {} in {} groups", w[1], x[1], op.groups));
  }
  Inferred result = window_shape(x, w[0], kernel, op.strides, op.dilations, op.pads, false);
  if (result.problem.empty()) result.problem = epilogue_problem(in, w[0], result.shape);
  return result;
}

Inferred ShapeRule::operator()(const ConvTranspose& op) const {
  const Shape& x = in.shape(0);
  const Shape& w = in.shape(1);
  if (x.size() != 4 || w.size() != 4) {
    return Inferred::error("expected a 4-dimensional input [N,C,H,W] and weights [I,O,KH,KW]");
  }
  if (auto problem = window_problem({w[2], w[3]}, op.strides, op.dilations); !problem.empty()) {
    return Inferred::error(problem);
  }
  std::string problem = range_problem("pads", op.pads, -kMaxWindow, kMaxWindow);
  if (problem.empty()) problem = range_problem("output_padding", op.output_padding, 0, kMaxWindow);
  if (!problem.empty()) return Inferred::error(problem);
  if (op.groups < 1 || x[1] % op.groups != 0 || w[0] != x[1]) {
    return Inferred::error(
        fmt::format("weights take {} channels in {} groups, but the input has {}", w[0], op.groups, x[1]));
  }
  Shape out{x[0], 0, 0, 0};
  if (__builtin_mul_overflow(w[1], op.groups, &out[1])) return Inferred::error("there are too many groups");
  for (size_t d = 0; d < 2; ++d) {
    out[d + 2] = (x[d + 2] - 1) * op.strides[d] + op.dilations[d] * (w[d + 2] - 1) + 1 + op.output_padding[d] -
                 op.pads[d] - op.pads[d + 2];
    if (out[d + 2] < 1) return Inferred::error("pads cut the whole output off");
  }
  if (in.has(2) && in.shape(2) != Shape{out[1]}) {
    return Inferred::error(fmt::format("bias is {}, expected {}", to_string(in.shape(2)), out[1]));
  }
  return {out, ""};
}

Inferred ShapeRule::operator()(const Pool& op) const {
  const Shape& x = in.shape(0);
  if (x.size() != 4) return Inferred::error("expected a 4-dimensional input [N,C,H,W]");
  if (op.global) return {{x[0], x[1], 1, 1}, ""};
  if (auto problem = window_problem(op.kernel, op.strides, op.dilations); !problem.empty()) {
    return Inferred::error(problem);
  }
  if (auto problem = range_problem("pads", op.pads, 0, kMaxWindow); !problem.empty()) return Inferred::error(problem);
  for (size_t i = 0; i < 4; ++i) {
    // Else a window could lie in the padding entirely, and its maximum would be undefined.
    if (op.pads[i] > op.dilations[i % 2] * (op.kernel[i % 2] - 1)) {
      return Inferred::error("pads must be smaller than the kernel");
    }
  }
  return window_shape(x, x[1], op.kernel, op.strides, op.dilations, op.pads, op.ceil_mode);
}

Inferred ShapeRule::operator()(const Lrn& op) const {
  if (in.shape(0).size() < 2) return Inferred::error("expected an input [N,C,...]");
  if (op.size < 1 || op.size > kMaxWindow) {
    return Inferred::error(fmt::format("size {} must be from 1 to {}", op.size, kMaxWindow));
  }
  return {in.shape(0), ""};
}

Inferred ShapeRule::operator()(const Resize& op) const {
  const size_t rank = in.shape(0).size();
  if (op.sizes.size() != rank || op.scales.size() != rank) {
    return Inferred::error(
        fmt::format("{} sizes and {} scales for {} dimensions", op.sizes.size(), op.scales.size(), rank));
  }
  if (!is_reasonable(op.sizes)) return Inferred::error(fmt::format("cannot resize to [{}]", fmt::join(op.sizes, ",")));
  for (const float scale : op.scales) {
    if (!(scale > 0) || scale > static_cast<float>(kMaxElements)) {
      return Inferred::error(fmt::format("scale {} must be positive", scale));
    }
  }
  return {op.sizes, ""};
}

}  // namespace arco
