// Weights [O, I/g, KH, KW] of g groups become [O, I, KH, KW]: output channel o keeps its weights at the input channels
// of its own group and is zero elsewhere. This multiplies the work by g, which the accelerator's dense array does
// anyway.
#include <algorithm>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

Array expanded(const Array& weights, int64_t groups) {
  const Shape& shape = weights.shape();
  const int64_t outputs = shape[0];
  const int64_t group_values = shape[1] * shape[2] * shape[3];
  Array result(DataType::kFloat32, {outputs, shape[1] * groups, shape[2], shape[3]});
  const auto in = weights.data<float>();
  auto out = result.mutable_data<float>();
  for (int64_t o = 0; o < outputs; ++o) {
    const int64_t group = o / (outputs / groups);
    const auto from = in.begin() + o * group_values;
    std::copy(from, from + group_values, out.begin() + (o * groups + group) * group_values);
  }
  return result;
}

}  // namespace

void expand_groups(Graph& graph) {
  // Beyond this a convolution stays grouped: its expanded weights would take over 256 MiB.
  constexpr int64_t kMaxExpandedElements = int64_t{1} << 26;
  for (Node& node : graph.nodes) {
    auto* conv = std::get_if<Conv>(&node.op);
    if (conv == nullptr || conv->groups == 1 || !passes::has_constant_weights(graph, node)) continue;
    const Array weights = *graph.tensor(node.inputs[1]).constant;
    Shape full = weights.shape();
    full[1] *= conv->groups;
    if (!is_reasonable(full) || element_count(full) > kMaxExpandedElements) continue;
    passes::set_input(node, 1, graph.add_constant(node.name + ".weight", expanded(weights, conv->groups)));
    conv->groups = 1;
  }
}

}  // namespace arco
