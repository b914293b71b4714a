#include "arco/search/tuner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/search/feature_cache.h"
#include "arco/search/history.h"
#include "arco/search/testing_space.h"

namespace arco {
namespace {

const TestingSpace& testing_space() {
  static const TestingSpace space;
  return space;
}

// Asks for 0, 1, 2, ... up to a limit, and claims a proof once it was told `proof` results.
class CountingTuner : public Tuner {
 public:
  CountingTuner(uint64_t limit, size_t proof) : limit_(limit), proof_(proof) {}
  std::vector<uint64_t> ask(size_t count) override {
    asks.push_back(count);
    std::vector<uint64_t> asked;
    while (asked.size() < count && next_ < limit_) asked.push_back(next_++);
    return asked;
  }
  void tell(const std::vector<Measurement>& results) override {
    told += results.size();
    next_ = std::max<uint64_t>(next_, told);
  }
  bool proved_optimal() const override { return told >= proof_; }
  double proven_bound() const override { return 7; }

  std::vector<size_t> asks;
  size_t told = 0;

 private:
  uint64_t limit_;
  size_t proof_;
  uint64_t next_ = 0;
};

TEST(RunTuner, UsesUpTheTrialsInBatches) {
  CountingTuner tuner(1000, 1000);
  const auto result = run_tuner(tuner, testing_measurer(testing_space()), 40, 16);
  EXPECT_EQ(result.history.size(), 40U);
  EXPECT_THAT(tuner.asks, ::testing::ElementsAre(16, 16, 8));
  EXPECT_FALSE(result.proved_optimal);
  EXPECT_EQ(result.proven_bound, 7);
  double best = 1e300;
  for (const Measurement& m : result.history) {
    if (m.status == MeasureStatus::kOk) best = std::min(best, m.cycles);
  }
  EXPECT_EQ(result.best.cycles, best);
  EXPECT_GE(result.measure_seconds, 0);
  EXPECT_GE(result.search_seconds, 0);
}

TEST(RunTuner, EndsWhenNothingIsLeftOrTheOptimumIsProven) {
  CountingTuner exhausted(20, 1000);
  EXPECT_EQ(run_tuner(exhausted, testing_measurer(testing_space()), 100, 16).history.size(), 20U);
  CountingTuner proven(1000, 32);
  const auto result = run_tuner(proven, testing_measurer(testing_space()), 100, 16);
  EXPECT_EQ(result.history.size(), 32U);
  EXPECT_TRUE(result.proved_optimal);
}

TEST(RunTuner, KnownMeasurementsCountAsTrials) {
  const auto known = testing_measurer(testing_space())({0, 1, 2, 3, 4});
  CountingTuner tuner(1000, 1000);
  const auto result = run_tuner(tuner, testing_measurer(testing_space()), 12, 16, known);
  EXPECT_EQ(result.history.size(), 12U);
  EXPECT_EQ(result.history.back().index, 11U);
  EXPECT_THAT(tuner.asks, ::testing::ElementsAre(7));
  CountingTuner done(1000, 1000);
  EXPECT_EQ(run_tuner(done, testing_measurer(testing_space()), 5, 16, known).history.size(), 5U);
  EXPECT_TRUE(done.asks.empty());
}

TEST(RunTuner, AnInterruptKeepsWhatWasMeasured) {
  CountingTuner tuner(1000, 1000);
  const auto result = run_tuner(
      tuner,
      [](const std::vector<uint64_t>& indices) {
        set_interrupted(true);
        return testing_measurer(testing_space())({indices.begin(), indices.begin() + 3});
      },
      100, 16);
  set_interrupted(false);
  EXPECT_EQ(result.history.size(), 3U);
  EXPECT_EQ(tuner.told, 3U);
}

TEST(RunTuner, WithoutASuccessTheBestSaysSo) {
  CountingTuner tuner(0, 1000);
  const auto result = run_tuner(tuner, testing_measurer(testing_space()), 10);
  EXPECT_EQ(result.best.status, MeasureStatus::kIllegal);
  EXPECT_FALSE(result.best.why.empty());
}

TEST(RunTuner, AMeasurerThatDropsResultsIsABug) {
  CountingTuner tuner(1000, 1000);
  const auto drop = [](const std::vector<uint64_t>&) { return std::vector<Measurement>(); };
  EXPECT_THROW(run_tuner(tuner, drop, 10), InternalError);
}

TEST(History, RemembersAndRanks) {
  History history(testing_space());
  EXPECT_EQ(history.best(), nullptr);
  history.mark_asked(5);
  EXPECT_TRUE(history.visited(5));
  EXPECT_EQ(history.find(5), nullptr);
  for (uint64_t index = 0; index < 200; ++index) EXPECT_TRUE(history.tell(measure_one(testing_space(), index)));
  EXPECT_FALSE(history.tell(measure_one(testing_space(), 5)));
  EXPECT_EQ(history.results().size(), 200U);
  EXPECT_EQ(history.find(5)->index, 5U);
  for (const Measurement& m : history.results()) {
    EXPECT_TRUE(m.status != MeasureStatus::kOk || m.cycles >= history.best()->cycles);
  }
  Measurement outside;
  outside.index = testing_space().size();
  EXPECT_THROW(history.tell(outside), InternalError);
}

TEST(History, DrawsEveryConfigurationExactlyOnce) {
  for (const bool legal_only : {true, false}) {
    History history(testing_space());
    Random random(1);
    size_t drawn = 0;
    while (const auto index = history.draw_unvisited(random, legal_only)) {
      ASSERT_FALSE(history.visited(*index));
      ASSERT_TRUE(!legal_only || testing_space().legal(testing_space().decode(*index)));
      history.mark_asked(*index);
      ++drawn;
    }
    EXPECT_EQ(drawn, legal_only ? testing_space().legal_count() : testing_space().size());
  }
}

TEST(FeatureCache, GivesTheFeaturesWhateverItForgot) {
  const auto& space = testing_space();
  FeatureCache cache(space, 10);
  const std::vector<uint64_t> indices{3, 1, 4, 1, 5, 9, 2, 6, 53, 58, 97, 93, 23, 84, 3, 1};
  for (int round = 0; round < 3; ++round) {
    const auto rows = cache.rows(indices);
    for (size_t i = 0; i < indices.size(); ++i) {
      std::vector<float> expected(space.feature_count());
      space.features(space.decode(indices[i]), expected);
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), rows.row(i).begin()));
    }
    EXPECT_LE(cache.size(), 10U);
  }
}

TEST(ScoreCache, IsTheModel) {
  const auto& space = testing_space();
  FeatureCache features(space);
  const std::vector<uint64_t> indices{3, 1, 4, 1, 5, 9};
  TreeModel model;
  model.fit(features.rows(indices), std::vector<float>{1, 2, 3, 2, 4, 5});
  ScoreCache cache(model, features);
  EXPECT_EQ(cache.scores(indices), model.predict(features.rows(indices)));
  EXPECT_EQ(cache.scores(indices), model.predict(features.rows(indices)));
}

}  // namespace
}  // namespace arco
