// Walks the nodes and applies to each the rules of its operator: number of inputs, types (type_rules.cc), shapes
// (shape_rules_*.cc). A node's problems are told with its name and the shapes of its inputs.
#include <algorithm>

#include "arco/base/error.h"
#include "arco/graph/shape_rules.h"

namespace arco {
namespace {

// Inputs that each operator must have, and how many it may have at most.
struct Arity {
  size_t required, most;
};
struct ArityOf {
  Arity operator()(const Conv&) const { return {2, 4}; }
  Arity operator()(const ConvTranspose&) const { return {2, 3}; }
  Arity operator()(const Dense&) const { return {2, 4}; }
  Arity operator()(const BatchNorm&) const { return {5, 5}; }
  Arity operator()(const Add&) const { return {2, 2}; }
  Arity operator()(const Binary&) const { return {2, 2}; }
  Arity operator()(const Where&) const { return {3, 3}; }
  Arity operator()(const Gather&) const { return {2, 2}; }
  Arity operator()(const Table&) const { return {2, 2}; }
  Arity operator()(const QuantizeLinear&) const { return {3, 3}; }
  Arity operator()(const DequantizeLinear&) const { return {2, 3}; }
  Arity operator()(const Concat&) const { return {1, SIZE_MAX}; }
  Arity operator()(const MatMul&) const { return {2, 3}; }
  template <typename Other>
  Arity operator()(const Other&) const {
    return {1, 1};
  }
};

Inferred infer(const Graph& graph, const Node& node, DataType& type) {
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
  std::string problem;
  type = infer_type(node, in, problem);
  if (!problem.empty()) return Inferred::error(problem);
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
  DataType type = DataType::kFloat32;
  Inferred result = infer(graph, node, type);
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
  output.type = type;
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
