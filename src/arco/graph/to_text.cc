// The graph as text for people: one line a node,
//   conv1: Conv(x 1x3x8x8, w 4x3x3x3) strides=2,2 clamp=0..inf -> y 1x4x4x4
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>

#include "arco/graph/graph.h"

namespace arco {
namespace {

std::string clamp_text(const Clamp& clamp) {
  return clamp.is_identity() ? "" : fmt::format(" clamp={}..{}", clamp.low, clamp.high);
}

template <typename List>
std::string list_text(const char* key, const List& values, const List& usual) {
  return values == usual ? "" : fmt::format(" {}={}", key, fmt::join(values, ","));
}

template <typename T>
std::string value_text(const char* key, T value, T usual) {
  return value == usual ? "" : fmt::format(" {}={}", key, value);
}

// Attributes that differ from their defaults, each with a leading blank.
struct Attributes {
  std::string operator()(const Conv& op) const {
    const Conv usual;
    return list_text("strides", op.strides, usual.strides) + list_text("dilations", op.dilations, usual.dilations) +
           list_text("pads", op.pads, usual.pads) + value_text("groups", op.groups, usual.groups) +
           clamp_text(op.clamp);
  }
  std::string operator()(const Dense& op) const { return clamp_text(op.clamp); }
  std::string operator()(const BatchNorm& op) const { return value_text("epsilon", op.epsilon, BatchNorm{}.epsilon); }
  std::string operator()(const Add& op) const { return clamp_text(op.clamp); }
  std::string operator()(const Clip& op) const { return clamp_text(op.clamp); }
  std::string operator()(const Pool& op) const {
    const Pool usual;
    if (op.global) return " global" + clamp_text(op.clamp);
    return list_text("kernel", op.kernel, usual.kernel) + list_text("strides", op.strides, usual.strides) +
           list_text("dilations", op.dilations, usual.dilations) + list_text("pads", op.pads, usual.pads) +
           (op.ceil_mode ? " ceil_mode" : "") + (op.count_include_pad ? " count_include_pad" : "") +
           clamp_text(op.clamp);
  }
  std::string operator()(const Reshape& op) const { return fmt::format(" target={}", fmt::join(op.target, ",")); }
  std::string operator()(const Flatten& op) const { return value_text("axis", op.axis, Flatten{}.axis); }
  std::string operator()(const Lrn& op) const {
    const Lrn usual;
    return value_text("size", op.size, usual.size) + value_text("alpha", op.alpha, usual.alpha) +
           value_text("beta", op.beta, usual.beta) + value_text("bias", op.bias, usual.bias);
  }
  std::string operator()(const Softmax& op) const {
    return value_text("axis", op.axis, Softmax{}.axis) + (op.flatten_to_2d ? " flatten_to_2d" : "");
  }
  std::string operator()(const Concat& op) const { return value_text("axis", op.axis, Concat{}.axis); }
  std::string operator()(const Identity&) const { return ""; }
  std::string operator()(const MatMul& op) const {
    const MatMul usual;
    return std::string(op.transpose_a ? " transpose_a" : "") + (op.transpose_b ? " transpose_b" : "") +
           value_text("alpha", op.alpha, usual.alpha) + value_text("beta", op.beta, usual.beta);
  }
  std::string operator()(const UnfoldColumns& op) const {
    return fmt::format(" kernel={} stride={} dilation={} pads={},{}", op.kernel, op.stride, op.dilation, op.pads[0],
                       op.pads[1]);
  }
  std::string operator()(const Transpose& op) const { return fmt::format(" perm={}", fmt::join(op.perm, ",")); }
  std::string operator()(const Quantize&) const { return ""; }
  std::string operator()(const Dequantize&) const { return ""; }
};

std::string requantize_text(const Requantize& r) {
  const Requantize usual;
  return fmt::format(" shift={}", r.shift) + value_text("low", r.low, usual.low) +
         value_text("high", r.high, usual.high) + value_text("residual_shift", r.residual_shift, usual.residual_shift) +
         list_text("add_shifts", r.add_shifts, usual.add_shifts) +
         value_text("multiplier", r.multiplier, usual.multiplier);
}

std::string tensor_text(const Graph& graph, TensorId id) {
  if (id == kNoTensor) return "-";
  const Tensor& tensor = graph.tensor(id);
  std::string text = fmt::format("{} {}", tensor.name, to_string(tensor.shape));
  if (tensor.type != DataType::kFloat32) {
    text += fmt::format(" {}", to_string(tensor.type));
    if (tensor.exponent != 0) text += fmt::format("*2^{}", tensor.exponent);
  }
  return text;
}

std::string tensors_text(const Graph& graph, const std::vector<TensorId>& ids) {
  std::string text;
  for (const TensorId id : ids) {
    if (!text.empty()) text += ", ";
    text += tensor_text(graph, id);
  }
  return text;
}

}  // namespace

std::string to_text(const Graph& graph) {
  std::string text = fmt::format("graph {}({})\n", graph.name, tensors_text(graph, graph.inputs));
  auto out = std::back_inserter(text);
  for (const Node& node : graph.nodes) {
    fmt::format_to(out, "  {}: {}({}){}{} -> {}\n", node.name, op_name(node.op), tensors_text(graph, node.inputs),
                   std::visit(Attributes{}, node.op), node.requantize ? requantize_text(*node.requantize) : "",
                   tensors_text(graph, node.outputs));
  }
  fmt::format_to(out, "  return {}\n", tensors_text(graph, graph.outputs));
  return text;
}

}  // namespace arco
