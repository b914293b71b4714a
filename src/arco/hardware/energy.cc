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
// E64 interpolates the published points 8 KB, 32 KB, 1 MB on a log-log scale. Sources: Horowitz, ISSCC 2014
// (arithmetic, SRAM, DRAM). Constants marked "chosen" are ours and explained in docs/cost-model.md.
#include "arco/hardware/energy.h"

#include <algorithm>
#include <cmath>

namespace arco {
namespace {

// pJ at 45 nm, 0.9 V.
constexpr double kMultiply8Pj = 0.2;           // 8-bit integer multiply (Horowitz)
constexpr double kAdd32Pj = 0.1;               // 32-bit integer add (Horowitz)
constexpr double kAdd16Pj = 0.05;              // 16-bit integer add (Horowitz)
constexpr double kAdderTreeShare = 24.0 / 32;  // chosen: as for the area of a MAC
constexpr double kMacPj = kMultiply8Pj + kAdd32Pj * kAdderTreeShare;
constexpr double kAluLanePj = kAdd32Pj;          // chosen: an ALU operation costs about an addition
constexpr double kStepControlPj = 3 * kAdd16Pj;  // chosen: dst, src and wgt index, one addition each
constexpr double kDramPerBytePj = 2000.0 / 8;    // 64 bits cost 1300 to 2600 pJ (Horowitz), 2000 taken
constexpr int64_t kQueueBytes = 512 * 16;        // an instruction queue: 512 entries of 128 bits
constexpr int64_t kInstructionBytes = 16;

// SRAM, 64 bits (Horowitz).
constexpr double kSmallBytes = 8 * 1024, kSmallPj = 10;
constexpr double kMiddleBytes = 32 * 1024, kMiddlePj = 20;
constexpr double kLargeBytes = 1024 * 1024, kLargePj = 100;
constexpr double kLeastBytes = 1024;  // chosen: smaller macros do not cost less, sense amplifiers and decoders remain

double sram_word_pj(double bytes) {
  const double size = std::max(bytes, kLeastBytes);
  if (size <= kMiddleBytes) {
    const double slope = std::log(kMiddlePj / kSmallPj) / std::log(kMiddleBytes / kSmallBytes);
    return kSmallPj * std::pow(size / kSmallBytes, slope);
  }
  const double slope = std::log(kLargePj / kMiddlePj) / std::log(kLargeBytes / kMiddleBytes);
  return kMiddlePj * std::pow(size / kMiddleBytes, slope);
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
  energy.alu = times(counts.alu_steps) * hw.batch() * hw.block_out() * kAluLanePj;
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
  energy.dram = times(counts.dram_read_bytes + counts.dram_written_bytes) * kDramPerBytePj;
  return energy;
}

}  // namespace arco
