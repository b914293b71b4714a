// Zeros around the plane that a convolution reads are its own padding. The Pad stays for others that read it.
#include <algorithm>

#include "arco/passes/graph_edit.h"
#include "arco/passes/passes.h"

namespace arco {
namespace {

bool is_plane_padding(const Pad& pad) {
  // [n, c, top, left, n, c, bottom, right]
  const bool channels_kept =
      pad.pads.size() == 8 && pad.pads[0] == 0 && pad.pads[1] == 0 && pad.pads[4] == 0 && pad.pads[5] == 0;
  return channels_kept && pad.mode == Pad::Mode::kConstant && pad.value == 0 &&
         std::all_of(pad.pads.begin(), pad.pads.end(), [](int64_t p) { return p >= 0; });
}

}  // namespace

void fold_pad(Graph& graph) {
  const auto producers = graph.producers();
  for (Node& node : graph.nodes) {
    auto* conv = std::get_if<Conv>(&node.op);
    if (conv == nullptr || node.requantize) continue;
    const int maker = producers[static_cast<size_t>(node.inputs[0])];
    if (maker < 0) continue;
    const Node& before = graph.nodes[static_cast<size_t>(maker)];
    const auto* pad = std::get_if<Pad>(&before.op);
    if (pad == nullptr || !is_plane_padding(*pad)) continue;
    const std::array<int64_t, 4> sides{pad->pads[2], pad->pads[3], pad->pads[6], pad->pads[7]};
    for (size_t i = 0; i < sides.size(); ++i) conv->pads[i] += sides[i];
    node.inputs[0] = before.inputs[0];
  }
}

}  // namespace arco
