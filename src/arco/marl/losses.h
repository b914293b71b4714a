// The losses of PPO with their gradients by the networks' outputs.
#pragma once

#include <span>
#include <vector>

#include "arco/marl/matrix.h"

namespace arco {

// What a policy did in a rollout and how well that turned out. One column or entry per sample.
struct PolicySamples {
  const Masks& masks;                   // [3 * heads x samples]
  const Moves& moves;                   // [heads x samples]
  const Matrix& old_log_probabilities;  // [heads x samples]
  std::span<const float> advantages;
  std::span<const float> active;  // 1, or 0 for samples that must not count
};

struct PolicyLossOptions {
  float clip = 0.2f;
  float entropy_coefficient = 0;
  bool ratio_per_head = false;  // one probability ratio per head, summed losses; else the ratio of the joint move
};

struct PolicyLoss {
  double loss = 0;           // policy loss - entropy_coefficient * entropy
  double entropy = 0;        // mean over active samples of the sum over heads
  double kl = 0;             // mean of (rho - 1) - log rho: an estimate of KL(old || new) that is never negative
  double clipped = 0;        // share of ratios outside the clip range
  std::vector<float> ratio;  // per sample, of the joint move
};

// loss = -mean min(rho A, clip(rho, 1 - clip, 1 + clip) A) - c * mean entropy; `gradient` [3 * heads x samples].
PolicyLoss policy_loss(const Matrix& logits, const PolicySamples& samples, const PolicyLossOptions& options,
                       Matrix& gradient);

struct ValueLossOptions {
  float clip = 0.2f;       // of the change of a value; infinity: not clipped
  float huber_delta = 10;  // infinity: half the squared error
  float coefficient = 1;
};

// coefficient * mean over active of max(huber(e1), huber(e2)), e1 = target - V,
// e2 = target - (V_old + clip(V - V_old)); `gradient` [1 x samples].
double value_loss(const Matrix& values, std::span<const float> old_values, std::span<const float> targets,
                  std::span<const float> active, const ValueLossOptions& options, Matrix& gradient);

// Per-episode series, [episodes x steps] or [episodes x steps + 1] where marked +1; values in reward units.
// alive(e, t) = 1 while episode e has not ended before step t.
struct Series {
  const Matrix& rewards;
  const Matrix& values;  // +1
  const Matrix& alive;   // +1
};
// Generalised advantage estimation; returns = advantages + values.
void estimate_advantages(const Series& series, float discount, float lambda, Matrix& advantages, Matrix& returns);

// (A - mean) / (std + epsilon) over the active entries; the others become 0.
void normalise_advantages(std::span<float> advantages, std::span<const float> active, float epsilon = 1e-5f);

}  // namespace arco
