// Operators on single elements: Add, Clip, BatchNorm, Quantize, Dequantize, Unary, Table, Binary, Where, Cast.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array add(const Add& op, const Call& call);
Array clip(const Clip& op, const Call& call);
Array batch_norm(const BatchNorm& op, const Call& call);
Array quantize(const Call& call);
Array dequantize(const Call& call);
Array unary(const Unary& op, const Call& call);
Array table(const Call& call);
Array binary(const Binary& op, const Call& call);
Array where(const Call& call);

// The function on one value.
float apply(const Unary& op, float x);

// The values as another type: to integers truncated and saturated (NaN: 0), between integers wrapped; bool: not 0.
Array convert(const Array& x, DataType to);

// clamp(round_half_away(value * 2^exponent), -127, 127); NaN becomes 0.
int8_t quantize_value(double value, int exponent);
// clamp(round_half_to_even(value / step) + zero, -128, 127) in float32, as QuantizeLinear has it; NaN becomes 0.
int8_t quantize_value(double value, const Grid& grid);

}  // namespace arco::reference
