// m <- 0.9 m + 0.1 g, v <- 0.999 v + 0.001 g^2, theta <- theta - rate * m' / (sqrt(v') + eps), where m' and v' are
// divided by 1 - 0.9^t and 1 - 0.999^t, since both averages start at zero.
#include "arco/marl/adam.h"

#include <cmath>

#include "arco/base/error.h"

namespace arco {

void Adam::step(std::span<float> parameters, std::span<const float> gradient, float learning_rate) {
  ARCO_CHECK(parameters.size() == mean_.size() && gradient.size() == mean_.size(), "Adam for {} parameters got {}",
             mean_.size(), parameters.size());
  ++steps_;
  const double mean_correction = 1 - std::pow(static_cast<double>(kMeanDecay), static_cast<double>(steps_));
  const double square_correction = 1 - std::pow(static_cast<double>(kSquareDecay), static_cast<double>(steps_));
  const float rate = static_cast<float>(learning_rate / mean_correction);
  const float square_scale = static_cast<float>(1 / std::sqrt(square_correction));
  for (size_t i = 0; i < mean_.size(); ++i) {
    mean_[i] = kMeanDecay * mean_[i] + (1 - kMeanDecay) * gradient[i];
    square_[i] = kSquareDecay * square_[i] + (1 - kSquareDecay) * gradient[i] * gradient[i];
    parameters[i] -= rate * mean_[i] / (std::sqrt(square_[i]) * square_scale + epsilon_);
  }
}

float clip_norm(std::span<float> gradient, float limit) {
  double sum = 0;
  for (const float value : gradient) sum += static_cast<double>(value) * value;
  const float norm = static_cast<float>(std::sqrt(sum));
  if (norm > limit) {
    const float scale = limit / norm;
    for (float& value : gradient) value *= scale;
  }
  return norm;
}

}  // namespace arco
