// A scale for the weights of each output channel: unit * multiplier, so that requantisation multiplies by the same
// integer and nothing is lost between the two.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// The tensors around a Conv or Dense.
struct Neighbours {
  Grid input, output;
  std::optional<Grid> residual;
  bool has_grids = false;  // else all are powers of two without zero points
};

struct ChannelScales {
  // Weight w of channel c becomes round(w / steps[c]), within int8: unit * multipliers[c], or a step nearby that the
  // weights bring.
  //   unit = step of the output / step of the input * 2^-(shift + product_shift)
  double unit = 1;
  std::vector<double> steps;
  std::vector<int32_t> multipliers;
  std::vector<int32_t> residual_multipliers;  // empty without a residual
  int shift = 0;                              // before the product
  int product_shift = 1;                      // after it
  int residual_shift = 0;
};

// The finest scales for float weights [CO, ...] and bias [CO] (or nothing) such that no accumulator and no product
// overflows on any input (operators.h, ChannelRequantize); those that the weights bring, where that is possible.
// Nothing if there are none: the output is finer than the accumulator, or a residual is; with grids also if results
// could be off by more than half a step.
//
// Without grids a residual enters the accumulator exactly: multipliers are powers of two then. With grids its
// multiplier is the nearest whole number, and the scales are those whose results are off by least.
std::optional<ChannelScales> choose_channel_scales(const Tensor& weights, const Array* bias,
                                                   const Neighbours& neighbours);

// What is added before the shifts: half a step of the output, of what the first shift drops, and the zero point.
int64_t channel_offset(int shift, int product_shift, int64_t multiplier, int32_t zero);

}  // namespace arco
