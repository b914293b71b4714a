#include "arco/quant/grid_scales.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "arco/quant/scales.h"

namespace arco {

namespace {

constexpr int kHighestTotalShift = 30;
constexpr int kFewestBitsBelow = 4;
constexpr int kLeastMultiplier = 128;

}  // namespace

std::optional<SumScales> choose_sum_scales(const Grid& a, const Grid& b, const Grid& y) {
  const double ratio_a = a.step / y.step;
  const double ratio_b = b.step / y.step;
  const int total = std::min(kHighestTotalShift, largest_exponent(std::max(ratio_a, ratio_b), kHighestMultiplier));
  if (total < kFewestBitsBelow) return std::nullopt;
  SumScales result;
  auto& [multipliers, first] = result.scales;
  multipliers = {static_cast<int32_t>(std::round(std::ldexp(ratio_a, total))),
                 static_cast<int32_t>(std::round(std::ldexp(ratio_b, total)))};
  const double zeros = std::ldexp(y.zero, total) - static_cast<double>(a.zero) * multipliers[0] -
                       static_cast<double>(b.zero) * multipliers[1];
  for (result.shift = std::min(total, 15); result.shift >= kFewestBitsBelow; --result.shift) {
    first = total - result.shift;
    result.offset = static_cast<int32_t>(std::round(std::ldexp(zeros, -first)));
    const int64_t immediate = int64_t{result.offset} + (int64_t{1} << (result.shift - 1));
    if (immediate >= INT16_MIN && immediate <= INT16_MAX) return result;
  }
  return std::nullopt;
}

std::optional<MeanScales> choose_mean_scales(int64_t divisor, const Grid& x, const Grid& y) {
  const double ratio = x.step / (y.step * static_cast<double>(divisor));
  const int highest = std::min(kHighestTotalShift, largest_exponent(ratio, kHighestMultiplier));
  for (int shift = highest; shift >= 1; --shift) {
    const double multiplier = std::round(std::ldexp(ratio, shift));
    if (multiplier < kLeastMultiplier) break;
    const double zeros = std::ldexp(y.zero, shift) - static_cast<double>(divisor) * x.zero * multiplier;
    const double worst = static_cast<double>(divisor) * 128 * multiplier + std::fabs(zeros) + std::ldexp(0.5, shift);
    if (worst >= kAccumulatorLimit) continue;
    return MeanScales{static_cast<int32_t>(multiplier), shift, static_cast<int32_t>(zeros)};
  }
  return std::nullopt;
}

}  // namespace arco
