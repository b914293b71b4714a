// Each step of confidence sampling seen from outside.
#include "arco/search/confidence_sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "arco/search/testing_space.h"

namespace arco {
namespace {

const TestingSpace& space() {
  static const TestingSpace instance;
  return instance;
}

// Legal configurations; the critic's value grows with their number.
std::vector<ConfidenceCandidate> pool_of(size_t count) {
  std::vector<ConfidenceCandidate> pool;
  for (uint64_t index = 0; pool.size() < count; index += 7) {
    if (!space().legal(space().decode(index))) continue;
    const auto value = static_cast<float>(pool.size()) / static_cast<float>(count);
    pool.push_back({.index = index, .critic = value, .mean = value, .spread = 0});
  }
  return pool;
}

ConfidenceSurroundings surroundings(std::set<uint64_t> closed = {}) {
  const auto open = [closed](uint64_t index) {
    return !closed.contains(index) && space().legal(space().decode(index));
  };
  const auto draw = [open](Random& random) -> std::optional<uint64_t> {
    while (true) {
      const uint64_t index = random.below(space().size());
      if (open(index)) return index;
    }
  };
  return {space(), open, draw};
}

std::map<ChoiceReason, int> count_reasons(const std::vector<ConfidentChoice>& choices) {
  std::map<ChoiceReason, int> count;
  for (const ConfidentChoice& choice : choices) ++count[choice.reason];
  return count;
}

TEST(ConfidenceSampling, FillsTheBatchWithDifferentOpenConfigurations) {
  std::set<uint64_t> closed;
  for (uint64_t index = 1; index < space().size(); index += 3) closed.insert(index);
  const ConfidenceSurroundings around = surroundings(closed);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    std::vector<ConfidenceCandidate> pool = pool_of(300);
    std::erase_if(pool, [&](const auto& candidate) { return closed.contains(candidate.index); });
    const auto chosen = confidence_sampling(around, pool, 16, 1, {}, random);
    ASSERT_EQ(chosen.size(), 16U);
    std::set<uint64_t> different;
    for (const ConfidentChoice& choice : chosen) {
      ASSERT_TRUE(around.open(choice.index));
      different.insert(choice.index);
    }
    ASSERT_EQ(different.size(), 16U);
    ASSERT_EQ(count_reasons(chosen)[ChoiceReason::kRandom], 1);
    ASSERT_GT(count_reasons(chosen)[ChoiceReason::kKept], 4);
  }
}

TEST(ConfidenceSampling, PrefersTheConfidentAndMoreSoWhenCold) {
  const auto mean_critic = [](double temperature) {
    double sum = 0, count = 0;
    for (uint64_t seed = 0; seed < 40; ++seed) {
      Random random(seed);
      const auto pool = pool_of(400);
      for (const ConfidentChoice& choice :
           confidence_sampling(surroundings(), pool, 16, temperature, {.pool = 2048}, random)) {
        for (const ConfidenceCandidate& candidate : pool) {
          if (candidate.index != choice.index || choice.reason != ChoiceReason::kKept) continue;
          sum += candidate.critic;
          ++count;
        }
      }
    }
    return sum / count;
  };
  EXPECT_GT(mean_critic(1), 0.6);
  EXPECT_GT(mean_critic(0.3), mean_critic(1) + 0.05);
}

TEST(ConfidenceSampling, LooksOnlyAtTheBestOfALargePool) {
  const auto pool = pool_of(400);
  Random random(2);
  for (const ConfidentChoice& choice : confidence_sampling(surroundings(), pool, 16, 1, {.pool = 20}, random)) {
    if (choice.reason != ChoiceReason::kKept && choice.reason != ChoiceReason::kDrawn) continue;
    const auto found = std::ranges::find(pool, choice.index, &ConfidenceCandidate::index);
    EXPECT_GE(found - pool.begin(), 380);
  }
}

TEST(ConfidenceSampling, KeptOnesComeFirstAndInOrder) {
  Random random(3);
  const auto chosen = confidence_sampling(surroundings(), pool_of(200), 32, 1, {}, random);
  double last = 1e9;
  for (size_t i = 0; i < chosen.size() && chosen[i].reason == ChoiceReason::kKept; ++i) {
    EXPECT_LE(chosen[i].confidence, last);
    EXPECT_GT(chosen[i].probability, 0);
    last = chosen[i].confidence;
  }
  EXPECT_EQ(chosen.back().reason, ChoiceReason::kRandom);
}

TEST(ConfidenceSampling, AHardThresholdKeepsTheUpperHalf) {
  // The paper's way: as many drawn as wanted, the lower half replaced by synthesis.
  const ConfidenceSamplingOptions options{
      .mix_model = false, .drawn_per_slot = 1, .threshold_width = 0, .random_share = 0};
  Random random(5);
  auto count = count_reasons(confidence_sampling(surroundings(), pool_of(500), 32, 1, options, random));
  EXPECT_EQ(count[ChoiceReason::kKept], 16);
  EXPECT_EQ(count[ChoiceReason::kSynthesised], 16);
}

TEST(ConfidenceSampling, SynthesisTakesTheModeFirst) {
  // All candidates agree in every knob but the last; position 1 of it is the most frequent and is visited itself.
  std::vector<ConfidenceCandidate> pool;
  for (const int last : {0, 1, 2, 3}) {
    pool.push_back({.index = space().encode({0, 0, 0, 0, 1, 1, last}), .critic = 0, .mean = 0, .spread = 0});
  }
  pool.push_back({.index = space().encode({0, 0, 0, 0, 1, 2, 1}), .critic = 0, .mean = 0, .spread = 0});
  const ConfidenceSamplingOptions options{.threshold_width = 0, .random_share = 0};
  Random random(1);
  const auto chosen = confidence_sampling(surroundings(), pool, 9, 1, options, random);
  // Equal confidence: all five are kept; what is synthesised mixes their values, and there are three new mixtures.
  auto count = count_reasons(chosen);
  EXPECT_EQ(count[ChoiceReason::kKept], 5);
  EXPECT_EQ(count[ChoiceReason::kSynthesised], 3);
  for (const ConfidentChoice& choice : chosen) {
    if (choice.reason != ChoiceReason::kSynthesised) continue;
    const Choice made = space().decode(choice.index);
    EXPECT_EQ(std::vector<int>(made.begin(), made.begin() + 5), (std::vector<int>{0, 0, 0, 0, 1}));
    EXPECT_EQ(made[5], 2);
  }
}

TEST(ConfidenceSampling, FallsBackToTheNextByProbability) {
  const ConfidenceSamplingOptions options{
      .drawn_per_slot = 0.5, .threshold_width = 0, .synthesis_tries = 0, .random_share = 0};
  Random random(1);
  auto count = count_reasons(confidence_sampling(surroundings(), pool_of(100), 16, 1, options, random));
  EXPECT_EQ(count[ChoiceReason::kKept], 4);
  EXPECT_EQ(count[ChoiceReason::kDrawn], 12);
}

TEST(ConfidenceSampling, EmptyPoolIsRandomAndAClosedSpaceIsEmpty) {
  Random random(1);
  const auto chosen = confidence_sampling(surroundings(), {}, 8, 1, {}, random);
  EXPECT_EQ(count_reasons(chosen)[ChoiceReason::kRandom], 8);
  const ConfidenceSurroundings closed{space(), [](uint64_t) { return false; },
                                      [](Random&) -> std::optional<uint64_t> { return std::nullopt; }};
  EXPECT_TRUE(confidence_sampling(closed, {}, 8, 1, {}, random).empty());
}

TEST(ConfidenceSampling, TheSeedDecides) {
  const auto run = [](uint64_t seed) {
    Random random(seed);
    std::vector<uint64_t> indices;
    for (const auto& choice : confidence_sampling(surroundings(), pool_of(300), 16, 1, {}, random)) {
      indices.push_back(choice.index);
    }
    return indices;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace arco
