// How much better than the best so far a configuration is expected to be.
#pragma once

#include <cmath>
#include <numbers>

namespace arco {

// E[max(0, x)] of a normal x with mean `gain` over the best and deviation `spread` > 0 (Jones et al., 1998):
// gain * Phi(z) + spread * phi(z), z = gain / spread.
inline double expected_improvement(double gain, double spread) {
  const double z = gain / spread;
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  const double probability = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  return gain * probability + spread * density;
}

}  // namespace arco
