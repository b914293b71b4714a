// Maps a nest of affine loops onto one GEMM or ALU instruction: two hardware loops with affine index factors, the
// remaining loops unrolled into the micro-op sequence (vta-isa 5.2, 5.4).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace arco {

// One loop: its extent and how far each index moves per iteration (in scratchpad elements).
struct AffineLoop {
  int64_t extent = 1;
  int64_t dst = 0;
  int64_t src = 0;
  int64_t wgt = 0;
};

// Largest values the instruction's fields hold.
struct LoopLimits {
  int64_t extent = (1 << 14) - 1;
  int64_t dst = 0;
  int64_t src = 0;
  int64_t wgt = 0;
};

// At most this many loops describe any operator of ours; fixed storage keeps planning free of allocation.
constexpr int kMaxLoops = 10;

struct LoopPlan {
  AffineLoop outer;                            // iter_out
  AffineLoop inner;                            // iter_in
  std::array<AffineLoop, kMaxLoops> unrolled;  // in micro-op order, outermost first
  int unrolled_count = 0;
  int64_t uops = 1;  // micro-ops of one instruction
  int64_t steps() const { return outer.extent * inner.extent * uops; }
};

// Loops are given outermost first. Neighbours that advance alike are merged, loops of one iteration vanish, the two
// longest loops whose factors fit become hardware loops. The order of steps may change; the set of steps does not.
LoopPlan plan_loops(const AffineLoop* loops, int count, const LoopLimits& limits);

}  // namespace arco
