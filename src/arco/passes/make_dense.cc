// y = alpha * a b + beta * c  with constant b:  Dense with w = alpha * b^T (Dense keeps weights as [O, I]).
// c becomes the bias (beta * c, when it is one value per column) or, with beta = 1 and y's shape, the residual.
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

bool is_dense(const Graph& graph, const Node& node, const MatMul& op) {
  const Tensor& b = graph.tensor(node.inputs[1]);
  return !node.requantize && !op.transpose_a && graph.tensor(node.inputs[0]).shape.size() == 2 && b.constant &&
         b.type == DataType::kFloat32 && b.shape.size() == 2;
}

void convert(Graph& graph, Node& node, const MatMul& op) {
  const Shape& y = graph.tensor(node.outputs[0]).shape;
  const int64_t columns = y[1];
  std::vector<double> bias;
  TensorId residual = kNoTensor;
  if (passes::has_input(node, 2) && op.beta != 0) {
    const Tensor& c = graph.tensor(node.inputs[2]);
    bias = passes::per_channel_values(graph, node.inputs[2], columns, 2);
    for (double& value : bias) value *= op.beta;
    if (bias.empty()) {
      if (c.shape != y || op.beta != 1 || c.constant) return;  // stays a MatMul
      residual = node.inputs[2];
    }
  }
  const Array w = dense_weights(*graph.tensor(node.inputs[1]).constant, op.transpose_b, op.alpha);
  const TensorId weights = graph.add_constant(node.name + ".weight", w);
  node.inputs = {node.inputs[0], weights};
  node.op = Dense{};
  if (!bias.empty()) passes::set_bias(graph, node, bias);
  if (residual != kNoTensor) passes::set_input(node, 3, residual);
}

}  // namespace

void make_dense(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (!std::holds_alternative<MatMul>(node.op)) continue;
    const MatMul op = std::get<MatMul>(node.op);
    if (is_dense(graph, node, op)) convert(graph, node, op);
  }
}

}  // namespace arco
