// The finest bins that hold the first batch are chosen; a larger value later merges neighbours until it fits. The
// squared error integrates over each bin as if its values were spread evenly, at kPoints points: for scales from the
// one that saturates nothing to seven powers of two finer, whose steps are down to half a bin.
#include "arco/quant/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "arco/quant/scales.h"

namespace arco {

namespace {
constexpr double kHighestValue = 127;
constexpr int kFinerScales = 7;
constexpr int kPoints = 4;  // in a bin
}  // namespace

void Histogram::add(std::span<const float> values) {
  double largest = 0;
  for (const float x : values) {
    if (std::isfinite(x)) largest = std::max(largest, std::fabs(static_cast<double>(x)));
  }
  if (largest > max_abs_) widen(largest);
  const double bins_per_unit = std::ldexp(1.0, -log2_width_);
  for (const float x : values) {
    if (!std::isfinite(x)) continue;
    if (x == 0) {
      ++zeros_;
    } else {
      ++counts_[static_cast<size_t>(std::fabs(static_cast<double>(x)) * bins_per_unit)];
    }
  }
}

void Histogram::widen(double to) {
  max_abs_ = to;
  if (counts_.empty()) {
    counts_.assign(kBins, 0);
    log2_width_ = std::ilogb(to / kBins);
  }
  for (; std::ldexp(to, -log2_width_) >= kBins; ++log2_width_) {
    for (size_t i = 0; i < kBins / 2; ++i) counts_[i] = counts_[2 * i] + counts_[2 * i + 1];
    std::fill(counts_.begin() + kBins / 2, counts_.end(), 0);
  }
}

double Histogram::quantile(double share) const {
  uint64_t total = zeros_;
  for (const uint64_t count : counts_) total += count;
  const double wanted = share * static_cast<double>(total);
  uint64_t seen = zeros_;
  for (size_t i = 0; i < counts_.size() && static_cast<double>(seen) < wanted; ++i) {
    seen += counts_[i];
    if (static_cast<double>(seen) >= wanted) {
      return std::min(max_abs_, std::ldexp(static_cast<double>(i + 1), log2_width_));
    }
  }
  return static_cast<double>(seen) >= wanted ? 0 : max_abs_;
}

double Histogram::least_error_range() const {
  if (max_abs_ == 0) return 0;
  const int coarsest = largest_exponent(max_abs_, kHighestValue);
  int best = coarsest;
  double least = std::numeric_limits<double>::infinity();
  for (int e = coarsest; e <= coarsest + kFinerScales; ++e) {
    const double error = squared_error(e);
    if (error < least) {
      least = error;
      best = e;
    }
  }
  return std::ldexp(kHighestValue, -best);
}

// In units of the int8 step, then scaled; zeros cost nothing.
double Histogram::squared_error(int exponent) const {
  double sum = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    double error = 0;
    for (int point = 0; point < kPoints; ++point) {
      const double x = std::ldexp(static_cast<double>(i) + (point + 0.5) / kPoints, log2_width_ + exponent);
      const double difference = x - std::min(std::round(x), kHighestValue);
      error += difference * difference;
    }
    sum += static_cast<double>(counts_[i]) * error / kPoints;
  }
  return std::ldexp(sum, -2 * exponent);
}

}  // namespace arco
