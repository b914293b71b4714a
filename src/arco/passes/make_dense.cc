// y = alpha * a b + beta * c  with constant b:  Dense with w = alpha * b^T (Dense keeps weights as [O, I]).
// c becomes the bias (beta * c, when it is one value per column) or, with beta = 1 and y's shape, the residual.
// Other products of a computed and a constant matrix get there with a transposition or a reshape around:
//   a^T b               Transpose a
//   [..., M, K] b       Reshape to [... M, K], and back
//   a b, a constant     (b^T a^T)^T
#include <utility>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

Array dense_weights(const Array& b, bool is_transposed, float alpha) {
  if (is_transposed && alpha == 1) return b;
  const int64_t rows = b.shape()[0];
  const int64_t columns = b.shape()[1];
  Array w(DataType::kFloat32, is_transposed ? Shape{rows, columns} : Shape{columns, rows});
  const auto in = b.data<float>();
  auto out = w.mutable_data<float>();
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t to = is_transposed ? r * columns + c : c * rows + r;
      out[static_cast<size_t>(to)] = alpha * in[static_cast<size_t>(r * columns + c)];
    }
  }
  return w;
}

bool is_constant_matrix(const Tensor& tensor) {
  return tensor.constant && tensor.type == DataType::kFloat32 && tensor.shape.size() == 2;
}

class Product {
 public:
  Product(Graph& graph, const Node& node) : graph_(graph), node_(node), op_(std::get<MatMul>(node.op)) {}

  // The nodes that take the product's place; none if it stays.
  std::vector<Node> convert() {
    const Tensor& a = graph_.tensor(node_.inputs[0]);
    const Tensor& b = graph_.tensor(node_.inputs[1]);
    if (node_.requantize) return {};
    if (is_constant_matrix(b) && a.shape.size() == 2 && !a.constant) {
      from_matrix();
    } else if (is_constant_matrix(b) && a.shape.size() > 2 && !op_.transpose_a && !has_addend()) {
      from_stack(a.shape);
    } else if (is_constant_matrix(a) && b.shape.size() == 2 && !b.constant && !has_addend()) {
      from_constant_first();
    }
    if (!nodes_.empty()) nodes_.back().outputs = node_.outputs;
    return std::move(nodes_);
  }

 private:
  bool has_addend() const { return passes::has_input(node_, 2) && op_.beta != 0; }

  void from_matrix() {
    const Shape& y = graph_.tensor(node_.outputs[0]).shape;
    std::vector<double> bias;
    TensorId residual = kNoTensor;
    if (has_addend()) {
      const Tensor& c = graph_.tensor(node_.inputs[2]);
      bias = passes::per_channel_values(graph_, node_.inputs[2], y[1], 2);
      for (double& value : bias) value *= op_.beta;
      if (bias.empty()) {
        if (c.shape != y || op_.beta != 1 || c.constant) return;  // stays a MatMul
        residual = node_.inputs[2];
      }
    }
    const TensorId a = node_.inputs[0];
    add_dense(op_.transpose_a ? add(".rows", Transpose{}, a) : a, node_.inputs[1], op_.transpose_b);
    if (!bias.empty()) passes::set_bias(graph_, nodes_.back(), bias);
    if (residual != kNoTensor) passes::set_input(nodes_.back(), 3, residual);
  }

  void from_stack(const Shape& a) {
    const int64_t columns = a.back();
    const Shape y = graph_.tensor(node_.outputs[0]).shape;
    const TensorId rows = add(".rows", Reshape{{element_count(a) / columns, columns}}, node_.inputs[0]);
    add(".stack", Reshape{y}, add_dense(rows, node_.inputs[1], op_.transpose_b));
  }

  void from_constant_first() {
    const TensorId b = node_.inputs[1];
    const TensorId rows = op_.transpose_b ? b : add(".rows", Transpose{}, b);
    add(".columns", Transpose{}, add_dense(rows, node_.inputs[0], !op_.transpose_a));
  }

  TensorId add_dense(TensorId x, TensorId weights, bool is_transposed) {
    const Array w = dense_weights(*graph_.tensor(weights).constant, is_transposed, op_.alpha);
    const TensorId y = add("", Dense{}, x);
    const TensorId id = graph_.add_constant(node_.name + ".weight", w);
    keep_steps(graph_.tensor(weights), is_transposed, graph_.tensor(id));
    nodes_.back().inputs.push_back(id);
    return y;
  }
  // Steps that a quantised model brings, by row of the weights as Dense has them.
  void keep_steps(const Tensor& from, bool is_transposed, Tensor& to) const {
    const int rows = is_transposed ? 0 : 1;
    if (op_.alpha <= 0 || (from.int8_steps.size() != 1 && from.int8_axis != rows)) return;
    for (const float step : from.int8_steps) to.int8_steps.push_back(step * op_.alpha);
  }
  TensorId add(const std::string& suffix, Op op, TensorId input) {
    Tensor output;
    output.name = node_.name + suffix + ".out";
    const TensorId id = graph_.add_tensor(std::move(output));
    nodes_.push_back({node_.name + suffix, std::move(op), {input}, {id}, std::nullopt, node_.origin});
    return id;
  }

  Graph& graph_;
  const Node& node_;
  const MatMul op_;
  std::vector<Node> nodes_;
};

}  // namespace

void make_dense(Graph& graph) {
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    auto parts = std::holds_alternative<MatMul>(node.op) ? Product(graph, node).convert() : std::vector<Node>();
    if (parts.empty()) parts.push_back(std::move(node));
    for (Node& part : parts) nodes.push_back(std::move(part));
  }
  graph.nodes = std::move(nodes);
}

}  // namespace arco
