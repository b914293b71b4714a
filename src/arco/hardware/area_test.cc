#include "arco/hardware/area.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "arco/base/file.h"
#include "arco/hardware/cost_constants.h"

namespace arco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// By hand from the table of docs/cost-model.md.
TEST(Area, DefaultVtaAddsUp) {
  const Area area = area_of(HardwareConfig{});
  EXPECT_NEAR(area.mac_array, 256 * (282 + 137 * 0.75 + 28 * 4.5) * 1e-6, 1e-12);
  EXPECT_NEAR(area.alu, 16 * 900e-6, 1e-12);
  EXPECT_NEAR(area.inp_buffer, 32768 * 8 * 0.55e-6, 1e-12);
  EXPECT_NEAR(area.wgt_buffer, 262144 * 8 * 0.55e-6, 1e-12);
  EXPECT_NEAR(area.acc_buffer, 131072 * 8 * 0.8e-6, 1e-12);
  EXPECT_NEAR(area.out_buffer, 32768 * 8 * 0.8e-6, 1e-12);
  EXPECT_NEAR(area.uop_buffer, 32768 * 8 * 0.55e-6, 1e-12);
  EXPECT_NEAR(area.dma, 2 * 8 * 3000e-6, 1e-12);
  EXPECT_NEAR(area.control, 60000e-6 + 3 * 512 * 128 * 0.8e-6, 1e-12);
  // The sense check of the model: memory dominates, multipliers are under a tenth.
  EXPECT_LT(area.mac_array, 0.1 * area.total());
  EXPECT_EQ(relative_area(HardwareConfig{}), 1.0);
  EXPECT_EQ(buffer_bytes(HardwareConfig{}), 32768 + 262144 + 131072 + 32768 + 32768);
}

// The table of docs/cost-model.md and the constants say the same.
TEST(CostConstants, StandInTheDocumentation) {
  const std::string table = read_text_file(std::filesystem::path(ARCO_SOURCE_DIR) / "docs" / "cost-model.md");
  for (const CostConstant& constant : all_cost_constants()) {
    EXPECT_GT(constant.value, 0) << constant.name;
    EXPECT_THAT(table, HasSubstr(fmt::format("| {} | {} {} | {} |", constant.name, constant.value, constant.unit,
                                             constant.source)));
  }
}

TEST(Area, MonotoneInEverySize) {
  const std::vector<int HardwareConfig::*> sizes = {&HardwareConfig::log2_batch,      &HardwareConfig::log2_block_in,
                                                    &HardwareConfig::log2_block_out,  &HardwareConfig::log2_uop_buffer,
                                                    &HardwareConfig::log2_inp_buffer, &HardwareConfig::log2_wgt_buffer,
                                                    &HardwareConfig::log2_acc_buffer};
  for (const auto size : sizes) {
    HardwareConfig hw;
    hw.*size = 1;
    double previous = area_of(hw).total();
    for (int value = 2; value <= 24; ++value) {
      hw.*size = value;
      if (value > 12 && size != sizes[3] && size != sizes[4] && size != sizes[5] && size != sizes[6]) break;
      const double now = area_of(hw).total();
      EXPECT_GT(now, previous) << hw.to_string();
      previous = now;
    }
  }
  HardwareConfig wide;
  wide.bus_bits = 128;
  EXPECT_GT(relative_area(wide), 1.0);
}

TEST(Budget, DefaultAdmitsTheDefaultVtaOnly) {
  const Budget budget = default_budget();
  HardwareConfig hw;
  EXPECT_THAT(budget.violations(hw), IsEmpty());
  hw.log2_wgt_buffer = 19;
  hw.bus_bits = 128;
  EXPECT_THAT(budget.violations(hw), ElementsAre(HasSubstr("mm^2 needed"), HasSubstr("128 bits needed, 64 allowed")));
}

TEST(Budget, AbsentLimitsDoNotBind) {
  HardwareConfig hw;
  hw.bus_bits = 512;
  EXPECT_THAT(Budget{}.violations(hw), IsEmpty());
  Budget budget;
  budget.buffer_bytes = 491519;
  EXPECT_THAT(budget.violations(hw), ElementsAre("buffers: 491520 bytes needed, 491519 allowed"));
}

TEST(Budget, LimitsTheFpgaAndTheEnergyOfARun) {
  const HardwareConfig hw;
  Budget budget;
  budget.dsp = 144;
  budget.bram36 = 119;
  budget.lut = 1000;
  EXPECT_THAT(budget.violations(hw), ElementsAre("BRAM36: 120 needed, 119 allowed", HasSubstr("LUT (estimate)")));
  EXPECT_EQ(budget.energy_violation(1e9), "");
  budget.energy_pj = 2e6;
  EXPECT_EQ(budget.energy_violation(2e6), "");
  EXPECT_EQ(budget.energy_violation(5e6), "energy: 5 uJ needed, 2 allowed");
}

}  // namespace
}  // namespace arco
