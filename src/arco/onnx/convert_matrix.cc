// Gemm and MatMul both become MatMul; passes/ turns those with constant weights into Dense.
#include "arco/onnx/converters.h"

namespace arco {
namespace {

void convert_gemm(NodeContext& node) {
  const TensorId a = node.input(0);
  const TensorId b = node.input(1);
  const TensorId c = node.input(2, node.opset() < 11);
  for (int i = 0; i < 2; ++i) {
    const Tensor* matrix = node.known_input(i);
    if (matrix != nullptr && matrix->shape.size() != 2) {
      node.problem("input {} is {}, expected a matrix", i, to_string(matrix->shape));
    }
  }
  MatMul product;
  product.alpha = node.real("alpha", 1.0F);
  product.beta = node.real("beta", 1.0F);
  product.transpose_a = node.integer("transA", 0) != 0;
  product.transpose_b = node.integer("transB", 0) != 0;
  std::vector<TensorId> inputs{a, b};
  if (c != kNoTensor) inputs.push_back(c);
  node.emit(product, std::move(inputs));
}

void convert_matmul(NodeContext& node) {
  const TensorId a = node.input(0);
  const TensorId b = node.input(1);
  node.emit(MatMul{}, {a, b});
}

}  // namespace

void add_matrix_converters(ConverterTable& table) {
  table["Gemm"] = convert_gemm;
  table["MatMul"] = convert_matmul;
}

}  // namespace arco
