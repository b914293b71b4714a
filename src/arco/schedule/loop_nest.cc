// Fewest micro-ops win: after merging, the micro-op count is the product of the extents that are not hardware loops, so
// the two longest loops go to the hardware.
#include "arco/schedule/loop_nest.h"

#include "arco/base/error.h"

namespace arco {

namespace {

bool mergeable(const AffineLoop& outer, const AffineLoop& inner, int64_t max_extent) {
  return outer.extent * inner.extent <= max_extent && outer.dst == inner.extent * inner.dst &&
         outer.src == inner.extent * inner.src && outer.wgt == inner.extent * inner.wgt;
}

bool fits(const AffineLoop& loop, const LoopLimits& limits) {
  return loop.extent <= limits.extent && loop.dst <= limits.dst && loop.src <= limits.src && loop.wgt <= limits.wgt;
}

// Position of the longest loop that fits the fields, `excluded` apart; -1 if there is none.
int longest(const AffineLoop* loops, int count, const LoopLimits& limits, int excluded) {
  int best = -1;
  for (int i = 0; i < count; ++i) {
    if (i == excluded || !fits(loops[i], limits)) continue;
    if (best < 0 || loops[i].extent > loops[best].extent) best = i;
  }
  return best;
}

}  // namespace

LoopPlan plan_loops(const AffineLoop* loops, int count, const LoopLimits& limits) {
  ARCO_CHECK(count <= kMaxLoops, "{} loops", count);
  std::array<AffineLoop, kMaxLoops> merged;
  int kept = 0;
  for (int i = 0; i < count; ++i) {
    if (loops[i].extent == 1) continue;
    if (kept > 0 && mergeable(merged[kept - 1], loops[i], limits.extent)) {
      const int64_t extent = merged[kept - 1].extent * loops[i].extent;
      merged[kept - 1] = loops[i];
      merged[kept - 1].extent = extent;
    } else {
      merged[kept++] = loops[i];
    }
  }
  const int first = longest(merged.data(), kept, limits, -1);
  const int second = first < 0 ? -1 : longest(merged.data(), kept, limits, first);
  LoopPlan plan;
  if (first >= 0) (second >= 0 && second < first ? plan.inner : plan.outer) = merged[first];
  if (second >= 0) (second < first ? plan.outer : plan.inner) = merged[second];
  for (int i = 0; i < kept; ++i) {
    if (i == first || i == second) continue;
    plan.unrolled[plan.unrolled_count++] = merged[i];
    plan.uops *= merged[i].extent;
  }
  return plan;
}

}  // namespace arco
