#include <gtest/gtest.h>

#include "arco/base/random.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/schedule/geometry.h"
#include "arco/schedule/legality.h"

namespace arco {
namespace {

using testing::Test;

Workload resnet_c2() {
  Workload w;
  w.ci = w.co = 64;
  w.h = w.w = w.oh = w.ow = 56;
  w.kh = w.kw = 3;
  w.pads = {1, 1, 1, 1};
  w.has_bias = true;
  return w;
}

TEST(LoopNest, MergesNeighboursThatAdvanceAlike) {
  const AffineLoop loops[] = {{4, 30, 60, 0}, {10, 3, 6, 0}, {3, 1, 2, 0}};
  LoopLimits limits;
  limits.dst = limits.src = limits.wgt = 2047;
  const LoopPlan plan = plan_loops(loops, 3, limits);
  EXPECT_EQ(plan.uops, 1);
  EXPECT_EQ(plan.steps(), 120);
  EXPECT_EQ(plan.outer.extent * plan.inner.extent, 120);
}

TEST(LoopNest, LongestLoopsGoToTheHardware) {
  const AffineLoop loops[] = {{3, 0, 9, 3}, {3, 0, 1, 1}, {14, 14, 16, 0}, {7, 1, 1, 0}};
  LoopLimits limits;
  limits.dst = limits.src = limits.wgt = 2047;
  const LoopPlan plan = plan_loops(loops, 4, limits);
  EXPECT_EQ(plan.outer.extent, 14);
  EXPECT_EQ(plan.inner.extent, 7);
  EXPECT_EQ(plan.uops, 9);
}

TEST(LoopNest, FactorsBeyondTheFieldStayInMicroOps) {
  const AffineLoop loops[] = {{20, 3000, 0, 0}, {5, 1, 0, 0}};
  LoopLimits limits;
  limits.dst = limits.src = limits.wgt = 2047;
  const LoopPlan plan = plan_loops(loops, 2, limits);
  EXPECT_EQ(plan.uops, 20);
}

TEST(Legality, NamesTheBufferWithNeededAndAvailableBytes) {
  const Schedule all{1, 56, 56, 1, 1};
  EXPECT_EQ(why_illegal(resnet_c2(), all, {}), "INP buffer: 53824 bytes needed, 32768 available");
  const Schedule channels{1, 28, 28, 1, 4};
  EXPECT_EQ(why_illegal(resnet_c2(), channels, {}), "ACC buffer: 200960 bytes needed, 131072 available");
}

TEST(Legality, TilesMustDivide) {
  EXPECT_EQ(broken_rule(resnet_c2(), {1, 5, 7, 1, 1}, {}), Rule::kTileDivides);
  EXPECT_EQ(broken_rule(resnet_c2(), {1, 0, 7, 1, 1}, {}), Rule::kTileDivides);
}

TEST(Legality, ThreadsOnBothAxesAreIllegal) {
  EXPECT_EQ(broken_rule(resnet_c2(), {1, 7, 14, 1, 1, 2, 2}, {}), Rule::kThreads);
  EXPECT_EQ(broken_rule(resnet_c2(), {1, 7, 14, 1, 1, 2, 1}, {}), Rule::kNone);
  EXPECT_EQ(broken_rule(resnet_c2(), {1, 7, 14, 1, 4, 1, 2}, {}), Rule::kThreads);  // a single channel tile
}

TEST(Candidates, EveryVisitedScheduleIsLegalAndTheBestIsAmongThem) {
  int count = 0;
  double least = 1e18;
  const EstimateContext context(resnet_c2(), {});
  for_each_legal(resnet_c2(), {}, [&](const Schedule& s) {
    ++count;
    EXPECT_EQ(broken_rule(resnet_c2(), s, {}), Rule::kNone);
    least = std::min(least, context.cost(s).estimate);
  });
  EXPECT_GT(count, 500);
  const auto best = best_estimated(resnet_c2(), {});
  ASSERT_TRUE(best.has_value());
  EXPECT_EQ(context.cost(*best).estimate, least);
  // The roof: 451,584 GEMM steps.
  EXPECT_GT(least, 451584);
  EXPECT_LT(least, 700000);
}

TEST(Candidates, AnImpossibleWorkloadSaysWhy) {
  HardwareConfig tiny;
  tiny.log2_inp_buffer = 10;
  Workload w = resnet_c2();
  w.kh = w.kw = 15;
  w.pads = {7, 7, 7, 7};
  EXPECT_FALSE(best_estimated(w, tiny).has_value());
  EXPECT_NE(why_none_legal(w, tiny).find("INP buffer"), std::string::npos);
}

TEST(Geometry, LargerBlockInterleavesTheSmallerSide) {
  HardwareConfig hw;
  hw.variant = IsaVariant::kVtaPlus;
  hw.log2_block_in = 4;
  hw.log2_block_out = 5;
  const Extents e = extents_of(resnet_c2(), hw);
  EXPECT_EQ(e.ci, 4);
  EXPECT_EQ(e.ci_step, 2);
  EXPECT_EQ(e.co, 2);
  EXPECT_EQ(e.co_step, 1);
}

}  // namespace
}  // namespace arco
