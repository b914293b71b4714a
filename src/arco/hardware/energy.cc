// Energy = sum over what switches, times how often (45 nm, 0.9 V).
//
//   GEMM step    BATCH*BLOCK_IN*BLOCK_OUT MACs; reads UOP, INP, WGT, ACC; writes ACC, OUT
//   GEMM reset   reads UOP; writes ACC
//   ALU step     BATCH*BLOCK_OUT lanes; reads UOP, ACC (twice with two operands); writes ACC, OUT
//   LOAD, STORE  write or read their entries
//   instruction  passes through its queue; every step generates three addresses
//
// A scratchpad word wider than 64 bits lies across several macros of 64 bits that are accessed together:
//
//   E(access) = E64(buffer bytes / macros) * access bytes / 8,   macros = max(1, access bytes / 8)
//
// E64 interpolates the published points 8 KB, 32 KB, 1 MB on a log-log scale. The constants and their sources:
// cost_constants.h.
#include "arco/hardware/energy.h"

#include <algorithm>
#include <cmath>

#include "arco/hardware/cost_constants.h"

namespace arco {
namespace {

constexpr double kMacPj = kCost.multiply8_energy.value + kCost.add32_energy.value * kCost.adder_tree_share.value;
constexpr double kStepControlPj = kCost.step_additions.value * kCost.add16_energy.value;
constexpr int64_t kInstructionBytes = 16;
constexpr auto kQueueBytes = static_cast<int64_t>(kCost.queue_entries.value) * kInstructionBytes;
constexpr double kSmallBytes = 8 * 1024, kMiddleBytes = 32 * 1024, kLargeBytes = 1024 * 1024;

double sram_word_pj(double bytes) {
  const double size = std::max(bytes, kCost.sram_least_bytes.value);
  const double small = kCost.sram_8k_energy.value, middle = kCost.sram_32k_energy.value;
  if (size <= kMiddleBytes) {
    const double slope = std::log(middle / small) / std::log(kMiddleBytes / kSmallBytes);
    return small * std::pow(size / kSmallBytes, slope);
  }
  const double slope = std::log(kCost.sram_1m_energy.value / middle) / std::log(kLargeBytes / kMiddleBytes);
  return middle * std::pow(size / kMiddleBytes, slope);
}

}  // namespace

double buffer_access_pj(int64_t buffer_bytes, int64_t access_bytes) {
  const double words = static_cast<double>(access_bytes) / 8;
  return sram_word_pj(static_cast<double>(buffer_bytes) / std::max(1.0, words)) * words;
}

Energy energy_of(const HardwareConfig& hw, const ActivityCounts& counts) {
  const auto access = [](int log2_bytes, int64_t element_bytes) {
    return buffer_access_pj(int64_t{1} << log2_bytes, element_bytes);
  };
  const auto times = [](uint64_t count) { return static_cast<double>(count); };
  const uint64_t steps = counts.gemm_steps + counts.gemm_reset_steps + counts.alu_steps;
  Energy energy;
  energy.mac_array = times(counts.gemm_steps) * static_cast<double>(hw.macs_per_step()) * kMacPj;
  energy.alu = times(counts.alu_steps) * hw.batch() * hw.block_out() * kCost.alu_lane_energy.value;
  energy.uop_buffer = times(steps + counts.uop_loaded) * access(hw.log2_uop_buffer, HardwareConfig::kUopElementBytes);
  energy.inp_buffer = times(counts.gemm_steps + counts.inp_loaded) * access(hw.log2_inp_buffer, hw.inp_element_bytes());
  energy.wgt_buffer = times(counts.gemm_steps + counts.wgt_loaded) * access(hw.log2_wgt_buffer, hw.wgt_element_bytes());
  const uint64_t acc_reads = counts.gemm_steps + counts.alu_steps + counts.alu_tensor_steps;
  energy.acc_buffer = times(acc_reads + steps + counts.acc_loaded) * access(hw.log2_acc_buffer, hw.acc_element_bytes());
  // OUT has a quarter of ACC's bytes.
  energy.out_buffer = times(counts.gemm_steps + counts.alu_steps + counts.out_stored) *
                      access(hw.log2_acc_buffer - 2, hw.out_element_bytes());
  energy.control =
      times(steps) * kStepControlPj + times(counts.instructions) * 2 * buffer_access_pj(kQueueBytes, kInstructionBytes);
  energy.dram = times(counts.dram_read_bytes + counts.dram_written_bytes) * kCost.dram_energy.value;
  return energy;
}

}  // namespace arco
