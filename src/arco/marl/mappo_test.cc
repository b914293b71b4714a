// The learner learns: all agents reach the optimum of a small world. Same seed, same bytes. Weights survive saving.
#include "arco/marl/mappo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/base/error.h"
#include "arco/marl/toy_environment.h"
#include "arco/marl/weights.h"

namespace arco {
namespace {

MappoOptions small_options() {
  MappoOptions options;
  options.steps = 12;
  options.actor_hidden = {32, 32};
  options.critic_hidden = {32, 32};
  options.actor_rate = options.critic_rate = 1e-2;
  options.entropy_start = 0.02;
  options.entropy_end = 0.002;
  options.planned_updates = 80;
  return options;
}

// Distance to the optimum, summed over the knobs, after a greedy walk from random starts.
float greedy_distance(Mappo& learner, ToyEnvironment& environment, int steps) {
  std::vector<float> rewards(environment.shape().episodes);
  std::vector<uint8_t> terminal(rewards.size());
  environment.reset();
  for (int t = 0; t < steps; ++t) environment.step(learner.act(environment, true), rewards, terminal);
  return environment.mean_distance();
}

void expect_learns(const MappoOptions& options) {
  ToyEnvironment environment(64, {2, 1, 1}, 6, 2, 5);
  Mappo learner(environment.shape(), options, 1);
  const float untrained = greedy_distance(learner, environment, 12);
  for (int i = 0; i < options.planned_updates; ++i) learner.update(environment);
  const float trained = greedy_distance(learner, environment, 12);
  EXPECT_GT(untrained, 0.5f);
  // A knob next to its target contributes 0.2.
  EXPECT_LT(trained, 0.1f);
}

TEST(Mappo, ReachesTheOptimum) {
  expect_learns(small_options());
}

TEST(Mappo, ReachesTheOptimumAsASingleAgent) {
  MappoOptions options = small_options();
  options.single_agent = true;
  expect_learns(options);
}

TEST(Mappo, ReachesTheOptimumWithIndependentCritics) {
  MappoOptions options = small_options();
  options.independent_critics = true;
  expect_learns(options);
}

TEST(Mappo, ReachesTheOptimumWithSequentialCorrection) {
  MappoOptions options = small_options();
  options.sequential_correction = true;
  expect_learns(options);
}

TEST(Mappo, SameSeedSameBytes) {
  const auto train = [](uint64_t seed) {
    ToyEnvironment environment(16, {2, 1, 1}, 6, 0, 5);
    Mappo learner(environment.shape(), small_options(), seed);
    for (int i = 0; i < 3; ++i) learner.update(environment);
    return learner.save();
  };
  EXPECT_EQ(train(1), train(1));
  EXPECT_NE(train(1), train(2));
}

TEST(Mappo, StopsEpochsWhenThePolicyHasMovedFar) {
  ToyEnvironment environment(16, {2, 1, 1}, 6, 0, 5);
  MappoOptions options = small_options();
  options.actor_rate = 0.1;
  options.max_kl = 0.01;
  Mappo learner(environment.shape(), options, 1);
  const UpdateReport report = learner.update(environment);
  EXPECT_LT(report.actor_epochs, 3 * options.epochs);
  EXPECT_GE(report.actor_epochs, 3);
  EXPECT_THROW(learner.learn(), InternalError);
}

// An episode that ends at its first step: what is played later must not reach the update.
class EndingEnvironment : public ToyEnvironment {
 public:
  EndingEnvironment() : ToyEnvironment(4, {1}, 4, 0, 1) {}
  void step(const std::vector<Moves>& moves, std::span<float> rewards, std::span<uint8_t> terminal) override {
    ToyEnvironment::step(moves, rewards, terminal);
    std::fill(rewards.begin(), rewards.end(), 1.0f);
    std::fill(terminal.begin(), terminal.end(), 1);
  }
};

TEST(Mappo, EndedEpisodesNoLongerCount) {
  EndingEnvironment environment;
  Mappo learner(environment.shape(), small_options(), 1);
  const UpdateReport report = learner.update(environment);
  EXPECT_FLOAT_EQ(static_cast<float>(report.mean_reward), 1);
  EXPECT_FLOAT_EQ(learner.rollout().rewards.sum(), 4);
}

TEST(Mappo, LoadsWhatItSaved) {
  ToyEnvironment environment(16, {2, 1, 1}, 6, 0, 5);
  Mappo trained(environment.shape(), small_options(), 1), fresh(environment.shape(), small_options(), 2);
  for (int i = 0; i < 3; ++i) trained.update(environment);
  fresh.load(trained.save(), "agents.bin");
  EXPECT_EQ(fresh.save(), trained.save());
  const Matrix states = Matrix::Random(4, 5);
  EXPECT_EQ(fresh.values({}, states), trained.values({}, states));
}

std::string load_error(Mappo& learner, const std::vector<uint8_t>& bytes) {
  try {
    learner.load(bytes, "agents.bin");
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Mappo, SaysWhyWeightsDoNotFit) {
  ToyEnvironment environment(4, {2, 1, 1}, 6, 0, 5), other(4, {2, 2, 1}, 6, 0, 5);
  Mappo learner(environment.shape(), small_options(), 1), larger(other.shape(), small_options(), 1);
  MappoOptions single = small_options();
  single.single_agent = true;
  Mappo lone(environment.shape(), single, 1);
  EXPECT_THAT(load_error(learner, larger.save()),
              testing::AllOf(testing::HasSubstr("actor 1: layers 2-32-32-6 found, 1-32-32-3 expected"),
                             testing::HasSubstr("critic 0")));
  EXPECT_THAT(load_error(learner, lone.save()), testing::HasSubstr("2 networks, 4 expected"));
}

TEST(Mappo, RefusesDamagedWeightsAtEveryByte) {
  ToyEnvironment environment(4, {1}, 4, 0, 5);
  MappoOptions options = small_options();
  options.actor_hidden = options.critic_hidden = {2};
  Mappo learner(environment.shape(), options, 1);
  const std::vector<uint8_t> good = learner.save();
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<uint8_t> bad = good;
    bad[i] ^= 0x41;
    EXPECT_NE(load_error(learner, bad), "") << "byte " << i;
    EXPECT_NE(load_error(learner, std::vector<uint8_t>(good.begin(), good.begin() + i)), "") << "cut at " << i;
  }
  EXPECT_EQ(learner.save(), good);
  EXPECT_THAT(load_error(learner, {}), testing::HasSubstr("not agents' weights"));
}

TEST(Mappo, RefusesHugeCountsAndNumbersThatAreNotFinite) {
  ToyEnvironment environment(4, {1}, 4, 0, 5);
  Mappo learner(environment.shape(), small_options(), 1);
  EXPECT_THAT(load_error(learner, encode_weights({{.widths = {1}, .extra = {}, .parameters = {std::nanf("")}}})),
              testing::HasSubstr("not a finite number"));
}

}  // namespace
}  // namespace arco
