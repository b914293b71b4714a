// Area adds up from standard cells and SRAM macros at 45 nm:
//
//   GEMM array   BATCH * BLOCK_IN * BLOCK_OUT multipliers, each with its share of the adder tree and its registers
//   ALU          BATCH * BLOCK_OUT lanes
//   buffers      bits * effective cell area (one or two ports), plus a periphery term for small ones
//   DMA          per byte of the memory interface, once for reading and once for writing
//   control      fetch and decode, plus the three instruction queues, which are memories
//
// Sources: Horowitz, "Computing's energy problem", ISSCC 2014; Dally, NIPS 2015 tutorial (cell areas of arithmetic);
// Nangate 45 nm open cell library (flip-flop); published 45 nm 6T SRAM cell. Constants marked "chosen" are ours and
// explained in docs/cost-model.md.
#include "arco/hardware/area.h"

#include <fmt/format.h>

#include "arco/hardware/fpga.h"

namespace arco {
namespace {

// um^2 at 45 nm.
constexpr double kMultiply8Um2 = 282;          // 8-bit integer multiplier (Horowitz, Dally)
constexpr double kAdd32Um2 = 137;              // 32-bit integer adder (Horowitz, Dally)
constexpr double kAdderTreeShare = 24.0 / 32;  // chosen: a tree of 16..24-bit adders, one per multiplier
constexpr double kFlipFlopUm2 = 4.5;           // one bit (Nangate DFF_X1)
constexpr double kRegisterBitsPerMac = 28;     // chosen: two 8-bit operands and a part of the pipeline register
constexpr double kMacUm2 = kMultiply8Um2 + kAdd32Um2 * kAdderTreeShare + kRegisterBitsPerMac * kFlipFlopUm2;
constexpr double kAluLaneUm2 = 900;               // chosen: 32-bit add, compare and shift, and an 8x8 multiplier
constexpr double kSramBitUm2 = 0.55;              // chosen: 0.346 um^2 6T cell at about 63 % array efficiency, one port
constexpr double kSramTwoPortBitUm2 = 0.8;        // chosen: 1.45 times, one read and one write port
constexpr int64_t kSmallMacroBytes = 4096;        // below this, periphery no longer disappears in the array
constexpr double kSmallMacroPeripheryUm2 = 6000;  // chosen: less than what 2 KB of cells take, so area stays monotone
constexpr double kDmaByteUm2 = 3000;              // chosen: per byte of interface width and direction
constexpr double kControlUm2 = 60000;             // chosen: fetch, decode, address generation
constexpr int64_t kQueueBytes = 512 * 16;         // one instruction queue: 512 entries of 128 bits
constexpr int kQueues = 3;                        // load, compute, store
constexpr double kUm2PerMm2 = 1e6;

double sram_mm2(int64_t bytes, double bit_um2) {
  const double periphery = bytes < kSmallMacroBytes ? kSmallMacroPeripheryUm2 : 0;
  return (static_cast<double>(bytes) * 8 * bit_um2 + periphery) / kUm2PerMm2;
}

// OUT mirrors ACC entry for entry with 8 instead of 32 bits.
int64_t out_buffer_bytes(const HardwareConfig& hw) {
  return (int64_t{1} << hw.log2_acc_buffer) / 4;
}

}  // namespace

Area area_of(const HardwareConfig& hw) {
  Area area;
  area.mac_array = static_cast<double>(hw.macs_per_step()) * kMacUm2 / kUm2PerMm2;
  area.alu = hw.batch() * hw.block_out() * kAluLaneUm2 / kUm2PerMm2;
  area.inp_buffer = sram_mm2(int64_t{1} << hw.log2_inp_buffer, kSramBitUm2);
  area.wgt_buffer = sram_mm2(int64_t{1} << hw.log2_wgt_buffer, kSramBitUm2);
  area.acc_buffer = sram_mm2(int64_t{1} << hw.log2_acc_buffer, kSramTwoPortBitUm2);
  area.out_buffer = sram_mm2(out_buffer_bytes(hw), kSramTwoPortBitUm2);
  area.uop_buffer = sram_mm2(int64_t{1} << hw.log2_uop_buffer, kSramBitUm2);
  area.dma = 2 * (hw.bus_bits / 8) * kDmaByteUm2 / kUm2PerMm2;
  area.control = kControlUm2 / kUm2PerMm2 + kQueues * sram_mm2(kQueueBytes, kSramTwoPortBitUm2);
  return area;
}

double relative_area(const HardwareConfig& hw) {
  return area_of(hw).total() / area_of(HardwareConfig{}).total();
}

int64_t buffer_bytes(const HardwareConfig& hw) {
  return (int64_t{1} << hw.log2_uop_buffer) + (int64_t{1} << hw.log2_inp_buffer) + (int64_t{1} << hw.log2_wgt_buffer) +
         (int64_t{1} << hw.log2_acc_buffer) + out_buffer_bytes(hw);
}

std::vector<std::string> Budget::violations(const HardwareConfig& hw) const {
  std::vector<std::string> broken;
  // A limit given as the printed area of a design must not reject that design for a rounded digit.
  constexpr double kTolerance = 1e-9;
  if (const double needed = area_of(hw).total(); area_mm2 && !(needed <= *area_mm2 * (1 + kTolerance))) {
    broken.push_back(fmt::format("area: {:.4f} mm^2 needed, {:.4f} allowed", needed, *area_mm2));
  }
  if (const int64_t needed = arco::buffer_bytes(hw); buffer_bytes && needed > *buffer_bytes) {
    broken.push_back(fmt::format("buffers: {} bytes needed, {} allowed", needed, *buffer_bytes));
  }
  if (bus_bits && hw.bus_bits > *bus_bits) {
    broken.push_back(fmt::format("memory interface: {} bits needed, {} allowed", hw.bus_bits, *bus_bits));
  }
  const FpgaResources fpga = fpga_of(hw);
  const auto limit = [&](const char* what, int64_t needed, const std::optional<int64_t>& allowed) {
    if (allowed && needed > *allowed)
      broken.push_back(fmt::format("{}: {} needed, {} allowed", what, needed, *allowed));
  };
  limit("DSP", fpga.dsp, dsp);
  limit("BRAM36", fpga.bram36, bram36);
  limit("LUT (estimate)", fpga.lut, lut);
  return broken;
}

std::string Budget::energy_violation(double pj) const {
  if (!energy_pj || pj <= *energy_pj) return "";
  return fmt::format("energy: {:.4g} uJ needed, {:.4g} allowed", pj * 1e-6, *energy_pj * 1e-6);
}

Budget default_budget() {
  const HardwareConfig hw;
  Budget budget;
  budget.area_mm2 = area_of(hw).total();
  budget.bus_bits = hw.bus_bits;
  return budget;
}

}  // namespace arco
