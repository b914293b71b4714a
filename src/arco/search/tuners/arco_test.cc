// The ARCO tuner on a space with a known optimum.
#include "arco/search/tuners/arco.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "arco/base/error.h"
#include "arco/search/history.h"
#include "arco/search/legal_points.h"
#include "arco/search/testing_space.h"

namespace arco {
namespace {

// The testing space with closed forms of chosen quality: bound = tightness * cycles, estimate = cycles within +-30 %.
class ClosedFormSpace : public SearchSpace {
 public:
  explicit ClosedFormSpace(double tightness) : tightness_(tightness) { knobs_ = truth_.knobs(); }

  std::string why_illegal(const Choice& choice) const override { return truth_.why_illegal(choice); }
  size_t feature_count() const override { return truth_.feature_count(); }
  void features(const Choice& choice, std::span<float> out) const override { truth_.features(choice, out); }
  std::vector<float> workload_descriptor() const override { return truth_.workload_descriptor(); }
  Resources resources(const Choice& choice) const override { return truth_.resources(choice); }
  double bound(const Choice& choice) const override { return tightness_ * truth_.cycles(choice); }
  double estimate(const Choice& choice) const override {
    // Wrong in a way that trees can learn: by the tile's shape and the threads.
    return truth_.cycles(choice) * (0.7 + 0.1 * std::abs(choice[4] - choice[5]) + 0.1 * choice[2]);
  }
  Choice default_choice() const override { return truth_.default_choice(); }

  Measurer measurer() const { return testing_measurer(truth_); }
  uint64_t best_index() const { return truth_.best_index(); }
  double best_cycles() const { return truth_.best_cycles(); }
  size_t legal_count() const { return truth_.legal_count(); }

 private:
  TestingSpace truth_;
  double tightness_;
};

// Bounds so loose that they prune next to nothing.
const ClosedFormSpace& space() {
  static const ClosedFormSpace instance(0.2);
  return instance;
}

// The defaults with fewer updates: tests are about the tuner, not about how well agents learn.
ArcoOptions quick() {
  ArcoOptions options;
  options.first_updates = 2;
  options.plan_updates = 1;
  options.environment.episodes = 32;
  options.environment.steps = 12;
  options.actor_width = options.critic_width = 16;
  return options;
}

TuneResult tune(const ArcoOptions& options, size_t trials, uint64_t seed, size_t batch = 16) {
  ArcoTuner tuner(space(), options, seed);
  return run_tuner(tuner, space().measurer(), trials, batch);
}

std::vector<uint64_t> indices_of(const TuneResult& result) {
  std::vector<uint64_t> indices;
  for (const Measurement& m : result.history) indices.push_back(m.index);
  return indices;
}

double median_regret(const ArcoOptions& options, size_t trials) {
  std::vector<double> ratios;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    ratios.push_back(tune(options, trials, seed).best.cycles / space().best_cycles());
  }
  std::ranges::sort(ratios);
  return ratios[1];
}

TEST(Arco, FindsTheOptimumInFewMeasurements) {
  EXPECT_LT(median_regret(quick(), 64), 1.01);
}

TEST(Arco, AgentsAloneFindGoodConfigurations) {
  ArcoOptions options;
  options.exact_share = 0;
  options.enumerate_limit = 0;
  options.prune = false;
  options.surrogate.estimate_as_prior = false;
  options.initial_by_bound = 0;
  options.first_updates = 0;
  options.plan_updates = 2;
  options.patience_rounds = 0;
  options.environment.episodes = 32;
  options.actor_width = options.critic_width = 32;
  EXPECT_LT(tune(options, 256, 1).best.cycles, 1.1 * space().best_cycles());
}

TEST(Arco, PaperPresetSearchesToo) {
  ArcoPaperOptions options;
  options.environment.episodes = 32;
  options.environment.steps = 32;
  options.batch = 32;
  EXPECT_LT(tune(options, 256, 1).best.cycles, 1.1 * space().best_cycles());
}

TEST(Arco, EveryAblationSearches) {
  std::vector<std::pair<const char*, ArcoOptions>> ablations(5, {"", quick()});
  ablations[0].first = "no-confidence-sampling";
  ablations[0].second.use_confidence_sampling = false;
  ablations[1].first = "single-agent";
  ablations[1].second.agents.single_agent = true;
  ablations[2].first = "independent-critics";
  ablations[2].second.agents.independent_critics = true;
  ablations[3].first = "paper-reward";
  ablations[3].second.environment.paper_reward = true;
  ablations[4].first = "not listed";
  ablations[4].second.enumerate_limit = 0;
  for (auto& [name, options] : ablations) {
    const TuneResult result = tune(options, 96, 1);
    EXPECT_LT(result.best.cycles, 1.05 * space().best_cycles()) << name;
    const auto indices = indices_of(result);
    EXPECT_EQ(std::set<uint64_t>(indices.begin(), indices.end()).size(), indices.size()) << name;
  }
}

TEST(Arco, MeasuresLegalConfigurationsThatCouldWin) {
  ArcoTuner tuner(space(), quick(), 2);
  double best = 1e30;
  for (int round = 0; round < 5; ++round) {
    const auto asked = tuner.ask(16);
    const auto results = space().measurer()(asked);
    for (const Measurement& m : results) {
      EXPECT_EQ(m.status, MeasureStatus::kOk);
      EXPECT_LT(space().bound(space().decode(m.index)), best);
    }
    for (const Measurement& m : results) best = std::min(best, m.cycles);
    tuner.tell(results);
  }
}

TEST(Arco, TheSeedDecidesEverything) {
  EXPECT_EQ(indices_of(tune(quick(), 80, 5)), indices_of(tune(quick(), 80, 5)));
  EXPECT_NE(indices_of(tune(quick(), 80, 5)), indices_of(tune(quick(), 80, 6)));
  ArcoOptions threaded = quick();
  threaded.jobs = 2;
  EXPECT_EQ(indices_of(tune(threaded, 80, 5)), indices_of(tune(quick(), 80, 5)));
}

TEST(Arco, ContinuesFromATold) {
  const TuneResult first = tune(quick(), 40, 1);
  ArcoTuner tuner(space(), quick(), 2);
  const TuneResult second = run_tuner(tuner, space().measurer(), 80, 16, first.history);
  const auto indices = indices_of(second);
  EXPECT_EQ(std::set<uint64_t>(indices.begin(), indices.end()).size(), indices.size());
  EXPECT_LE(second.best.cycles, first.best.cycles);
  EXPECT_GT(indices.size(), 40U);
}

TEST(Arco, TellsWhyItAsked) {
  ArcoTuner tuner(space(), quick(), 1);
  std::map<ChoiceReason, int> count;
  for (size_t asked_for = 0; asked_for < 48;) {
    const auto asked = tuner.ask(16);
    ASSERT_FALSE(asked.empty());
    for (const uint64_t index : asked) {
      ASSERT_TRUE(tuner.reason(index));
      ++count[*tuner.reason(index)];
    }
    asked_for += asked.size();
    tuner.tell(space().measurer()(asked));
  }
  EXPECT_EQ(count[ChoiceReason::kInitial], 16);
  EXPECT_EQ(count[ChoiceReason::kExact], 16);
  EXPECT_EQ(count[ChoiceReason::kRandom], 2);
  EXPECT_GT(count[ChoiceReason::kKept], 5);
  EXPECT_FALSE(tuner.reason(space().size() - 1));
}

TEST(Arco, WhatIsCheapToChooseIsMeasuredBeforeTheAgentsTrain) {
  ArcoTuner tuner(space(), quick(), 1);
  const auto untrained = tuner.save_agents();
  tuner.tell(space().measurer()(tuner.ask(16)));
  const auto exact = tuner.ask(16);
  EXPECT_EQ(exact.size(), 8U);
  for (const uint64_t index : exact) EXPECT_EQ(tuner.reason(index), ChoiceReason::kExact);
  EXPECT_EQ(tuner.save_agents(), untrained);
  tuner.tell(space().measurer()(exact));
  const auto agents = tuner.ask(16);
  EXPECT_NE(tuner.save_agents(), untrained);
  EXPECT_EQ(agents.size(), 8U);
  for (const uint64_t index : agents) EXPECT_NE(tuner.reason(index), ChoiceReason::kExact);
}

// The best bounds first: the default may take long to measure.
TEST(Arco, FirstBatchHoldsTheBestBoundsAndTheDefault) {
  ArcoTuner tuner(space(), {}, 1);
  const auto asked = tuner.ask(16);
  ASSERT_EQ(asked.size(), 16U);
  EXPECT_EQ(asked[5], space().encode(space().default_choice()));
  size_t better = 0;
  for (uint64_t index = 0; index < space().size(); ++index) {
    const Choice choice = space().decode(index);
    if (space().legal(choice) && space().bound(choice) < space().bound(space().decode(asked[0]))) ++better;
  }
  EXPECT_EQ(better, 0U);
}

TEST(Arco, AnswersTwoAsksInARowAndOddCounts) {
  ArcoTuner tuner(space(), quick(), 3);
  std::set<uint64_t> all;
  size_t count = 0;
  for (const size_t wanted : {40U, 1U, 0U, 7U}) {
    const auto asked = tuner.ask(wanted);
    EXPECT_LE(asked.size(), wanted);
    EXPECT_EQ(asked.empty(), wanted == 0);
    all.insert(asked.begin(), asked.end());
    count += asked.size();
  }
  EXPECT_EQ(all.size(), count);
}

TEST(Arco, ProvesTheOptimumWithGoodBounds) {
  const ClosedFormSpace tight(0.97);
  ArcoOptions options = quick();
  options.patience_rounds = 0;
  ArcoTuner tuner(tight, options, 1);
  EXPECT_FALSE(tuner.proved_optimal());
  const TuneResult result = run_tuner(tuner, tight.measurer(), 1000);
  EXPECT_TRUE(result.proved_optimal);
  EXPECT_EQ(result.best.index, tight.best_index());
  EXPECT_EQ(result.proven_bound, tight.best_cycles());
  EXPECT_LT(result.history.size(), 200U);
  EXPECT_TRUE(tuner.ask(16).empty());
}

TEST(Arco, EndsWhenNothingGetsBetter) {
  ArcoOptions options = quick();
  options.patience_rounds = 2;
  options.enumerate_limit = 0;
  const TuneResult result = tune(options, 2000, 1);
  EXPECT_LT(result.history.size(), 400U);
  EXPECT_FALSE(result.proved_optimal);
}

TEST(Arco, InAListedSpaceTheArgmaxGoesOnWhenTheAgentsRest) {
  ArcoOptions options = quick();
  options.patience_rounds = 2;
  ArcoTuner tuner(space(), options, 1);
  const TuneResult result = run_tuner(tuner, space().measurer(), 400, 16);
  ASSERT_EQ(result.history.size(), 400U);
  for (size_t i = 300; i < 400; ++i) EXPECT_EQ(tuner.reason(result.history[i].index), ChoiceReason::kExact);
  EXPECT_EQ(result.best.index, space().best_index());
}

TEST(Arco, PromisesMuchAtFirstAndNothingOnceProved) {
  ArcoTuner tuner(space(), quick(), 1);
  EXPECT_EQ(tuner.promise(), std::numeric_limits<double>::infinity());
  tuner.tell(space().measurer()(tuner.ask(16)));
  EXPECT_GT(tuner.promise(), 0);
  EXPECT_LT(tuner.promise(), 1e9);
  const ClosedFormSpace tight(0.97);
  ArcoTuner prover(tight, quick(), 1);
  ASSERT_TRUE(run_tuner(prover, tight.measurer(), 1000).proved_optimal);
  EXPECT_EQ(prover.promise(), 0);
}

TEST(Arco, AgentsMoveBetweenTuners) {
  ArcoTuner first(space(), quick(), 1), second(space(), quick(), 2);
  first.tell(space().measurer()(first.ask(16)));
  first.ask(16);
  EXPECT_NE(first.save_agents(), second.save_agents());
  second.load_agents(first.save_agents(), "agents.bin");
  EXPECT_EQ(first.save_agents(), second.save_agents());
  EXPECT_THROW(second.load_agents({}, "agents.bin"), UserError);
}

// A space of one configuration, legal or not.
class PointSpace : public TestingSpace {
 public:
  explicit PointSpace(bool is_legal) : legal_(is_legal) {
    for (Knob& knob : knobs_) knob.values = {1};
  }
  std::string why_illegal(const Choice&) const override { return legal_ ? "" : "nothing is legal here"; }
  Choice default_choice() const override { return Choice(7, 0); }

 private:
  bool legal_;
};

TEST(Arco, EndsInASpaceOfOne) {
  for (const bool is_legal : {true, false}) {
    const PointSpace point(is_legal);
    for (const uint64_t enumerate_limit : {0, 1000}) {
      ArcoOptions options = quick();
      options.enumerate_limit = enumerate_limit;
      ArcoTuner tuner(point, options, 1);
      const TuneResult result = run_tuner(tuner, testing_measurer(point), 50);
      EXPECT_EQ(result.history.size(), is_legal ? 1U : 0U);
      EXPECT_EQ(result.proved_optimal, is_legal && enumerate_limit > 0);
    }
  }
}

TEST(LegalPoints, ListsAndDrawsWhatIsLegal) {
  LegalPoints points(space(), 2);
  ASSERT_EQ(points.by_bound().size(), space().legal_count());
  EXPECT_TRUE(std::ranges::is_sorted(points.by_bound(), {}, &LegalPoint::bound));
  for (size_t i = 1; i < points.by_estimate().size(); ++i) {
    EXPECT_LE(points.by_bound()[points.by_estimate()[i - 1]].estimate,
              points.by_bound()[points.by_estimate()[i]].estimate);
  }
  const double limit = points.by_bound()[40].bound;
  ASSERT_EQ(points.count_below(limit), 40U);
  History history(space());
  Random random(1);
  std::set<uint64_t> drawn;
  while (const auto index = points.draw_unvisited(history, limit, random)) {
    EXPECT_LT(space().bound(space().decode(*index)), limit);
    EXPECT_TRUE(drawn.insert(*index).second);
    history.mark_asked(*index);
  }
  EXPECT_EQ(drawn.size(), 40U);
  EXPECT_EQ(points.proven_bound(history), points.by_bound()[0].bound);
}

TEST(Arco, OptionsAreCompleteAndNamed) {
  const auto json = options_to_json(ArcoPaperOptions{});
  EXPECT_EQ(json.at("batch"), 64);
  EXPECT_EQ(json.at("actor_width"), 20);
  EXPECT_EQ(options_to_json(options_from_json<ArcoPaperOptions>(json, "arco-paper")), json);
  EXPECT_THROW(options_from_json<ArcoOptions>({{"batchh", 3}}, "arco"), UserError);
}

}  // namespace
}  // namespace arco
