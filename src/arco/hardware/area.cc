// Area adds up from standard cells and SRAM macros at 45 nm:
//
//   GEMM array   BATCH * BLOCK_IN * BLOCK_OUT multipliers, each with its share of the adder tree and its registers
//   ALU          BATCH * BLOCK_OUT lanes
//   buffers      bits * effective cell area (one or two ports), plus a periphery term for small ones
//   DMA          per byte of the memory interface, once for reading and once for writing
//   control      fetch and decode, plus the three instruction queues, which are memories
//
// The constants and their sources: cost_constants.h.
#include "arco/hardware/area.h"

#include <fmt/format.h>

#include "arco/hardware/cost_constants.h"
#include "arco/hardware/fpga.h"

namespace arco {
namespace {

constexpr double kUm2PerMm2 = 1e6;
constexpr double kMacUm2 = kCost.multiply8_area.value + kCost.add32_area.value * kCost.adder_tree_share.value +
                           kCost.mac_register_bits.value * kCost.flip_flop_area.value;
constexpr double kBytesPerQueueEntry = 16;

double sram_mm2(double bytes, const CostConstant& bit_area) {
  const double periphery = bytes < kCost.small_macro_bytes.value ? kCost.small_macro_area.value : 0;
  return (bytes * 8 * bit_area.value + periphery) / kUm2PerMm2;
}
double buffer_mm2(int log2_bytes, const CostConstant& bit_area) {
  return sram_mm2(static_cast<double>(int64_t{1} << log2_bytes), bit_area);
}

// OUT mirrors ACC entry for entry with 8 instead of 32 bits.
int64_t out_buffer_bytes(const HardwareConfig& hw) {
  return (int64_t{1} << hw.log2_acc_buffer) / 4;
}

}  // namespace

Area area_of(const HardwareConfig& hw) {
  Area area;
  area.mac_array = static_cast<double>(hw.macs_per_step()) * kMacUm2 / kUm2PerMm2;
  area.alu = hw.batch() * hw.block_out() * kCost.alu_lane_area.value / kUm2PerMm2;
  area.inp_buffer = buffer_mm2(hw.log2_inp_buffer, kCost.sram_bit_area);
  area.wgt_buffer = buffer_mm2(hw.log2_wgt_buffer, kCost.sram_bit_area);
  area.acc_buffer = buffer_mm2(hw.log2_acc_buffer, kCost.sram_two_port_bit_area);
  area.out_buffer = sram_mm2(static_cast<double>(out_buffer_bytes(hw)), kCost.sram_two_port_bit_area);
  area.uop_buffer = buffer_mm2(hw.log2_uop_buffer, kCost.sram_bit_area);
  area.dma = 2 * (hw.bus_bits / 8) * kCost.dma_area.value / kUm2PerMm2;
  area.control =
      kCost.control_area.value / kUm2PerMm2 +
      kCost.queues.value * sram_mm2(kCost.queue_entries.value * kBytesPerQueueEntry, kCost.sram_two_port_bit_area);
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
