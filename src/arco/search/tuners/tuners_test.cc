// One suite for all tuners that need nothing but a space, then what is special to each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "arco/base/error.h"
#include "arco/search/testing_space.h"
#include "arco/search/tuners/exhaustive.h"
#include "arco/search/tuners/model_annealing.h"
#include "arco/search/tuners/registry.h"

namespace arco {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const TestingSpace& testing_space() {
  static const TestingSpace space;
  return space;
}

std::vector<uint64_t> indices_of(const TuneResult& result) {
  std::vector<uint64_t> indices;
  for (const Measurement& m : result.history) indices.push_back(m.index);
  return indices;
}

TuneResult tune(const std::string& name, size_t trials, uint64_t seed, const nlohmann::json& options = nullptr,
                size_t batch = 16) {
  const auto tuner = make_tuner(name, testing_space(), options, seed);
  return run_tuner(*tuner, testing_measurer(testing_space()), trials, batch);
}

class EveryTuner : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryTuner, NeverAsksTwiceAndCountsTrials) {
  const auto result = tune(GetParam(), 160, 1);
  const auto indices = indices_of(result);
  EXPECT_EQ(std::set<uint64_t>(indices.begin(), indices.end()).size(), indices.size());
  EXPECT_LE(indices.size(), 160U);
  EXPECT_TRUE(result.proved_optimal || indices.size() == 160U);
  ASSERT_EQ(result.best.status, MeasureStatus::kOk);
  EXPECT_GE(result.best.cycles, testing_space().best_cycles());
}

TEST_P(EveryTuner, TheSeedDecidesEverything) {
  EXPECT_EQ(indices_of(tune(GetParam(), 112, 5)), indices_of(tune(GetParam(), 112, 5)));
  if (std::string(GetParam()) != "exhaustive") {
    EXPECT_NE(indices_of(tune(GetParam(), 112, 5)), indices_of(tune(GetParam(), 112, 6)));
  }
}

TEST_P(EveryTuner, ContinuesFromATold) {
  const auto first = tune(GetParam(), 80, 1);
  const auto tuner = make_tuner(GetParam(), testing_space(), nullptr, 2);
  const auto second = run_tuner(*tuner, testing_measurer(testing_space()), 160, 16, first.history);
  const auto indices = indices_of(second);
  EXPECT_EQ(std::set<uint64_t>(indices.begin(), indices.end()).size(), indices.size());
  EXPECT_LE(second.best.cycles, first.best.cycles);
  ASSERT_GE(indices.size(), first.history.size());
  EXPECT_TRUE(std::equal(first.history.begin(), first.history.end(), second.history.begin(),
                         [](const auto& a, const auto& b) { return a.index == b.index; }));
}

TEST_P(EveryTuner, AnswersTwoAsksInARow) {
  const auto tuner = make_tuner(GetParam(), testing_space(), nullptr, 3);
  const auto first = tuner->ask(40);
  const auto second = tuner->ask(40);
  EXPECT_FALSE(first.empty());
  EXPECT_FALSE(second.empty());
  std::set<uint64_t> both(first.begin(), first.end());
  both.insert(second.begin(), second.end());
  EXPECT_EQ(both.size(), first.size() + second.size());
}

// A space of one configuration, legal or not.
class PointSpace : public TestingSpace {
 public:
  explicit PointSpace(bool is_legal) : legal_(is_legal) {
    for (Knob& knob : knobs_) knob.values = {1};
  }
  std::string why_illegal(const Choice&) const override { return legal_ ? "" : "nothing is legal here"; }

 private:
  bool legal_;
};

TEST_P(EveryTuner, EndsInASpaceOfOne) {
  for (const bool is_legal : {true, false}) {
    const PointSpace space(is_legal);
    const auto tuner = make_tuner(GetParam(), space, nullptr, 1);
    const auto result = run_tuner(*tuner, testing_measurer(space), 100);
    EXPECT_LE(result.history.size(), 1U);
    EXPECT_EQ(result.best.status, is_legal ? MeasureStatus::kOk : MeasureStatus::kIllegal);
    EXPECT_FALSE(!is_legal && result.best.why.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryTuner,
                         ::testing::Values("random", "genetic", "annealing", "autotvm", "bayesian", "exhaustive"),
                         [](const auto& test) { return std::string(test.param); });

// Median over seeds of best / optimum.
double median_regret(const std::string& name, size_t trials, const nlohmann::json& options = nullptr) {
  constexpr uint64_t kSeeds = 3;
  std::vector<double> ratios;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    ratios.push_back(tune(name, trials, seed, options).best.cycles / testing_space().best_cycles());
  }
  std::sort(ratios.begin(), ratios.end());
  return ratios[kSeeds / 2];
}

TEST(Tuners, SearchBeatsChance) {
  const double random = median_regret("random", 384);
  for (const char* name : {"autotvm", "annealing"}) {
    const double regret = median_regret(name, 384);
    EXPECT_LT(regret, 1.05) << name;
    EXPECT_LT(regret, random) << name;
  }
  EXPECT_LT(median_regret("genetic", 500), 1.1);
}

TEST(Tuners, BayesianNeedsFewMeasurementsAndFewerWithAPrior) {
  const double regret = median_regret("bayesian", 96);
  EXPECT_LT(regret, 1.05);
  EXPECT_LT(regret, median_regret("random", 96));
  EXPECT_LT(median_regret("bayesian", 48, {{"estimate_as_prior", true}}), 1.05);
}

TEST(Tuners, LegalOnlySpendsNothingOnIllegalOnes) {
  for (const char* name : {"random", "genetic", "annealing", "autotvm"}) {
    for (const Measurement& m : tune(name, 200, 1, {{"legal_only", true}}).history) {
      ASSERT_EQ(m.status, MeasureStatus::kOk) << name;
    }
  }
  size_t illegal = 0;
  for (const Measurement& m : tune("autotvm", 64, 1).history) illegal += m.status != MeasureStatus::kOk ? 1 : 0;
  EXPECT_GT(illegal, 5U);
}

TEST(AutoTvm, LearnsFromFailuresAndPlansWhatItPredicts) {
  const auto result = tune("autotvm", 256, 1);
  const auto illegal_in = [&](size_t begin, size_t end) {
    size_t count = 0;
    for (size_t i = begin; i < end; ++i) count += result.history[i].status != MeasureStatus::kOk ? 1 : 0;
    return count;
  };
  EXPECT_LT(illegal_in(192, 256), illegal_in(0, 64));
}

TEST(AutoTvm, EndsWhenNothingBetterComesForLong) {
  const auto all = tune("autotvm", 2000, 1, {{"early_stopping", 100}});
  ASSERT_LT(all.history.size(), 2000U);
  size_t best_at = 0;
  for (size_t i = 0; i < all.history.size(); ++i) {
    if (all.history[i].index == all.best.index) best_at = i + 1;
  }
  EXPECT_GE(all.history.size(), best_at + 100);
  EXPECT_LT(all.history.size(), best_at + 100 + 16);
}

TEST(AutoTvm, BeginsWithWhatOtherTasksMeasured) {
  const TestingSpace other(2);  // the same layer with another ripple
  const auto theirs = run_tuner(*make_tuner("random", other, nullptr, 1), testing_measurer(other), 600);
  const auto best_of_first_plan = [&](bool transfer) {
    double best = 1e30;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const auto tuner = make_tuner("autotvm", testing_space(), {{"transfer", transfer}}, seed);
      tuner->learn_from_others({{other, theirs.history}});
      best = std::min(best, run_tuner(*tuner, testing_measurer(testing_space()), 48).best.cycles);
    }
    return best;
  };
  EXPECT_LT(best_of_first_plan(true), 1.1 * testing_space().best_cycles());
  EXPECT_GT(best_of_first_plan(false), best_of_first_plan(true));
  // Too few to learn from: as without.
  const std::vector<Measurement> few(theirs.history.begin(), theirs.history.begin() + 100);
  const auto tuner = make_tuner("autotvm", testing_space(), {{"transfer", true}}, 5);
  tuner->learn_from_others({{other, few}});
  EXPECT_EQ(indices_of(run_tuner(*tuner, testing_measurer(testing_space()), 32)), indices_of(tune("autotvm", 32, 5)));
}

TEST(AutoTvm, FindsGoodOnesWithRegressionAndDiversityToo) {
  EXPECT_LT(median_regret("autotvm", 384, {{"loss", "regression"}, {"diversity_filter_ratio", 2}}), 1.1);
}

TEST(ModelAnnealing, FindsTheMaximaOfAKnownScoreButNotTheExcluded) {
  const auto& space = testing_space();
  const auto score = [](std::span<const uint64_t> indices) {
    std::vector<float> scores;
    for (const uint64_t index : indices) scores.push_back(static_cast<float>(index % 977) - 900);
    return scores;
  };
  ModelAnnealing annealing(space, {}, 1);
  const auto found = annealing.maximise(score, 20, [](uint64_t index) { return index == 976; });
  ASSERT_EQ(found.size(), 20U);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_GE(found[i] % 977, 900U);
    EXPECT_NE(found[i], 976U);
    EXPECT_GE(found[i > 0 ? i - 1 : 0] % 977, found[i] % 977);
  }
  // Negative scores drop out.
  const auto negative = [](std::span<const uint64_t> indices) { return std::vector<float>(indices.size(), -1.0F); };
  EXPECT_TRUE(annealing.maximise(negative, 20, [](uint64_t) { return false; }).empty());
}

TEST(Exhaustive, ProvesTheOptimumWithFewerMeasurementsThanTheSpaceHas) {
  const auto result = tune("exhaustive", 100'000, 1);
  EXPECT_TRUE(result.proved_optimal);
  EXPECT_EQ(result.best.index, testing_space().best_index());
  EXPECT_EQ(result.proven_bound, testing_space().best_cycles());
  EXPECT_LT(result.history.size(), testing_space().legal_count() / 2);
}

TEST(Exhaustive, TheProvenBoundRisesAndNeverLies) {
  const auto& space = testing_space();
  const auto tuner = make_exhaustive(space, {});
  EXPECT_EQ(tuner->proven_bound(), 0);
  const auto measure = testing_measurer(space);
  double last = 0;
  for (int round = 0; round < 1000 && !tuner->proved_optimal(); ++round) {
    tuner->tell(measure(tuner->ask(8)));
    EXPECT_GE(tuner->proven_bound(), last);
    EXPECT_LE(tuner->proven_bound(), space.best_cycles());
    last = tuner->proven_bound();
  }
  EXPECT_TRUE(tuner->proved_optimal());
  EXPECT_TRUE(tuner->ask(8).empty());
}

TEST(Exhaustive, IsTheSameForAnyNumberOfThreads) {
  EXPECT_EQ(indices_of(tune("exhaustive", 500, 1, {{"jobs", 1}})),
            indices_of(tune("exhaustive", 500, 1, {{"jobs", 2}})));
}

TEST(Exhaustive, RefusesSpacesItCannotEnumerate) {
  EXPECT_THAT(
      [] {
        tune("exhaustive", 10, 1, {{"most_configurations", 100}});
      },
      ThrowsMessage<UserError>(HasSubstr("most_configurations = 100")));
}

TEST(Registry, NamesTheNearestTunerAndOption) {
  EXPECT_THAT([] { tune("autotmv", 1, 1); },
              ThrowsMessage<UserError>(AllOf(HasSubstr("did you mean \"autotvm\""), HasSubstr("exhaustive"))));
  EXPECT_THAT(
      [] {
        resolve_options("genetic", {{"populaton", 7}, {"mutation", 3}, {"elite", 0.5}, {"legal_only", 1}});
      },
      ThrowsMessage<UserError>(AllOf(HasSubstr("\"population\""), HasSubstr("mutation: expected a number from 0 to 1"),
                                     HasSubstr("elite: expected a whole number"),
                                     HasSubstr("legal_only: expected true or false"))));
  EXPECT_THAT([] { resolve_options("autotvm", {{"loss", "hinge"}}); }, ThrowsMessage<UserError>(HasSubstr("\"rank\"")));
  EXPECT_THROW(resolve_options("random", nlohmann::json::array()), UserError);
}

TEST(Registry, ResolvedOptionsAreCompleteAndCanBeGivenBack) {
  const auto resolved = resolve_options("autotvm", {{"plan_size", 32}});
  EXPECT_EQ(resolved.at("plan_size"), 32);
  EXPECT_EQ(resolved.at("annealing_chains"), 128);
  EXPECT_EQ(resolved.at("loss"), "rank");
  for (const TunerInfo& info : tuner_infos()) {
    EXPECT_EQ(resolve_options(info.name, nullptr), info.defaults);
    EXPECT_EQ(resolve_options(info.name, info.defaults), info.defaults);
  }
}

}  // namespace
}  // namespace arco
