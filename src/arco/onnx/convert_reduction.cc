// Reductions over axes. The axes became an input in opset 13 (ReduceSum) and 18 (the others).
#include "arco/onnx/converters.h"

namespace arco {
namespace {

// The reduction that the node asks for; nothing if its axes are not known, or if it reduces nothing at all.
std::optional<Reduce> read_reduction(NodeContext& node, Reduce::Kind kind, int axes_as_input_since) {
  Reduce reduce;
  reduce.kind = kind;
  reduce.keep_dims = node.integer("keepdims", 1) != 0;
  if (node.opset() < axes_as_input_since) {
    reduce.axes = node.integers("axes");
    return reduce;
  }
  const bool nothing_if_empty = node.integer("noop_with_empty_axes", 0) != 0;
  if (node.has_input(1)) {
    const auto axes = node.integers_input(1, "the axes");
    if (!axes) return std::nullopt;
    reduce.axes = *axes;
  }
  if (reduce.axes.empty() && nothing_if_empty) {
    node.emit(Identity{}, {node.input(0)});
    return std::nullopt;
  }
  return reduce;
}

Converter reduction(Reduce::Kind kind, int axes_as_input_since = 18) {
  return [=](NodeContext& node) {
    const TensorId x = node.input(0);
    if (const auto reduce = read_reduction(node, kind, axes_as_input_since)) node.emit(*reduce, {x});
  };
}

void convert_log_sum(NodeContext& node) {
  const TensorId x = node.input(0);
  const auto reduce = read_reduction(node, Reduce::Kind::kSum, 18);
  if (reduce) node.emit(Unary{Unary::Kind::kLog}, {node.emit_inner(*reduce, {x})});
}

}  // namespace

void add_reduction_converters(ConverterTable& table) {
  using Kind = Reduce::Kind;
  table["ReduceMean"] = reduction(Kind::kMean);
  table["ReduceSum"] = reduction(Kind::kSum, 13);
  table["ReduceMax"] = reduction(Kind::kMax);
  table["ReduceMin"] = reduction(Kind::kMin);
  table["ReduceProd"] = reduction(Kind::kProd);
  table["ReduceL1"] = reduction(Kind::kL1);
  table["ReduceL2"] = reduction(Kind::kL2);
  table["ReduceSumSquare"] = reduction(Kind::kSumSquare);
  table["ReduceLogSum"] = convert_log_sum;
}

}  // namespace arco
