// A scale for the weights of each output channel: 2^-exponent * multiplier, so that requantisation multiplies by the
// same integer and nothing is lost between the two.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// Exponents of the tensors around a Conv or Dense.
struct NeighbourExponents {
  int input = 0;
  int output = 0;
  std::optional<int> residual;
};

struct ChannelScales {
  int exponent = 0;  // weight w of channel c becomes round(w * 2^exponent / multipliers[c]), within int8
  std::vector<int32_t> multipliers;
  std::vector<int32_t> residual_multipliers;  // empty without a residual
  int shift = 0;                              // before the product
  int product_shift = 1;                      // after it
  int residual_shift = 0;
};

// The finest scales for float weights [CO, ...] and bias [CO] (or nothing) such that no accumulator and no product
// overflows on any input (operators.h, ChannelRequantize); those that the weights bring, where that is possible.
// Nothing if there are none: the output is finer than the accumulator, or a residual is.
std::optional<ChannelScales> choose_channel_scales(const Tensor& weights, const Array* bias,
                                                   const NeighbourExponents& exponents);

// The rounding that is added before the shifts: half a step of the output, and of what the first shift drops.
int64_t channel_offset(int shift, int product_shift, int64_t multiplier);

}  // namespace arco
