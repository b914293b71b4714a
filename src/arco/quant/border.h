// Real zeros around what a node reads. The accelerator's LOAD writes 0 there, or -128; where a grid has its zero point
// elsewhere, a Pad on the host makes the border, and the node reads the wider tensor without padding of its own.
#pragma once

#include <array>
#include <cstdint>

#include "arco/graph/graph.h"

namespace arco {

// [top, left, bottom, right]: the padding of a convolution, or of an average that counts it. Else zeros.
std::array<int64_t, 4> border_of(const Node& node);
inline bool has_border(const Node& node) {
  return border_of(node) != std::array<int64_t, 4>{};
}

// Whether the accelerator cannot write the node's border. `zero`: the zero point of the node's input.
bool needs_pad(const Node& node, int32_t zero);

// [N, C, H, W] with the border around its planes.
Shape with_border(const Shape& shape, const std::array<int64_t, 4>& border);
// The operator that adds it, and the node's operator without it.
Pad pad_of(const std::array<int64_t, 4>& border);
void take_border(Op& op);

}  // namespace arco
