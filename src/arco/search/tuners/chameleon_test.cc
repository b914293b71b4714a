// CHAMELEON and its two parts.
#include "arco/search/tuners/chameleon.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "arco/search/testing_space.h"

namespace arco {
namespace {

const TestingSpace& space() {
  static const TestingSpace instance;
  return instance;
}

ChameleonOptions quick() {
  ChameleonOptions options;
  options.explorer.steps = 60;
  return options;
}

TuneResult tune(const ChameleonOptions& options, size_t trials, uint64_t seed) {
  const auto tuner = make_chameleon(space(), options, seed);
  return run_tuner(*tuner, testing_measurer(space()), trials);
}

std::vector<uint64_t> indices_of(const TuneResult& result) {
  std::vector<uint64_t> indices;
  for (const Measurement& m : result.history) indices.push_back(m.index);
  return indices;
}

TEST(Chameleon, FindsGoodConfigurationsWithoutRepetition) {
  const TuneResult result = tune(quick(), 400, 1);
  const auto indices = indices_of(result);
  EXPECT_EQ(std::set<uint64_t>(indices.begin(), indices.end()).size(), indices.size());
  EXPECT_LT(result.best.cycles, 1.1 * space().best_cycles());
}

TEST(Chameleon, PaperPresetSearchesAndEnds) {
  ChameleonPaperOptions options;
  options.explorer.steps = 60;
  const TuneResult result = tune(options, 10'000, 1);
  EXPECT_LT(result.best.cycles, 1.15 * space().best_cycles());
  EXPECT_LE(result.history.size(), 16U * 64U);
}

TEST(Chameleon, TheSeedDecidesEverything) {
  EXPECT_EQ(indices_of(tune(quick(), 150, 5)), indices_of(tune(quick(), 150, 5)));
  EXPECT_NE(indices_of(tune(quick(), 150, 5)), indices_of(tune(quick(), 150, 6)));
}

TEST(Chameleon, ContinuesFromATold) {
  const TuneResult first = tune(quick(), 100, 1);
  const auto tuner = make_chameleon(space(), quick(), 2);
  const TuneResult second = run_tuner(*tuner, testing_measurer(space()), 180, 16, first.history);
  const auto indices = indices_of(second);
  EXPECT_EQ(indices.size(), 180U);
  EXPECT_EQ(std::set<uint64_t>(indices.begin(), indices.end()).size(), indices.size());
}

TEST(Chameleon, LegalOnlySpendsNothingOnIllegalOnes) {
  ChameleonOptions options = quick();
  options.legal_only = true;
  for (const Measurement& m : tune(options, 150, 1).history) ASSERT_EQ(m.status, MeasureStatus::kOk);
  size_t illegal = 0;
  for (const Measurement& m : tune(quick(), 64, 1).history) illegal += m.status != MeasureStatus::kOk ? 1 : 0;
  EXPECT_GT(illegal, 5U);
}

TEST(PpoExplorer, ClimbsToTheMaximumOfAKnownScore) {
  PpoExplorer explorer(space(), {}, 1);
  const Choice peak = {3, 2, 1, 0, 5, 4, 3};
  const auto score = [&](std::span<const uint64_t> indices) {
    std::vector<float> scores;
    for (const uint64_t index : indices) {
      const Choice choice = space().decode(index);
      float distance = 0;
      for (size_t j = 0; j < choice.size(); ++j) distance += static_cast<float>(std::abs(choice[j] - peak[j]));
      scores.push_back(1 / (1 + distance));
    }
    return scores;
  };
  std::vector<uint64_t> found;
  for (int plan = 0; plan < 4; ++plan) found = explorer.maximise(score, 64, [](uint64_t) { return false; });
  ASSERT_EQ(found.size(), 64U);
  EXPECT_GE(score(found)[0], 0.5F);
  const auto scores = score(found);
  EXPECT_TRUE(std::is_sorted(scores.rbegin(), scores.rend()));
  for (const uint64_t index : explorer.maximise(score, 64, [&](uint64_t i) { return i == found[0]; })) {
    EXPECT_NE(index, found[0]);
  }
}

// 8 tight groups in the two largest knobs.
std::vector<uint64_t> grouped_candidates() {
  std::vector<uint64_t> candidates;
  for (const int h : {0, 5}) {
    for (const int w : {0, 2, 3, 5}) {
      for (int other = 0; other < 4; ++other) candidates.push_back(space().encode({0, other, 0, 0, h, w, other % 2}));
    }
  }
  return candidates;
}

TEST(AdaptiveSampling, TakesOnePerClusterFromItsMembersValues) {
  for (const bool two_knobs : {true, false}) {
    AdaptiveSamplingOptions options;
    options.two_knobs = two_knobs;
    Random random(3);
    const auto candidates = grouped_candidates();
    const auto chosen = adaptive_sampling(
        space(), candidates, [](uint64_t) { return true; }, options, random);
    EXPECT_GE(chosen.size(), 4U);
    EXPECT_LE(chosen.size(), candidates.size());
    EXPECT_EQ(std::set<uint64_t>(chosen.begin(), chosen.end()).size(), chosen.size());
    for (const uint64_t index : chosen) EXPECT_EQ(space().decode(index)[0], 0);
  }
}

TEST(AdaptiveSampling, ReturnsOnlyOpenOnes) {
  const auto candidates = grouped_candidates();
  const std::set<uint64_t> open(candidates.begin(), candidates.end());
  for (const bool two_knobs : {true, false}) {
    AdaptiveSamplingOptions options;
    options.two_knobs = two_knobs;
    Random random(4);
    const auto chosen = adaptive_sampling(
        space(), candidates, [&](uint64_t index) { return open.contains(index); }, options, random);
    EXPECT_FALSE(chosen.empty());
    for (const uint64_t index : chosen) EXPECT_TRUE(open.contains(index));
  }
  Random random(5);
  EXPECT_TRUE(adaptive_sampling(
                  space(), {}, [](uint64_t) { return true; }, {}, random)
                  .empty());
  EXPECT_EQ(adaptive_sampling(
                space(), {7}, [](uint64_t) { return true; }, {}, random),
            std::vector<uint64_t>{7});
}

}  // namespace
}  // namespace arco
