// Requantisation between tensors on grids of any step and zero point (graph.h), for sums and means. That of
// convolutions is in channel_scales.h.
#pragma once

#include <cstdint>
#include <optional>

#include "arco/graph/graph.h"

namespace arco {

// y = clamp((((a * multipliers[0] + b * multipliers[1]) >> scales.shift) + offset + 2^(shift-1)) >> shift)
// approximates a + b, with z the zero points and t = scales.shift + shift:
//   multipliers[i] = step_i / step_y * 2^t, at most 15 bits
//   offset         = (zy * 2^t - za * multipliers[0] - zb * multipliers[1]) / 2^scales.shift
// Offset and rounding fit in 16 bits together, as the hardware's immediates do. Nothing if that leaves fewer than 4
// bits below the result's last one.
struct SumScales {
  AddScales scales;
  int shift = 1;
  int32_t offset = 0;
};
std::optional<SumScales> choose_sum_scales(const Grid& a, const Grid& b, const Grid& y);

// y = clamp(((sum x) * multiplier + offset + 2^(shift-1)) >> shift) approximates the mean of `divisor` values:
//   multiplier = step_x / (step_y * divisor) * 2^shift, the largest of at most 15 bits with which nothing overflows
//   offset     = zy * 2^shift - divisor * zx * multiplier
// Nothing if the multiplier has fewer than 8 bits.
struct MeanScales {
  int32_t multiplier = 1;
  int shift = 1;
  int32_t offset = 0;
};
std::optional<MeanScales> choose_mean_scales(int64_t divisor, const Grid& x, const Grid& y);

}  // namespace arco
