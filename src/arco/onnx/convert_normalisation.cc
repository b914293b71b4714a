// BatchNormalization, LRN, Softmax and LogSoftmax. Before opset 13 Softmax ran over all dimensions from `axis` on.
#include "arco/onnx/converters.h"

namespace arco {
namespace {

void convert_batch_norm(NodeContext& node) {
  std::vector<TensorId> inputs;
  for (int i = 0; i < 5; ++i) inputs.push_back(node.input(i));
  BatchNorm norm;
  norm.epsilon = node.real("epsilon", 1e-5F);
  node.ignore("momentum");
  if (node.integer("training_mode", 0) != 0) {
    node.problem("training_mode must be 0; export the model for inference");
  }
  if (node.integer("spatial", 1) != 1) node.problem("spatial must be 1: statistics per channel");
  if (!(norm.epsilon >= 0)) node.problem("epsilon {} must not be negative", norm.epsilon);
  const Tensor* variance = node.known_input(4);
  if (variance != nullptr && variance->constant && variance->type == DataType::kFloat32) {
    for (const float v : variance->constant->data<float>()) {
      if (v + norm.epsilon > 0) continue;
      node.problem("variance {} with epsilon {} is not positive", v, norm.epsilon);
      break;
    }
  }
  node.emit(norm, std::move(inputs));
}

void convert_lrn(NodeContext& node) {
  if (!node.has_attribute("size")) node.problem("attribute 'size' is missing");
  Lrn lrn;
  lrn.size = node.integer("size", 1);
  lrn.alpha = node.real("alpha", 1e-4F);
  lrn.beta = node.real("beta", 0.75F);
  lrn.bias = node.real("bias", 1.0F);
  node.emit(lrn, {node.input(0)});
}

void convert_softmax(NodeContext& node, bool logarithm) {
  Softmax softmax;
  softmax.logarithm = logarithm;
  softmax.flatten_to_2d = node.opset() < 13;
  softmax.axis = node.integer("axis", node.opset() < 13 ? 1 : -1);
  node.emit(softmax, {node.input(0)});
}

}  // namespace

void add_normalisation_converters(ConverterTable& table) {
  table["BatchNormalization"] = convert_batch_norm;
  table["LRN"] = convert_lrn;
  table["Softmax"] = [](NodeContext& node) { convert_softmax(node, false); };
  table["LogSoftmax"] = [](NodeContext& node) { convert_softmax(node, true); };
}

}  // namespace arco
