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

namespace {

struct Moves {
  bool operator()(const Flatten&) const { return true; }
  bool operator()(const Reshape&) const { return true; }
  bool operator()(const Identity&) const { return true; }
  bool operator()(const Concat&) const { return true; }
  bool operator()(const UnfoldColumns&) const { return true; }
  bool operator()(const Transpose&) const { return true; }
  bool operator()(const Slice&) const { return true; }
  bool operator()(const Gather&) const { return true; }
  bool operator()(const Expand&) const { return true; }
  bool operator()(const Resize& op) const { return op.mode == Resize::Mode::kNearest; }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;
  }
};

}  // namespace

bool only_moves(const Op& op) {
  return std::visit(Moves{}, op);
}

}  // namespace arco
