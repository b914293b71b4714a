// Operators on single elements: Add, Clip, BatchNorm, Quantize, Dequantize.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array add(const Add& op, const Call& call);
Array clip(const Clip& op, const Call& call);
Array batch_norm(const BatchNorm& op, const Call& call);
Array quantize(const Call& call);
Array dequantize(const Call& call);

// clamp(round_half_away(value * 2^exponent), -127, 127); NaN becomes 0.
int8_t quantize_value(double value, int exponent);

}  // namespace arco::reference
