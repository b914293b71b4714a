// y = s[c] * x[c] + o[c] is a convolution of 1x1 in as many groups as there are channels: weights s, bias o. What
// stands before the first layer stays in float, where the host prepares the input.
#include "arco/passes/affine.h"
#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {

void make_depthwise(Graph& graph) {
  const passes::Sweep sweep(graph);
  std::vector<bool> follows_layer(graph.tensors.size(), false);  // by TensorId: behind a layer with weights or a window
  for (Node& node : graph.nodes) {
    const auto affine = passes::affine_of(graph, node);
    bool behind = std::holds_alternative<Conv>(node.op) || std::holds_alternative<Pool>(node.op);
    for (const TensorId id : node.inputs)
      behind = behind || (id != kNoTensor && follows_layer[static_cast<size_t>(id)]);
    follows_layer[static_cast<size_t>(node.outputs[0])] = behind;
    if (!affine || !behind || graph.tensor(affine->x).shape.size() != 4) continue;
    if (passes::affine_taker(graph, sweep, affine->x) >= 0) continue;
    const auto channels = static_cast<int64_t>(affine->scale.size());
    const std::vector<float> weights(affine->scale.begin(), affine->scale.end());
    const TensorId x = affine->x;
    const TensorId w = graph.add_constant(node.name + ".weight", Array::of<float>({channels, 1, 1, 1}, weights));
    Conv conv;
    conv.groups = channels;
    node.op = conv;
    node.inputs = {x, w};
    passes::set_bias(graph, node, affine->offset);
    follows_layer.resize(graph.tensors.size(), false);
  }
}

}  // namespace arco
