// Shape and type inference: one short rule an operator, each a function from input shapes to the output shape, or a
// sentence that says what does not fit.
//
// int8 graphs follow the same shapes. Types: Conv and Dense of int8 give int8 when the node requantises and the raw
// int32 accumulator otherwise; Quantize and Dequantize change the type; everything else keeps that of its first input.
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "arco/base/error.h"
#include "arco/graph/graph.h"

namespace arco {
namespace {

// Window attributes beyond this are mistakes or attacks; the limit keeps products inside 64 bits.
constexpr int64_t kMaxWindow = int64_t{1} << 24;

// What a rule returns: the shape, or why there is none.
struct Inferred {
  Shape shape;
  std::string problem;
  static Inferred error(std::string text) { return {{}, std::move(text)}; }
};

class Inputs {
 public:
  Inputs(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}
  size_t count() const { return node_.inputs.size(); }
  bool has(size_t i) const { return i < count() && node_.inputs[i] != kNoTensor; }
  const Tensor& tensor(size_t i) const { return graph_.tensor(node_.inputs[i]); }
  const Shape& shape(size_t i) const { return tensor(i).shape; }

 private:
  const Graph& graph_;
  const Node& node_;
};

// Inputs that each operator must have, and how many it may have at most.
struct Arity {
  size_t required, most;
};
struct ArityOf {
  Arity operator()(const Conv&) const { return {2, 4}; }
  Arity operator()(const Dense&) const { return {2, 4}; }
  Arity operator()(const BatchNorm&) const { return {5, 5}; }
  Arity operator()(const Add&) const { return {2, 2}; }
  Arity operator()(const Concat&) const { return {1, SIZE_MAX}; }
  Arity operator()(const MatMul&) const { return {2, 3}; }
  template <typename Other>
  Arity operator()(const Other&) const {
    return {1, 1};
  }
};

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

// Counts from the back if negative; -1 if out of [-rank, rank) (or rank itself when `end_allowed`).
int64_t normal_axis(int64_t axis, size_t rank, bool end_allowed = false) {
  const auto r = static_cast<int64_t>(rank);
  if (axis < 0) axis = axis < -r ? -1 : axis + r;
  return axis < r || (end_allowed && axis == r) ? axis : -1;
}

template <typename List>
bool all_between(const List& values, int64_t low, int64_t high) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v >= low && v <= high; });
}

template <typename WindowOp>
std::string window_problem(const WindowOp& op, const std::array<int64_t, 2>& kernel) {
  if (!all_between(kernel, 1, kMaxWindow)) return fmt::format("kernel {},{} must be positive", kernel[0], kernel[1]);
  if (!all_between(op.strides, 1, kMaxWindow)) return "strides must be positive";
  if (!all_between(op.dilations, 1, kMaxWindow)) return "dilations must be positive";
  if (!all_between(op.pads, 0, kMaxWindow)) return "pads must not be negative";
  return "";
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

// Bias [outputs] at input 2 and residual of the output's shape at input 3, as Conv and Dense have them.
std::string epilogue_problem(const Inputs& in, int64_t outputs, const Shape& result) {
  if (in.has(2) && in.shape(2) != Shape{outputs}) {
    return fmt::format("bias is {}, expected {}", to_string(in.shape(2)), outputs);
  }
  if (in.has(3) && in.shape(3) != result) {
    return fmt::format("residual is {}, expected {}", to_string(in.shape(3)), to_string(result));
  }
  return "";
}

struct ShapeRule {
  const Inputs& in;

  Inferred operator()(const Conv& op) const {
    const Shape& x = in.shape(0);
    const Shape& w = in.shape(1);
    if (x.size() != 4 || w.size() != 4) {
      return Inferred::error("expected a 4-dimensional input [N,C,H,W] and weights [O,I,KH,KW]");
    }
    const std::array<int64_t, 2> kernel{w[2], w[3]};
    if (auto problem = window_problem(op, kernel); !problem.empty()) return Inferred::error(problem);
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

  Inferred operator()(const Dense&) const {
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

  Inferred operator()(const BatchNorm&) const {
    const Shape& x = in.shape(0);
    if (x.size() < 2) return Inferred::error("expected an input [N,C,...]");
    for (size_t i = 1; i < 5; ++i) {
      if (in.shape(i) != Shape{x[1]}) {
        return Inferred::error(fmt::format("parameter {} is {}, expected {}", i, to_string(in.shape(i)), x[1]));
      }
    }
    return {x, ""};
  }

  Inferred operator()(const Add&) const {
    if (auto shape = broadcast(in.shape(0), in.shape(1))) return {*shape, ""};
    return Inferred::error("the shapes do not broadcast to each other");
  }

  Inferred operator()(const Pool& op) const {
    const Shape& x = in.shape(0);
    if (x.size() != 4) return Inferred::error("expected a 4-dimensional input [N,C,H,W]");
    if (op.global) return {{x[0], x[1], 1, 1}, ""};
    if (auto problem = window_problem(op, op.kernel); !problem.empty()) return Inferred::error(problem);
    for (size_t i = 0; i < 4; ++i) {
      // Else a window could lie in the padding entirely, and its maximum would be undefined.
      if (op.pads[i] > op.dilations[i % 2] * (op.kernel[i % 2] - 1)) {
        return Inferred::error("pads must be smaller than the kernel");
      }
    }
    return window_shape(x, x[1], op.kernel, op.strides, op.dilations, op.pads, op.ceil_mode);
  }

  Inferred operator()(const Reshape& op) const {
    const Shape& x = in.shape(0);
    const auto mismatch = [&] {
      return Inferred::error(
          fmt::format("cannot view {} elements as [{}]", element_count(x), fmt::join(op.target, ",")));
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

  Inferred operator()(const Flatten& op) const {
    const Shape& x = in.shape(0);
    const int64_t axis = normal_axis(op.axis, x.size(), true);
    if (axis < 0) return Inferred::error(fmt::format("axis {} is outside of the {} dimensions", op.axis, x.size()));
    const auto middle = x.begin() + static_cast<std::ptrdiff_t>(axis);
    return {{element_count(Shape(x.begin(), middle)), element_count(Shape(middle, x.end()))}, ""};
  }

  Inferred operator()(const Lrn& op) const {
    if (in.shape(0).size() < 2) return Inferred::error("expected an input [N,C,...]");
    if (op.size < 1 || op.size > kMaxWindow) return Inferred::error(fmt::format("size {} must be positive", op.size));
    return {in.shape(0), ""};
  }

  Inferred operator()(const Softmax& op) const {
    const Shape& x = in.shape(0);
    if (normal_axis(op.axis, x.size(), op.flatten_to_2d) < 0) {
      return Inferred::error(fmt::format("axis {} is outside of the {} dimensions", op.axis, x.size()));
    }
    return {x, ""};
  }

  Inferred operator()(const Concat& op) const {
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

  Inferred operator()(const MatMul& op) const {
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

  Inferred operator()(const Transpose& op) const {
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

  Inferred operator()(const UnfoldColumns& op) const {
    const Shape& x = in.shape(0);
    if (x.size() != 4) return Inferred::error(fmt::format("input {} is not [N,C,H,W]", to_string(x)));
    const bool sane = op.kernel >= 1 && op.stride >= 1 && op.dilation >= 1 && op.pads[0] >= 0 && op.pads[1] >= 0 &&
                      std::max({op.kernel, op.stride, op.dilation, op.pads[0], op.pads[1]}) < kMaxElements;
    const int64_t columns =
        sane ? window_output(x[3], op.kernel, op.stride, op.dilation, op.pads[0], op.pads[1], false) : 0;
    if (columns < 1) return Inferred::error(fmt::format("a window of {} columns does not fit {}", op.kernel, to_string(x)));
    return {Shape{x[0], x[1] * op.kernel, x[2], columns}, ""};
  }

  // Clip, Identity, Quantize, Dequantize
  template <typename Elementwise>
  Inferred operator()(const Elementwise&) const {
    return {in.shape(0), ""};
  }
};

DataType output_type(const Node& node, DataType first) {
  if (std::holds_alternative<Quantize>(node.op)) return DataType::kInt8;
  if (std::holds_alternative<Dequantize>(node.op)) return DataType::kFloat32;
  const bool multiplies = std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op);
  if (multiplies && first == DataType::kInt8 && !node.requantize) return DataType::kInt32;
  return first;
}

// All data inputs share one type, except int32 biases of int8 layers.
std::string type_problem(const Node& node, const Inputs& in) {
  const DataType first = in.tensor(0).type;
  const bool multiplies = std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op);
  for (size_t i = 1; i < in.count(); ++i) {
    if (!in.has(i)) continue;
    const DataType expected = multiplies && i == 2 && first == DataType::kInt8 ? DataType::kInt32 : first;
    if (in.tensor(i).type != expected) {
      return fmt::format("input {} is {}, expected {}", i, to_string(in.tensor(i).type), to_string(expected));
    }
  }
  return "";
}

Inferred infer(const Graph& graph, const Node& node) {
  const Inputs in(graph, node);
  const Arity arity = std::visit(ArityOf{}, node.op);
  if (in.count() > arity.most)
    return Inferred::error(fmt::format("has {} inputs, at most {} expected", in.count(), arity.most));
  const bool concat = std::holds_alternative<Concat>(node.op);
  for (size_t i = 0; i < (concat ? std::max<size_t>(1, in.count()) : arity.required); ++i) {
    if (!in.has(i)) return Inferred::error(fmt::format("input {} is missing", i));
  }
  if (node.outputs.size() != 1) return Inferred::error("must have exactly one output");
  for (size_t i = 0; i < in.count(); ++i) {
    if (in.has(i) && !is_reasonable(in.shape(i))) {
      return Inferred::error(fmt::format("input {} has an impossible shape {}", i, to_string(in.shape(i))));
    }
  }
  if (auto problem = type_problem(node, in); !problem.empty()) return Inferred::error(problem);
  Inferred result = std::visit(ShapeRule{in}, node.op);
  if (result.problem.empty() && !is_reasonable(result.shape)) {
    result.problem = fmt::format("the output {} has more than {} elements", to_string(result.shape), kMaxElements);
  }
  return result;
}

}  // namespace

int64_t window_output(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad_begin, int64_t pad_end,
                      bool ceil_mode) {
  const int64_t slack = in + pad_begin + pad_end - (dilation * (kernel - 1) + 1);
  if (slack < 0) return 0;
  if (!ceil_mode) return slack / stride + 1;
  const int64_t out = (slack + stride - 1) / stride + 1;
  return (out - 1) * stride < in + pad_begin ? out : out - 1;
}

bool infer_node_shapes(Graph& graph, const Node& node, ErrorList& errors) {
  Inferred result = infer(graph, node);
  if (!result.problem.empty()) {
    std::string shapes;
    for (const TensorId id : node.inputs) {
      if (!shapes.empty()) shapes += ", ";
      shapes += id == kNoTensor ? "-" : to_string(graph.tensor(id).shape);
    }
    errors.add("node '{}' ({}): {} (inputs: {})", node.name, op_name(node.op), result.problem, shapes);
    return false;
  }
  Tensor& output = graph.tensor(node.outputs[0]);
  output.type = output_type(node, graph.tensor(node.inputs[0]).type);
  output.shape = std::move(result.shape);
  return true;
}

void infer_shapes(Graph& graph) {
  ErrorList errors(graph.name.empty() ? "graph" : graph.name);
  for (const TensorId id : graph.inputs) {
    const Tensor& input = graph.tensor(id);
    if (!is_reasonable(input.shape)) {
      errors.add("input '{}' has shape {}: every dimension must be positive, with at most {} elements in all",
                 input.name, to_string(input.shape), kMaxElements);
    }
  }
  errors.throw_if_any();
  // A node behind one that failed is skipped: its problem would only repeat the first.
  std::vector<bool> unknown(graph.tensors.size(), false);
  for (const Node& node : graph.nodes) {
    const bool skip = std::any_of(node.inputs.begin(), node.inputs.end(),
                                  [&](TensorId id) { return id != kNoTensor && unknown[static_cast<size_t>(id)]; });
    if (!skip && infer_node_shapes(graph, node, errors)) continue;
    for (const TensorId id : node.outputs) unknown[static_cast<size_t>(id)] = true;
  }
  errors.throw_if_any();
}

}  // namespace arco
