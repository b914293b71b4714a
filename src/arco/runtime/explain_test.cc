#include "arco/runtime/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/lower/lower.h"
#include "arco/schedule/candidates.h"

namespace arco {
namespace {

using ::testing::HasSubstr;

Workload conv(int64_t size, int64_t ci, int64_t co, int64_t kernel) {
  Workload w;
  w.h = w.w = w.oh = w.ow = size;
  w.ci = ci;
  w.co = co;
  w.kh = w.kw = kernel;
  w.pads = {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
  w.has_bias = true;
  return w;
}

LayerRun simulated(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const Program program = lower(w, s, hw, typical_numbers(w));
  return {"layer", w, s, simulate_cycles(hw, program.instructions), false};
}
LayerRun simulated(const Workload& w, const HardwareConfig& hw) {
  return simulated(w, *best_estimated(w, hw), hw);
}

TEST(Explain, SharesOfTheComputeModuleAddUp) {
  const HardwareConfig hw;
  const LayerRun run = simulated(conv(56, 64, 64, 3), hw);
  const LayerExplanation e = explain_layer(run, hw);
  const ModuleCycles& compute = run.cycles.modules[static_cast<size_t>(Module::kCompute)];
  const double idle = static_cast<double>(compute.idle) / static_cast<double>(run.cycles.cycles);
  EXPECT_NEAR(e.gemm + e.alu + e.accumulators + e.waits_for_load + e.waits_for_store + e.waits_for_fetch + idle, 1,
              1e-9);
  EXPECT_GT(e.energy.total(), 0);
}

TEST(Explain, ATunedConvolutionIsBoundByItsMultipliers) {
  const HardwareConfig hw;
  const LayerExplanation e = explain_layer(simulated(conv(56, 64, 64, 3), hw), hw);
  EXPECT_EQ(e.binding, Binding::kGemm);
  ASSERT_TRUE(e.compute_roof.has_value());
  EXPECT_GT(*e.compute_roof, 0.8);
  EXPECT_FALSE(e.memory_is_nearer());
  EXPECT_THAT(e.advice, HasSubstr("more multipliers"));
}

TEST(Explain, ThreeChannelsLeaveMultipliersIdle) {
  const HardwareConfig hw;
  const LayerExplanation e = explain_layer(simulated(conv(56, 3, 64, 7), hw), hw);
  EXPECT_NEAR(e.block_use, 3.0 / 16, 1e-9);
  EXPECT_THAT(e.advice, HasSubstr("19 % of the multipliers"));
}

TEST(Explain, OneThreadAlternates) {
  const HardwareConfig hw;
  const LayerExplanation e = explain_layer(simulated(conv(28, 128, 128, 1), {1, 7, 14, 1, 2}, hw), hw);
  EXPECT_EQ(e.binding, Binding::kAlternation);
  EXPECT_THAT(e.advice, HasSubstr("two virtual threads"));
}

TEST(Explain, AManyChannelLayerOnALargeCoreIsBoundByLoading) {
  HardwareConfig hw;
  hw.variant = IsaVariant::kVtaPlus;
  hw.log2_block_in = 5;
  hw.log2_block_out = 6;
  const LayerExplanation e = explain_layer(simulated(conv(7, 512, 512, 3), hw), hw);
  EXPECT_EQ(e.binding, Binding::kLoad);
  EXPECT_TRUE(e.memory_is_nearer());
  EXPECT_THAT(e.advice, HasSubstr("wider memory interface"));
}

// What people read, word for word.
TEST(Explain, GoldenSentences) {
  const HardwareConfig hw;
  HardwareConfig large;
  large.variant = IsaVariant::kVtaPlus;
  large.log2_block_in = 5;
  large.log2_block_out = 6;
  Workload pool = conv(28, 64, 64, 2);
  pool.kind = WorkloadKind::kMaxPool;
  pool.h = pool.w = 56;
  pool.stride_h = pool.stride_w = 2;
  pool.pads = {0, 0, 0, 0};
  pool.has_bias = pool.shift_out = false;
  const auto sentence = [](const LayerRun& run, const HardwareConfig& hardware) {
    const LayerExplanation e = explain_layer(run, hardware);
    return std::string(to_string(e.binding)) + ": " + e.advice;
  };
  EXPECT_EQ(sentence(simulated(conv(56, 64, 64, 3), hw), hw),
            "GEMM: more multipliers (a larger BLOCK_IN or BLOCK_OUT) would help; memory is not in the way");
  EXPECT_EQ(sentence(simulated(conv(56, 3, 64, 7), hw), hw),
            "GEMM: the 3 to 64 channels use 19 % of the multipliers of 1x16x16 blocks: blocks that fit the channels "
            "would do the same in fewer steps");
  EXPECT_EQ(sentence(simulated(conv(28, 128, 128, 1), {1, 7, 14, 1, 2}, hw), hw),
            "alternation: the modules take turns: two virtual threads would load and store one tile while the other is "
            "computed");
  EXPECT_EQ(sentence(simulated(conv(7, 512, 512, 3), large), large),
            "load: a wider memory interface would help, or larger buffers and tiles that transfer operands less often");
  EXPECT_EQ(sentence(simulated(pool, large), large),
            "accumulator loads: the compute module waits for its own loads: a wider memory interface would help, and "
            "tiles of fewer, longer rows");
}

TEST(Explain, PoolingHasNoComputeRoof) {
  Workload w;
  w.kind = WorkloadKind::kMaxPool;
  w.ci = w.co = 64;
  w.h = w.w = 56;
  w.oh = w.ow = 28;
  w.kh = w.kw = w.stride_h = w.stride_w = 2;
  w.shift_out = false;
  const HardwareConfig hw;
  const LayerExplanation e = explain_layer(simulated(w, hw), hw);
  EXPECT_FALSE(e.compute_roof.has_value());
  EXPECT_EQ(e.block_use, 0);
  EXPECT_TRUE(e.memory_is_nearer());
  EXPECT_THAT(e.advice, ::testing::Not(::testing::IsEmpty()));
}

}  // namespace
}  // namespace arco
