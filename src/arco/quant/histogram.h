// How often a tensor's absolute values fell where, for calibration.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace arco {

// Bins of equal width over [0, kBins * width); the width is a power of two and doubles when a larger value arrives, so
// the result does not depend on how values are spread over calls. Not finite values are left out.
class Histogram {
 public:
  static constexpr int kBins = 4096;

  void add(std::span<const float> values);

  // The largest absolute value seen; 0 if there was none but zeros.
  double max_abs() const { return max_abs_; }
  // The upper edge of the bin in which the given share (0 to 1) of all values is reached, never above max_abs().
  double quantile(double share) const;
  // The range 127 * 2^-e whose int8 values round(x * 2^e) have the least squared error, saturation at 127 included.
  double least_error_range() const;

 private:
  void widen(double to);
  double squared_error(int exponent) const;

  std::vector<uint64_t> counts_;  // empty until the first value that is not 0
  uint64_t zeros_ = 0;
  int log2_width_ = 0;
  double max_abs_ = 0;
};

}  // namespace arco
