// Constant in its forms: a tensor, or since opset 12 plain numbers.
#include "arco/onnx/converters.h"

namespace arco {
namespace {

void convert_constant(NodeContext& node) {
  if (onnx::TensorProto* tensor = node.tensor("value")) {
    auto result = node.reader().read(*tensor);
    if (result.problem.empty()) {
      node.emit_constant(std::move(result.array));
    } else {
      node.problem("value: {}", result.problem);
    }
  } else if (node.has_attribute("value_float")) {
    node.emit_constant(Array::of<float>({}, {node.real("value_float", 0)}));
  } else if (node.has_attribute("value_int")) {
    node.emit_constant(Array::of<int64_t>({}, {node.integer("value_int", 0)}));
  } else if (node.has_attribute("value_floats")) {
    const auto values = node.reals("value_floats");
    node.emit_constant(Array::of<float>({static_cast<int64_t>(values.size())}, values));
  } else if (node.has_attribute("value_ints")) {
    const auto values = node.integers("value_ints");
    node.emit_constant(Array::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  } else if (!node.failed()) {
    node.problem("needs one of the attributes value, value_float, value_floats, value_int, value_ints");
  }
}

}  // namespace

void add_constant_converters(ConverterTable& table) {
  table["Constant"] = convert_constant;
}

}  // namespace arco
