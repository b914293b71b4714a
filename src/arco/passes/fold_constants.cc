// Walks the nodes in order, so that a folded node makes its readers foldable in the same sweep. The reference
// interpreter computes the values: there is no second definition of the operators.
#include <algorithm>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"
#include "arco/reference/interpreter.h"

namespace arco {

namespace {

// The scales of weights that are integers around 0; nothing for others.
std::vector<float> steps_of(const std::vector<Array>& inputs) {
  const auto is_zero = [](uint8_t byte) { return byte == 0; };
  if (inputs.size() > 2 && !std::ranges::all_of(inputs[2].bytes(), is_zero)) return {};
  const auto scales = inputs[1].data<float>();
  return {scales.begin(), scales.end()};
}

}  // namespace

void fold_constants(Graph& graph) {
  // Larger results (a small constant broadcast to a huge one) stay computed at run time.
  constexpr int64_t kMaxFoldedElements = int64_t{1} << 26;
  int64_t left = 4 * kMaxFoldedElements;  // of all results together
  passes::Sweep sweep(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    std::vector<Array> values;
    const bool constant = std::all_of(node.inputs.begin(), node.inputs.end(), [&](TensorId id) {
      const bool known = id == kNoTensor || graph.tensor(id).constant;
      if (known) values.push_back(id == kNoTensor ? Array() : *graph.tensor(id).constant);
      return known;
    });
    if (!constant || node.requantize) continue;
    Tensor& output = graph.tensor(node.outputs[0]);
    const int64_t count = element_count(output.shape);
    if (count > kMaxFoldedElements || count > left) continue;
    left -= count;
    output.constant = run_reference_node(graph, node, values).at(0);
    if (const auto* dequantize = std::get_if<DequantizeLinear>(&node.op)) {
      output.int8_steps = steps_of(values);
      const auto rank = static_cast<int64_t>(output.shape.size());
      output.int8_axis = static_cast<int>(dequantize->axis < 0 ? dequantize->axis + rank : dequantize->axis);
      if (output.int8_steps.size() == 1) output.int8_axis = 0;
    }
    sweep.remove(static_cast<int>(n));
  }
  sweep.finish();
}

}  // namespace arco
