// Operators of the domain com.microsoft, which ONNX Runtime's quantiser writes in its operator-oriented format. Each is
// DequantizeLinear of the operands, the float operator, QuantizeLinear. Inputs come as (tensor, scale, zero point), the
// output's scale and zero point last; QLinearConcat has those first, QGemm may have none and gives floats.
#include "arco/onnx/converters.h"

namespace arco {
namespace {

// Scale and zero point of the output follow `operands` triples.
void convert_function(NodeContext& node, const Op& op, int operands = 1) {
  std::vector<TensorId> inputs;
  for (int i = 0; i < operands; ++i) inputs.push_back(dequantized(node, 3 * i, 1));
  emit_quantized(node, node.emit_inner(op, std::move(inputs)), 3 * operands);
}

void refuse_channels_last(NodeContext& node) {
  if (node.integer("channels_last", 0) != 0) node.problem("channels_last must be 0: channels are dimension 1");
}

void convert_global_average_pool(NodeContext& node) {
  refuse_channels_last(node);
  Pool pool;
  pool.kind = Pool::Kind::kAverage;
  pool.global = true;
  convert_function(node, pool);
}

void convert_average_pool(NodeContext& node) {
  refuse_channels_last(node);
  const TensorId x = dequantized(node, 0, 1);
  const auto pool = read_average_pool(node, x);
  if (pool) return emit_quantized(node, node.emit_inner(*pool, {x}), 3);
  for (const int i : {3, 4}) node.ignore_input(i);
}

void convert_concat(NodeContext& node) {
  if (!node.has_attribute("axis")) node.problem("attribute 'axis' is missing");
  const int count = (node.input_count() - 2) / 3;
  if (count < 1 || node.input_count() != 2 + 3 * count) {
    node.problem("{} inputs, expected scale and zero point of the output and three for each operand",
                 node.input_count());
    for (int i = 0; i < node.input_count(); ++i) node.ignore_input(i);
    return;
  }
  std::vector<TensorId> operands;
  for (int i = 0; i < count; ++i) operands.push_back(dequantized(node, 2 + 3 * i, 1));
  emit_quantized(node, node.emit_inner(Concat{node.integer("axis", 1)}, std::move(operands)), 0);
}

void convert_softmax(NodeContext& node) {
  const int64_t opset = node.integer("opset", 13);
  constexpr int64_t kOneAxisOnly = 13;
  Softmax softmax;
  softmax.flatten_to_2d = opset < kOneAxisOnly;
  softmax.axis = node.integer("axis", softmax.flatten_to_2d ? 1 : -1);
  convert_function(node, softmax);
}

// The bias counts in steps of alpha * scale of a * scale of b.
TensorId gemm_bias(NodeContext& node, float alpha) {
  const TensorId c = node.input(6, false);
  if (c == kNoTensor) return kNoTensor;
  const Op times = Binary{Binary::Kind::kMul};
  TensorId scale = node.emit_inner(times, {node.input(1), node.input(4)});
  if (alpha != 1) scale = node.emit_inner(times, {scale, node.add_constant("alpha", Array::of<float>({}, {alpha}))});
  return node.emit_inner(DequantizeLinear{-1}, {c, scale});
}

void convert_gemm(NodeContext& node) {
  MatMul product;
  product.alpha = node.real("alpha", 1.0F);
  product.transpose_a = node.integer("transA", 0) != 0;
  product.transpose_b = node.integer("transB", 0) != 0;
  std::vector<TensorId> inputs{dequantized(node, 0, 1), dequantized(node, 3, product.transpose_b ? 0 : 1)};
  if (const TensorId c = gemm_bias(node, product.alpha); c != kNoTensor) inputs.push_back(c);
  if (!node.has_input(7)) return node.emit(product, std::move(inputs));
  emit_quantized(node, node.emit_inner(product, std::move(inputs)), 7);
}

}  // namespace

void add_onnx_runtime_converters(ConverterTable& table) {
  const std::string domain = "com.microsoft.";
  // Of 16-bit models and older ones; the same operators otherwise.
  table[domain + "QuantizeLinear"] = table.at("QuantizeLinear");
  table[domain + "DequantizeLinear"] = table.at("DequantizeLinear");
  table[domain + "QLinearAdd"] = [](NodeContext& node) { convert_function(node, Add{}, 2); };
  table[domain + "QLinearMul"] = [](NodeContext& node) { convert_function(node, Binary{Binary::Kind::kMul}, 2); };
  table[domain + "QLinearSigmoid"] = [](NodeContext& node) { convert_function(node, Unary{Unary::Kind::kSigmoid}); };
  table[domain + "QLinearLeakyRelu"] = [](NodeContext& node) {
    convert_function(node, Unary{Unary::Kind::kLeakyRelu, node.real("alpha", 0.01F)});
  };
  table[domain + "QLinearSoftmax"] = convert_softmax;
  table[domain + "QLinearConcat"] = convert_concat;
  table[domain + "QLinearAveragePool"] = convert_average_pool;
  table[domain + "QLinearGlobalAveragePool"] = convert_global_average_pool;
  table[domain + "QGemm"] = convert_gemm;
}

}  // namespace arco
