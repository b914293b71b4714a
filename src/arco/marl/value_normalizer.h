// Keeps the critic's targets near mean 0 and variance 1, whatever the scale of the rewards.
#pragma once

#include <span>

namespace arco {

// Exponential averages of mean and mean square, both divided by the weight gathered so far, so that they are plain
// averages in the beginning.
class ValueNormalizer {
 public:
  explicit ValueNormalizer(double beta = 0.99) : beta_(beta) {}

  // Entries with active = 0 do not count.
  void update(std::span<const float> values, std::span<const float> active);
  double mean() const;
  double deviation() const;  // at least 0.1: variances below 0.01 are noise
  float normalise(float value) const { return static_cast<float>((value - mean()) / deviation()); }
  float denormalise(float value) const { return static_cast<float>(value * deviation() + mean()); }

  struct State {
    double mean = 0;
    double square = 0;
    double weight = 0;
  };
  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  double beta_;
  State state_;
};

}  // namespace arco
