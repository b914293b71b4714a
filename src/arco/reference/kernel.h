// What every operator of the interpreter receives, and the one way an accumulator becomes int8.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "arco/base/error.h"
#include "arco/graph/graph.h"

namespace arco::reference {

// The arguments of one node. Shapes are those of shape inference.
struct Call {
  std::vector<const Array*> inputs;  // nullptr where an optional input is absent
  Shape output_shape;
  const Requantize* requantize = nullptr;  // set: int8 operands, int32 accumulator
  int input_exponent = 0;                  // of the first input (Dequantize)
  int output_exponent = 0;                 // of the output (Quantize)
  std::optional<Grid> input_grid;          // of the first input, if it is int8 and has one (Dequantize, padding)
  std::optional<Grid> output_grid;         // of the output (Quantize)

  // The required input `index`; InternalError when it is absent.
  const Array& input(size_t index) const {
    ARCO_CHECK(index < inputs.size() && inputs[index] != nullptr, "input {} is missing", index);
    return *inputs[index];
  }
  // An optional input, nullptr when absent.
  const Array* optional_input(size_t index) const { return index < inputs.size() ? inputs[index] : nullptr; }
};

// Two's complement arithmetic that wraps, as the accelerator's adders do.
inline int32_t wrap_add(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}
inline int32_t wrap_multiply(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
}
// `shift` in [0, 31].
inline int32_t wrap_shift_left(int32_t value, int shift) {
  return static_cast<int32_t>(static_cast<uint32_t>(value) << shift);
}

// y = clamp((acc + zeros.offset + rounding) >> shift, low, high), rounding = 2^(shift-1); a negative shift goes left,
// without both.
inline int8_t requantize(int32_t acc, const Requantize& r) {
  int32_t value = acc;
  if (r.shift > 0) value = wrap_add(wrap_add(acc, r.zeros.offset), int32_t{1} << (r.shift - 1)) >> r.shift;
  if (r.shift < 0) value = wrap_shift_left(acc, -r.shift);
  value = value < r.low ? r.low : value;
  return static_cast<int8_t>(value > r.high ? r.high : value);
}

// The same for output channel c of a node with a scale for each channel (operators.h, ChannelRequantize).
inline int8_t requantize(int32_t acc, const Requantize& r, size_t c) {
  if (!r.channels) return requantize(acc, r);
  const int32_t m = r.channels->multipliers[c];
  const int64_t half = int64_t{1} << (r.shift + r.channels->shift - 1);
  const int64_t numerator = half + 2 * half * r.zeros.output + m / 2;
  int64_t offset = numerator / m - (numerator % m < 0 ? 1 : 0);  // rounded down
  if (r.shift > 0) offset += int64_t{1} << (r.shift - 1);
  const int32_t a = wrap_add(acc, static_cast<int32_t>(offset)) >> r.shift;
  const int32_t value = wrap_multiply(a, m) >> r.channels->shift;
  return static_cast<int8_t>(value < r.low ? r.low : value > r.high ? r.high : value);
}
// A residual in the units of the accumulator of channel c.
inline int32_t scale_residual(int8_t value, const Requantize& r, size_t c) {
  return wrap_shift_left(r.channels ? value * r.channels->residual_multipliers[c] : value, r.residual_shift);
}

// Throws InternalError for shifts outside [-31, 31] ([0, 31] for those of operands and of channels), for bounds and
// zero points outside int8, and for multipliers out of their range or of another number than the output's channels.
void check_requantize(const Requantize& r, const Shape& output_shape);

// Limits to [low, high]; NaN stays NaN.
inline float apply(const Clamp& clamp, float value) {
  value = value < clamp.low ? clamp.low : value;
  return value > clamp.high ? clamp.high : value;
}

}  // namespace arco::reference
