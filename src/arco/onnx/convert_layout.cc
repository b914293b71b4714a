// Operators that move elements without computing: Reshape, Flatten, Transpose, Concat.
#include <algorithm>

#include "arco/onnx/converters.h"

namespace arco {
namespace {

void convert_reshape(NodeContext& node) {
  const TensorId x = node.input(0);
  const auto target = node.integers_input(1, "the target shape");
  const bool allow_zero = node.integer("allowzero", 0) != 0;
  if (!target) return;
  if (allow_zero && std::find(target->begin(), target->end(), 0) != target->end()) {
    node.problem("allowzero with a dimension of 0 means an empty tensor, which is not supported");
  }
  node.emit(Reshape{*target}, {x});
}

void convert_flatten(NodeContext& node) {
  Flatten flatten;
  flatten.axis = node.integer("axis", 1);
  node.emit(flatten, {node.input(0)});
}

void convert_transpose(NodeContext& node) {
  node.emit(Transpose{node.integers("perm")}, {node.input(0)});
}

void convert_concat(NodeContext& node) {
  if (!node.has_attribute("axis")) node.problem("attribute 'axis' is missing");
  Concat concat;
  concat.axis = node.integer("axis", 0);
  std::vector<TensorId> inputs;
  for (int i = 0; i < node.input_count(); ++i) inputs.push_back(node.input(i));
  if ((concat.axis == 0 || concat.axis == -1) && concatenate_integers(node)) return;
  node.emit(concat, std::move(inputs));
}

}  // namespace

void add_layout_converters(ConverterTable& table) {
  table["Reshape"] = convert_reshape;
  table["Flatten"] = convert_flatten;
  table["Transpose"] = convert_transpose;
  table["Concat"] = convert_concat;
}

}  // namespace arco
