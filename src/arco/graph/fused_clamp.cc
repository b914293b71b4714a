#include "arco/graph/fused_clamp.h"

namespace arco {

Clamp* clamp_of(Op& op) {
  if (auto* conv = std::get_if<Conv>(&op)) return &conv->clamp;
  if (auto* transposed = std::get_if<ConvTranspose>(&op)) return &transposed->clamp;
  if (auto* dense = std::get_if<Dense>(&op)) return &dense->clamp;
  if (auto* add = std::get_if<Add>(&op)) return &add->clamp;
  if (auto* clip = std::get_if<Clip>(&op)) return &clip->clamp;
  if (auto* pool = std::get_if<Pool>(&op)) return &pool->clamp;
  return nullptr;
}

}  // namespace arco
