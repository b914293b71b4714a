#include "arco/hardware/energy.h"

#include <gtest/gtest.h>

#include "arco/hardware/fpga.h"

namespace arco {
namespace {

TEST(Energy, BufferAccessMatchesThePublishedPoints) {
  EXPECT_NEAR(buffer_access_pj(8 << 10, 8), 10, 1e-9);
  EXPECT_NEAR(buffer_access_pj(8 << 10, 4), 5, 1e-9);
  EXPECT_NEAR(buffer_access_pj(32 << 10, 8), 20, 1e-9);
  EXPECT_NEAR(buffer_access_pj(1 << 20, 8), 100, 1e-9);
  // 256 KB with words of 256 bytes: 32 macros of 8 KB.
  EXPECT_NEAR(buffer_access_pj(256 << 10, 256), 320, 1e-9);
}

TEST(Energy, BufferAccessIsMonotone) {
  for (int64_t access = 1; access <= 4096; access *= 2) {
    for (int64_t bytes = access; bytes < 1 << 24; bytes *= 2) {
      EXPECT_LE(buffer_access_pj(bytes, access), buffer_access_pj(2 * bytes, access));
      EXPECT_LT(buffer_access_pj(bytes, access), buffer_access_pj(bytes, 2 * access));
    }
  }
}

TEST(Energy, OneStepByHand) {
  ActivityCounts counts;
  counts.gemm_steps = 1;
  const Energy energy = energy_of(HardwareConfig{}, counts);
  EXPECT_NEAR(energy.mac_array, 256 * (0.2 + 0.1 * 0.75), 1e-9);
  EXPECT_NEAR(energy.wgt_buffer, 320, 1e-9);
  EXPECT_NEAR(energy.uop_buffer, 10, 1e-9);  // half a word of 32 KB
  EXPECT_NEAR(energy.inp_buffer, buffer_access_pj(32 << 10, 16), 1e-9);
  EXPECT_NEAR(energy.acc_buffer, 2 * buffer_access_pj(128 << 10, 64), 1e-9);
  EXPECT_NEAR(energy.out_buffer, buffer_access_pj(32 << 10, 16), 1e-9);
  EXPECT_NEAR(energy.control, 0.15, 1e-9);
  EXPECT_EQ(energy.alu, 0);
  EXPECT_EQ(energy.dram, 0);
}

TEST(Energy, EveryCountCosts) {
  const double nothing = energy_of(HardwareConfig{}, ActivityCounts{}).total();
  EXPECT_EQ(nothing, 0);
  for (const auto count :
       {&ActivityCounts::instructions, &ActivityCounts::gemm_steps, &ActivityCounts::gemm_reset_steps,
        &ActivityCounts::alu_steps, &ActivityCounts::alu_tensor_steps, &ActivityCounts::inp_loaded,
        &ActivityCounts::wgt_loaded, &ActivityCounts::acc_loaded, &ActivityCounts::uop_loaded,
        &ActivityCounts::out_stored, &ActivityCounts::dram_read_bytes, &ActivityCounts::dram_written_bytes}) {
    ActivityCounts counts;
    counts.*count = 3;
    EXPECT_GT(energy_of(HardwareConfig{}, counts).total(), 0);
  }
  ActivityCounts traffic;
  traffic.dram_read_bytes = 8;
  EXPECT_NEAR(energy_of(HardwareConfig{}, traffic).dram, 2000, 1e-9);
}

TEST(Fpga, DefaultVta) {
  const FpgaResources resources = fpga_of(HardwareConfig{});
  EXPECT_EQ(resources.dsp, 128 + 16);
  // INP 2x4, WGT 29x2, ACC 8x4, OUT 2x4, UOP 8, queues 3x2.
  EXPECT_EQ(resources.bram36, 8 + 58 + 32 + 8 + 8 + 6);
  HardwareConfig larger;
  larger.log2_batch = 1;
  EXPECT_EQ(fpga_of(larger).dsp, 2 * resources.dsp);
  EXPECT_GT(fpga_of(larger).lut, resources.lut);
}

}  // namespace
}  // namespace arco
