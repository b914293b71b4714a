// Two clamps in a row are one: first to [l1, h1], then to [l2, h2] is clamping to both of the first bounds clamped by
// the second, [clamp2(l1), clamp2(h1)].
#include <algorithm>

#include "arco/graph/fused_clamp.h"
#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {

void fuse_clamp(Graph& graph) {
  passes::Sweep sweep(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const auto* clip = std::get_if<Clip>(&node.op);
    if (clip == nullptr || node.requantize) continue;
    const int maker = sweep.producer(node.inputs[0]);
    if (maker < 0 || !sweep.has_one_reader(node.inputs[0])) continue;
    Node& before = graph.nodes[static_cast<size_t>(maker)];
    Clamp* clamp = clamp_of(before.op);
    if (clamp == nullptr || before.requantize) continue;
    clamp->low = std::clamp(clamp->low, clip->clamp.low, clip->clamp.high);
    clamp->high = std::clamp(clamp->high, clip->clamp.low, clip->clamp.high);
    Tensor& output = graph.tensor(node.outputs[0]);
    if (!output.grid) output.grid = graph.tensor(node.inputs[0]).grid;  // clamped values are on it as well
    sweep.set_output(maker, node.outputs[0]);
    sweep.remove(static_cast<int>(n));
  }
  sweep.finish();
}

}  // namespace arco
