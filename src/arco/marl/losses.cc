// Clipped surrogate: Schulman et al., "Proximal policy optimization algorithms" (2017). Gradients by the logits z of
// a head with probabilities p, chosen move a and entropy H:
//   d log p_a / d z_j = [j = a] - p_j        dH / d z_j = -p_j (log p_j + H)
// and -min(rho A, clip(rho) A) has the derivative -A rho by log p_a, or 0 where the clipped branch is the smaller one.
// Advantages: Schulman et al., "High-dimensional continuous control using generalized advantage estimation" (2016).
#include "arco/marl/losses.h"

#include <algorithm>
#include <cmath>

#include "arco/base/error.h"
#include "arco/marl/policy.h"

namespace arco {
namespace {

double active_count(std::span<const float> active) {
  double count = 0;
  for (const float a : active) count += a;
  return std::max(count, 1.0);
}

struct Surrogate {
  double loss;
  float derivative;  // by the log-probability
  bool clipped;
};

Surrogate clipped_surrogate(float ratio, float advantage, float clip) {
  const float bounded = std::clamp(ratio, 1 - clip, 1 + clip);
  const bool cut = bounded * advantage < ratio * advantage;
  return {-std::min(ratio * advantage, bounded * advantage), cut ? 0.0f : -advantage * ratio, bounded != ratio};
}

// Ratios far from 1 carry no information, but their exponential must stay finite.
float probability_ratio(float log_difference) {
  return std::exp(std::clamp(log_difference, -20.0f, 20.0f));
}

struct Huber {
  float loss;
  float derivative;  // by the error
};

Huber huber(float error, float delta) {
  if (std::abs(error) <= delta) return {0.5f * error * error, error};
  return {delta * (std::abs(error) - 0.5f * delta), error > 0 ? delta : -delta};
}

}  // namespace

PolicyLoss policy_loss(const Matrix& logits, const PolicySamples& samples, const PolicyLossOptions& options,
                       Matrix& gradient) {
  const Eigen::Index heads = samples.moves.rows(), count = logits.cols();
  ARCO_CHECK(logits.rows() == kMoves * heads && samples.moves.cols() == count, "logits {} x {} for {} heads",
             logits.rows(), count, heads);
  gradient.setZero(logits.rows(), count);
  PolicyLoss result;
  result.ratio.assign(count, 1.0f);
  const double scale = 1 / active_count(samples.active);
  std::vector<HeadDistribution> head(heads);
  std::vector<float> difference(heads);
  double surrogate_sum = 0;
  for (Eigen::Index s = 0; s < count; ++s) {
    if (samples.active[s] == 0) continue;
    float joint = 0;
    for (Eigen::Index h = 0; h < heads; ++h) {
      head[h] = head_distribution(&logits(kMoves * h, s), &samples.masks(kMoves * h, s));
      difference[h] = head[h].log_probability[samples.moves(h, s)] - samples.old_log_probabilities(h, s);
      joint += difference[h];
    }
    const float advantage = samples.advantages[s];
    result.ratio[s] = probability_ratio(joint);
    result.kl += result.ratio[s] - 1.0f - std::clamp(joint, -20.0f, 20.0f);
    Surrogate surrogate = clipped_surrogate(result.ratio[s], advantage, options.clip);
    if (!options.ratio_per_head) {
      surrogate_sum += surrogate.loss;
      result.clipped += surrogate.clipped;
    }
    for (Eigen::Index h = 0; h < heads; ++h) {
      if (options.ratio_per_head) {
        surrogate = clipped_surrogate(probability_ratio(difference[h]), advantage, options.clip);
        surrogate_sum += surrogate.loss;
        result.clipped += surrogate.clipped / static_cast<double>(heads);
      }
      result.entropy += head[h].entropy;
      for (int j = 0; j < kMoves; ++j) {
        const float p = head[h].probability[j];
        const float log_p_gradient = (samples.moves(h, s) == j ? 1.0f : 0.0f) - p;
        const float entropy_gradient = p > 0 ? -p * (head[h].log_probability[j] + head[h].entropy) : 0.0f;
        gradient(kMoves * h + j, s) = static_cast<float>(scale) * (surrogate.derivative * log_p_gradient -
                                                                   options.entropy_coefficient * entropy_gradient);
      }
    }
  }
  result.entropy *= scale;
  result.kl *= scale;
  result.clipped *= scale;
  result.loss = surrogate_sum * scale - options.entropy_coefficient * result.entropy;
  return result;
}

double value_loss(const Matrix& values, std::span<const float> old_values, std::span<const float> targets,
                  std::span<const float> active, const ValueLossOptions& options, Matrix& gradient) {
  const Eigen::Index count = values.cols();
  gradient.setZero(1, count);
  const double scale = options.coefficient / active_count(active);
  double sum = 0;
  for (Eigen::Index s = 0; s < count; ++s) {
    if (active[s] == 0) continue;
    const float change = values(0, s) - old_values[s];
    const float bounded = std::clamp(change, -options.clip, options.clip);
    const Huber free = huber(targets[s] - values(0, s), options.huber_delta);
    const Huber cut = huber(targets[s] - (old_values[s] + bounded), options.huber_delta);
    sum += std::max(free.loss, cut.loss);
    // The bounded branch depends on V only inside the bounds, where both branches are the same.
    const float derivative = free.loss >= cut.loss || bounded == change ? -free.derivative : 0.0f;
    gradient(0, s) = static_cast<float>(scale) * derivative;
  }
  return sum * scale;
}

void estimate_advantages(const Series& series, float discount, float lambda, Matrix& advantages, Matrix& returns) {
  const Eigen::Index episodes = series.rewards.rows(), steps = series.rewards.cols();
  advantages.resize(episodes, steps);
  returns.resize(episodes, steps);
  for (Eigen::Index e = 0; e < episodes; ++e) {
    float next = 0;
    for (Eigen::Index t = steps; t-- > 0;) {
      const float m = series.alive(e, t + 1);
      const float delta = series.rewards(e, t) + discount * m * series.values(e, t + 1) - series.values(e, t);
      next = delta + discount * lambda * m * next;
      advantages(e, t) = next;
      returns(e, t) = next + series.values(e, t);
    }
  }
}

void normalise_advantages(std::span<float> advantages, std::span<const float> active, float epsilon) {
  const double count = active_count(active);
  double mean = 0, square = 0;
  for (size_t i = 0; i < advantages.size(); ++i) mean += active[i] * advantages[i];
  mean /= count;
  for (size_t i = 0; i < advantages.size(); ++i) square += active[i] * (advantages[i] - mean) * (advantages[i] - mean);
  const double deviation = std::sqrt(square / count) + epsilon;
  for (size_t i = 0; i < advantages.size(); ++i) {
    advantages[i] = active[i] == 0 ? 0.0f : static_cast<float>((advantages[i] - mean) / deviation);
  }
}

}  // namespace arco
