#include "arco/quant/border.h"

namespace arco {

std::array<int64_t, 4> border_of(const Node& node) {
  if (const auto* conv = std::get_if<Conv>(&node.op)) return conv->pads;
  const auto* pool = std::get_if<Pool>(&node.op);
  const bool reads_zeros = pool != nullptr && pool->kind == Pool::Kind::kAverage && pool->count_include_pad;
  return reads_zeros ? pool->pads : std::array<int64_t, 4>{};
}

bool needs_pad(const Node& node, int32_t zero) {
  return has_border(node) && zero != 0 && zero != -128;
}

Shape with_border(const Shape& shape, const std::array<int64_t, 4>& border) {
  return {shape[0], shape[1], shape[2] + border[0] + border[2], shape[3] + border[1] + border[3]};
}

Pad pad_of(const std::array<int64_t, 4>& border) {
  Pad pad;
  pad.pads = {0, 0, border[0], border[1], 0, 0, border[2], border[3]};
  return pad;
}

void take_border(Op& op) {
  if (auto* conv = std::get_if<Conv>(&op)) conv->pads = {};
  if (auto* pool = std::get_if<Pool>(&op)) pool->pads = {};
}

}  // namespace arco
