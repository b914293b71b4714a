// Losses: gradients against finite differences, advantages against a hand-computed example, masks.
#include "arco/marl/losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "arco/base/error.h"
#include "arco/marl/network.h"
#include "arco/marl/policy.h"
#include "arco/marl/value_normalizer.h"

namespace arco {
namespace {

// Random samples of a policy with `heads` heads; some moves masked, some samples inactive.
struct Example {
  Matrix logits;
  Masks masks;
  Moves moves;
  Matrix old_log_probabilities;
  std::vector<float> advantages;
  std::vector<float> active;

  Example(int heads, int count, uint64_t seed) : logits(kMoves * heads, count), masks(kMoves * heads, count) {
    Random random(seed);
    for (Eigen::Index i = 0; i < logits.size(); ++i) logits.data()[i] = static_cast<float>(random.normal());
    masks.setOnes();
    for (int s = 0; s < count; ++s) {
      for (int h = 0; h < heads; ++h) {
        if (random.below(3) == 0) masks(kMoves * h + static_cast<int>(random.below(2)) * 2, s) = 0;
      }
      advantages.push_back(static_cast<float>(random.normal()));
      active.push_back(s % 7 == 3 ? 0.0f : 1.0f);
    }
    sample_moves(logits, masks, random, moves, old_log_probabilities);
    // The update sees another policy than the rollout; the step keeps away from the kinks of the clipped loss.
    for (Eigen::Index i = 0; i < logits.size(); ++i) logits.data()[i] += 0.3f * static_cast<float>(random.normal());
  }
  PolicySamples samples() const { return {masks, moves, old_log_probabilities, advantages, active}; }
};

class PolicyLossGradient : public testing::TestWithParam<bool> {};

TEST_P(PolicyLossGradient, MatchesFiniteDifferences) {
  Example example(3, 20, 11);
  const PolicyLossOptions options{.clip = 0.2f, .entropy_coefficient = 0.3f, .ratio_per_head = GetParam()};
  Matrix gradient, ignored;
  const PolicyLoss loss = policy_loss(example.logits, example.samples(), options, gradient);
  EXPECT_GT(loss.clipped, 0.1);
  EXPECT_LT(loss.clipped, 0.95);
  EXPECT_GT(gradient.cwiseAbs().maxCoeff(), 0.01f);
  const float h = 2e-3f;
  for (Eigen::Index i = 0; i < gradient.size(); ++i) {
    float& logit = example.logits.data()[i];
    const float kept = logit;
    logit = kept + h;
    const double above = policy_loss(example.logits, example.samples(), options, ignored).loss;
    logit = kept - h;
    const double below = policy_loss(example.logits, example.samples(), options, ignored).loss;
    logit = kept;
    EXPECT_NEAR(gradient.data()[i], (above - below) / (2 * h), 2e-4) << "logit " << i;
    if (!example.masks.data()[i] || example.active[i / example.logits.rows()] == 0) {
      EXPECT_EQ(gradient.data()[i], 0);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(JointAndPerHead, PolicyLossGradient, testing::Bool());

TEST(PolicyLoss, GradientThroughTheWholeActor) {
  Example example(2, 15, 4);
  Random random(8);
  Network actor(5, dense_layers({10, 8}, 6, 0.5f), random);
  Matrix x(5, 15), gradient;
  for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.normal());
  Activations activations;
  const PolicyLossOptions options{.clip = 0.2f, .entropy_coefficient = 0.05f};
  const auto loss = [&] {
    return policy_loss(actor.forward(x, activations), example.samples(), options, gradient).loss;
  };
  loss();
  std::vector<float> analytic(actor.parameters().size());
  actor.backward(x, activations, gradient, analytic);
  const float h = 2e-3f;
  int checked = 0;
  for (size_t i = 0; i < analytic.size(); i += 3) {
    float& parameter = actor.parameters()[i];
    const float kept = parameter;
    parameter = kept + h;
    const double above = loss();
    parameter = kept - h;
    const double below = loss();
    parameter = kept;
    EXPECT_NEAR(analytic[i], (above - below) / (2 * h), 1e-3) << "parameter " << i;
    ++checked;
  }
  EXPECT_GT(checked, 50);
}

TEST(PolicyLoss, OldPolicyHasRatioOneAndNoKl) {
  Example example(2, 10, 5);
  Random random(1);
  sample_moves(example.logits, example.masks, random, example.moves, example.old_log_probabilities);
  Matrix gradient;
  const PolicyLoss loss = policy_loss(example.logits, example.samples(), {}, gradient);
  for (const float ratio : loss.ratio) EXPECT_FLOAT_EQ(ratio, 1);
  EXPECT_NEAR(loss.kl, 0, 1e-6);
  EXPECT_EQ(loss.clipped, 0);
}

TEST(ValueLoss, GradientMatchesFiniteDifferencesInEveryBranch) {
  Random random(2);
  const int count = 40;
  Matrix values(1, count), gradient, ignored;
  std::vector<float> old_values, targets, active(count, 1.0f);
  active[7] = 0;
  for (int s = 0; s < count; ++s) {
    values(0, s) = static_cast<float>(random.normal());
    old_values.push_back(values(0, s) + 0.4f * static_cast<float>(random.normal()));
    targets.push_back(2 * static_cast<float>(random.normal()));
  }
  for (const float clip : {0.2f, std::numeric_limits<float>::infinity()}) {
    const ValueLossOptions options{.clip = clip, .huber_delta = 1, .coefficient = 0.7f};
    value_loss(values, old_values, targets, active, options, gradient);
    const float h = 1e-3f;
    int flat = 0;
    for (int s = 0; s < count; ++s) {
      const float kept = values(0, s);
      values(0, s) = kept + h;
      const double above = value_loss(values, old_values, targets, active, options, ignored);
      values(0, s) = kept - h;
      const double below = value_loss(values, old_values, targets, active, options, ignored);
      values(0, s) = kept;
      EXPECT_NEAR(gradient(0, s), (above - below) / (2 * h), 1e-4) << "sample " << s;
      flat += gradient(0, s) == 0;
    }
    EXPECT_EQ(gradient(0, 7), 0);
    if (clip < 1) {
      EXPECT_GT(flat, 2);
    } else {
      EXPECT_EQ(flat, 1);
    }
  }
}

TEST(Advantages, ByHand) {
  // One episode that ends after step 2 of 3, one that is cut by the time limit.
  Matrix rewards(2, 3), values(2, 4), alive(2, 4), advantages, returns;
  rewards << 1, 2, 0, /**/ 1, 1, 1;
  values << 0.5f, 1, 9, 9, /**/ 1, 2, 3, 4;
  alive << 1, 1, 0, 0, /**/ 1, 1, 1, 1;
  estimate_advantages({rewards, values, alive}, 0.5f, 0.5f, advantages, returns);
  EXPECT_FLOAT_EQ(advantages(0, 1), 2 - 1);  // the end's value does not count
  EXPECT_FLOAT_EQ(advantages(0, 0), (1 + 0.5f * 1 - 0.5f) + 0.25f * 1);
  EXPECT_FLOAT_EQ(advantages(1, 2), 1 + 0.5f * 4 - 3);  // the time limit's value does
  EXPECT_FLOAT_EQ(advantages(1, 1), (1 + 0.5f * 3 - 2) + 0.25f * 0);
  EXPECT_FLOAT_EQ(advantages(1, 0), (1 + 0.5f * 2 - 1) + 0.25f * 0.5f);
  EXPECT_FLOAT_EQ(returns(1, 0), advantages(1, 0) + 1);
}

TEST(Advantages, NormalisedOverActiveEntriesOnly) {
  std::vector<float> advantages = {1, 3, 100, 5};
  const std::vector<float> active = {1, 1, 0, 1};
  normalise_advantages(advantages, active);
  EXPECT_NEAR(advantages[0], -1.2247f, 1e-3);
  EXPECT_NEAR(advantages[1], 0, 1e-6);
  EXPECT_EQ(advantages[2], 0);
  std::vector<float> constant = {2, 2, 2, 2};
  normalise_advantages(constant, active);
  for (const float value : constant) EXPECT_EQ(value, 0);
}

TEST(Policy, NeverDrawsAMaskedMoveAndFollowsTheProbabilities) {
  const int count = 20000;
  Matrix logits(3, count), log_probabilities;
  logits.colwise() = Eigen::Vector3f(0, 50, std::log(3.0f));
  Masks masks = Masks::Ones(3, count);
  masks.row(1).setZero();
  Moves moves;
  Random random(9);
  sample_moves(logits, masks, random, moves, log_probabilities);
  int up = 0;
  for (int s = 0; s < count; ++s) {
    ASSERT_NE(moves(0, s), kMoveStay);
    up += moves(0, s) == kMoveUp;
  }
  EXPECT_NEAR(up / static_cast<double>(count), 0.75, 0.02);
  EXPECT_NEAR(log_probabilities.maxCoeff(), std::log(0.75), 1e-5);
  EXPECT_EQ(best_moves(logits, masks)(0, 0), kMoveUp);
  masks.setZero();
  EXPECT_THROW(sample_moves(logits, masks, random, moves, log_probabilities), InternalError);
}

TEST(ValueNormalizer, IsAPlainAverageAtFirstAndForgetsLater) {
  ValueNormalizer normalizer(0.9);
  EXPECT_EQ(normalizer.normalise(3), 3);
  const std::vector<float> active = {1, 1, 0};
  normalizer.update(std::vector<float>{8, 12, 500}, active);
  EXPECT_NEAR(normalizer.mean(), 10, 1e-9);
  EXPECT_NEAR(normalizer.deviation(), 2, 1e-6);
  EXPECT_FLOAT_EQ(normalizer.denormalise(normalizer.normalise(7)), 7);
  for (int i = 0; i < 200; ++i) normalizer.update(std::vector<float>{-1, -1, 0}, active);
  EXPECT_NEAR(normalizer.mean(), -1, 1e-6);
  EXPECT_NEAR(normalizer.deviation(), 0.1, 1e-6);
}

}  // namespace
}  // namespace arco
