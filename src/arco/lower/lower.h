// Workload x Schedule x HardwareConfig -> Program.
#pragma once

#include <vector>

#include "arco/graph/graph.h"
#include "arco/hardware/hardware_config.h"
#include "arco/isa/program.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"

namespace arco {

// The requantisation of a layer's sums, and of its stage: of averages in a pool stage, whose shift is beyond
// kImmediateShift, or of an addition stage, whose first operand are the layer's own results.
struct LayerNumbers {
  Requantize sums;
  Requantize stage{};
};

// The program has its own compact DRAM map: input, residual, weight, bias, output, micro-ops, instructions, as far as
// the workload has them, from the second page on; relocate() moves it. Layouts: input_layout() and output_layout();
// the residual (or other operand of an addition) is laid out as the output; weights [CO/o][CI/i][KH][KW][o][i]; bias
// int32 [CO/o][row][batch][o] with the rows of bias_rows(). Average pooling has a bias segment of one element.
//
// `numbers` must agree with the workload's epilogue (shift_out, shift_residual, symmetric_clamp, channel_scales).
// The schedule must be legal (why_illegal()); InternalError otherwise.
Program lower(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware,
              const LayerNumbers& numbers);

// 2^(shift-1), the constant that makes the right shift round half up; 0 for left shifts.
int32_t rounding_of(int shift);

// What a convolution's epilogue adds to and multiplies with each output channel; row [r][co]:
//   0  the bias (0 if there is none) with rounding and zero point of the requantisation added, wrapping
//   1  with a scale for each channel: its multiplier
//   2  with a residual as well: the residual's multiplier
std::vector<std::vector<int32_t>> bias_rows(const Array* bias, const Requantize& numbers, int64_t channels);

// Numbers of the workload's epilogue shape, for measuring without a network: any others give the same cycles.
LayerNumbers typical_numbers(const Workload& workload);

}  // namespace arco
