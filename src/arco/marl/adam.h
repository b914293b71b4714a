// The Adam optimiser (Kingma and Ba, 2015) and the clipping of a gradient's norm.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace arco {

class Adam {
 public:
  explicit Adam(size_t parameters, float epsilon = 1e-5f)
      : epsilon_(epsilon), mean_(parameters, 0.0f), square_(parameters, 0.0f) {}

  // One step against the gradient.
  void step(std::span<float> parameters, std::span<const float> gradient, float learning_rate);

 private:
  static constexpr float kMeanDecay = 0.9f;
  static constexpr float kSquareDecay = 0.999f;

  float epsilon_;
  int64_t steps_ = 0;
  std::vector<float> mean_;
  std::vector<float> square_;
};

// Scales the gradient down to `limit` if it is longer; returns its length before.
float clip_norm(std::span<float> gradient, float limit);

}  // namespace arco
