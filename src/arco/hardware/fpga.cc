// DSP: two int8 multiplications that share an operand fit one DSP48E2 (Xilinx white paper WP486). In the GEMM core an
// input is shared by two output channels, or a weight by two batch rows. One more per ALU lane for its multiplier.
//
// BRAM36: 512 words of 72 bits, or 1024 of 36. A buffer takes columns for its width and rows for its depth:
//   blocks = ceil(element bits / 72) * ceil(depth / 512)
#include "arco/hardware/fpga.h"

#include "arco/hardware/cost_constants.h"

namespace arco {
namespace {

constexpr int64_t kWideBits = 72, kWideDepth = 512;
constexpr int64_t kNarrowBits = 36, kNarrowDepth = 1024;
constexpr int64_t kQueueBits = 128;

constexpr int64_t count(const CostConstant& constant) {
  return static_cast<int64_t>(constant.value);
}

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
  resources.dsp = (shares ? macs / count(kCost.macs_per_dsp) : macs) + lanes;
  resources.bram36 =
      blocks(8 * hw.inp_element_bytes(), hw.inp_depth()) + blocks(8 * hw.wgt_element_bytes(), hw.wgt_depth()) +
      blocks(8 * hw.acc_element_bytes(), hw.acc_depth()) + blocks(8 * hw.out_element_bytes(), hw.acc_depth()) +
      blocks(8 * HardwareConfig::kUopElementBytes, hw.uop_depth()) +
      count(kCost.queues) * blocks(kQueueBits, count(kCost.queue_entries));
  resources.lut = macs * count(kCost.lut_per_mac) + lanes * count(kCost.lut_per_lane) +
                  hw.bus_bits / 8 * count(kCost.lut_per_bus_byte) + count(kCost.lut_control);
  return resources;
}

}  // namespace arco
