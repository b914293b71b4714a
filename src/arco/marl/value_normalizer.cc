// m <- beta m + (1 - beta) mean(x), likewise for x^2 and for the constant 1; E[x] = m / weight.
#include "arco/marl/value_normalizer.h"

#include <algorithm>
#include <cmath>

namespace arco {
namespace {
constexpr double kLeastVariance = 0.01;
}

void ValueNormalizer::update(std::span<const float> values, std::span<const float> active) {
  double sum = 0, square = 0, count = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += static_cast<double>(active[i]) * values[i];
    square += static_cast<double>(active[i]) * values[i] * values[i];
    count += active[i];
  }
  if (count == 0) return;
  state_.mean = beta_ * state_.mean + (1 - beta_) * sum / count;
  state_.square = beta_ * state_.square + (1 - beta_) * square / count;
  state_.weight = beta_ * state_.weight + (1 - beta_);
}

double ValueNormalizer::mean() const {
  return state_.weight > 0 ? state_.mean / state_.weight : 0;
}

double ValueNormalizer::deviation() const {
  if (state_.weight <= 0) return 1;
  return std::sqrt(std::max(state_.square / state_.weight - mean() * mean(), kLeastVariance));
}

}  // namespace arco
