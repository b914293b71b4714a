// DSP: two int8 multiplications that share an operand fit one DSP48E2 (Xilinx white paper WP486). In the GEMM core an
// input is shared by two output channels, or a weight by two batch rows. One more per ALU lane for its multiplier.
//
// BRAM36: 512 words of 72 bits, or 1024 of 36. A buffer takes columns for its width and rows for its depth:
//   blocks = ceil(element bits / 72) * ceil(depth / 512)
#include "arco/hardware/fpga.h"

namespace arco {
namespace {

constexpr int64_t kWideBits = 72, kWideDepth = 512;
constexpr int64_t kNarrowBits = 36, kNarrowDepth = 1024;
constexpr int64_t kQueues = 3, kQueueBits = 128, kQueueDepth = 512;
// Chosen; no counts of the public design are published.
constexpr int64_t kLutPerMac = 16;       // adder tree outside the DSP
constexpr int64_t kLutPerLane = 200;     // 32-bit add, compare, shift and their selection
constexpr int64_t kLutPerBusByte = 150;  // both directions
constexpr int64_t kLutControl = 8000;

int64_t divide_up(int64_t value, int64_t by) {
  return (value + by - 1) / by;
}

int64_t blocks(int64_t element_bits, int64_t depth) {
  if (element_bits <= kNarrowBits) return divide_up(depth, kNarrowDepth);
  return divide_up(element_bits, kWideBits) * divide_up(depth, kWideDepth);
}

}  // namespace

FpgaResources fpga_of(const HardwareConfig& hw) {
  const int64_t macs = hw.macs_per_step();
  const int64_t lanes = int64_t{hw.batch()} * hw.block_out();
  const bool shares = lanes >= 2;
  FpgaResources resources;
  resources.dsp = (shares ? macs / 2 : macs) + lanes;
  resources.bram36 =
      blocks(8 * hw.inp_element_bytes(), hw.inp_depth()) + blocks(8 * hw.wgt_element_bytes(), hw.wgt_depth()) +
      blocks(8 * hw.acc_element_bytes(), hw.acc_depth()) + blocks(8 * hw.out_element_bytes(), hw.acc_depth()) +
      blocks(8 * HardwareConfig::kUopElementBytes, hw.uop_depth()) + kQueues * blocks(kQueueBits, kQueueDepth);
  resources.lut = macs * kLutPerMac + lanes * kLutPerLane + hw.bus_bits / 8 * kLutPerBusByte + kLutControl;
  return resources;
}

}  // namespace arco
