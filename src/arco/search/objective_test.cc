#include "arco/search/objective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "arco/base/error.h"
#include "arco/search/pareto.h"
#include "arco/search/pareto_search.h"
#include "arco/search/test_workload.h"

namespace arco {
namespace {

using testing::HasSubstr;

using testing_support::convolution;

std::vector<WeightedTask> network() {
  return {{convolution(32, 14, 64, 3), 2}, {convolution(64, 14, 32, 1), 1}};
}

CoOptimiserOptions quick(Objective objective) {
  CoOptimiserOptions options;
  options.space.kind = SpaceKind::kPaper;
  options.space.budget = default_budget();
  options.space.objective = objective;
  options.tuner.options = {{"first_updates", 1}, {"plan_updates", 1}, {"episodes", 8}, {"steps", 8}};
  options.trials = 48;
  options.layer_trials = 16;
  options.reference = false;
  options.jobs = 1;
  return options;
}

class ObjectiveTest : public testing::Test {
 protected:
  ObjectiveTest() : folder_(std::filesystem::path(testing::TempDir()) / fmt::format("arco_objective_{}", getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~ObjectiveTest() override { std::filesystem::remove_all(folder_); }
  Design tune(const CoOptimiserOptions& options) {
    RecordStore records(folder_ / fmt::format("{}.db", ++stores_));
    return co_optimise(network(), options, records, {});
  }
  std::filesystem::path folder_;
  int stores_ = 0;
};

TEST(Objective, CostsGrowWithEveryMetric) {
  const Metrics metrics{1000, 5e6, 2.5};
  for (const Objective objective : objectives()) {
    const double cost = cost_of(objective, metrics);
    EXPECT_GT(cost, 0) << to_string(objective);
    EXPECT_LE(cost, cost_of(objective, {1001, 5e6, 2.5}));
    EXPECT_LE(cost, cost_of(objective, {1000, 6e6, 2.5}));
    EXPECT_LE(cost, cost_of(objective, {1000, 5e6, 2.6}));
    EXPECT_EQ(parse_objective(to_string(objective), "--objective"), objective);
  }
  EXPECT_LT(cost_of(Objective::kArea, {1e12, 0, 2.5}), cost_of(Objective::kArea, {1, 0, 2.51}));
  EXPECT_LT(cost_of(Objective::kArea, {1000, 0, 2.5}), cost_of(Objective::kArea, {2000000, 0, 2.5}));
}

TEST(Objective, ValuesAreInTheUnitsOfPeople) {
  const Metrics metrics{2e6, 5e6, 2.5};  // 20 ms at 100 MHz
  EXPECT_DOUBLE_EQ(value_of(Objective::kLatency, metrics, 4), 20);
  EXPECT_DOUBLE_EQ(value_of(Objective::kThroughput, metrics, 4), 200);
  EXPECT_DOUBLE_EQ(value_of(Objective::kEnergy, metrics, 4), 5);
  EXPECT_DOUBLE_EQ(value_of(Objective::kEdp, metrics, 4), 100);
  EXPECT_DOUBLE_EQ(value_of(Objective::kArea, metrics, 4), 2.5);
  for (const Objective objective : {Objective::kLatency, Objective::kEnergy, Objective::kEdp}) {
    EXPECT_DOUBLE_EQ(value_of_cost(objective, cost_of(objective, metrics)), value_of(objective, metrics, 1));
  }
}

TEST(Objective, MoreEnergyThanAllowedIsWorseThanAnything) {
  const Metrics fast{1000, 5e6, 2.5};
  const Metrics frugal{900000, 3e6, 2.5};
  EXPECT_LT(cost_within(Objective::kLatency, frugal, 4e6), cost_within(Objective::kLatency, fast, 4e6));
  EXPECT_EQ(cost_within(Objective::kLatency, fast, 6e6), 1000);
  EXPECT_EQ(cost_within(Objective::kLatency, fast, std::nullopt), 1000);
}

TEST(Objective, NamesTheNearest) {
  try {
    parse_objective("latencey", "--objective");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean \"latency\"?"));
    EXPECT_THAT(error.what(), HasSubstr("latency, throughput, energy, edp, area"));
  }
}

TEST_F(ObjectiveTest, EachSearchIsTheBestInItsOwn) {
  std::vector<Design> designs;
  for (const Objective objective : objectives()) {
    designs.push_back(tune(quick(objective)));
    EXPECT_EQ(designs.back().objective, to_string(objective));
    EXPECT_LE(designs.back().network_bound, cost_of(objective, designs.back().metrics())) << to_string(objective);
    EXPECT_GT(designs.back().network_bound, 0);
  }
  for (size_t i = 0; i < designs.size(); ++i) {
    for (const Design& other : designs) {
      EXPECT_LE(cost_of(objectives()[i], designs[i].metrics()), cost_of(objectives()[i], other.metrics()))
          << designs[i].objective << " against the design for " << other.objective;
    }
  }
  EXPECT_LT(designs[4].area_mm2, designs[0].area_mm2);
}

TEST_F(ObjectiveTest, TheEnergyBudgetHoldsOrIsRefused) {
  const Design fast = tune(quick(Objective::kLatency));
  const Design frugal = tune(quick(Objective::kEnergy));
  ASSERT_LT(frugal.energy_pj, fast.energy_pj);
  CoOptimiserOptions options = quick(Objective::kLatency);
  options.space.budget.energy_pj = (fast.energy_pj + frugal.energy_pj) / 2;
  const Design between = tune(options);
  EXPECT_LE(between.energy_pj, *options.space.budget.energy_pj);
  EXPECT_GE(between.cycles, fast.cycles);
  options.space.budget.energy_pj = 1;
  EXPECT_THROW(tune(options), UserError);
  options.space.budget.energy_pj = 0.999 * frugal.network_bound;
  EXPECT_THROW(tune(options), UserError);
}

// What the closed form promises of the front holds against every chip tried by itself.
TEST_F(ObjectiveTest, NothingBeatsACertificate) {
  RecordStore records(folder_ / "front.db");
  const std::vector<Objective> wanted{Objective::kLatency, Objective::kArea, Objective::kEnergy};
  const DesignFront front = search_front(network(), wanted, 6, quick(Objective::kLatency), records, {});
  ASSERT_GE(front.points.size(), 3U);
  EXPECT_GE(front.chips, front.promising);
  for (const FrontPoint& point : front.points) {
    for (const FrontPoint& other : front.points) EXPECT_FALSE(dominates(other.costs, point.costs));
    for (size_t k = 0; k < wanted.size(); ++k) EXPECT_LE(point.bounds[k], point.costs[k]);
    EXPECT_EQ(point.design.network_bound, point.bounds[0]);
  }
  for (const Objective objective : wanted) {
    const Design best = tune(quick(objective));
    for (const FrontPoint& point : front.points) {
      for (size_t k = 0; k < wanted.size(); ++k) {
        bool as_good = true;
        for (size_t j = 0; j < wanted.size(); ++j) {
          as_good &= j == k || cost_of(wanted[j], best.metrics()) <= point.costs[j];
        }
        EXPECT_TRUE(!as_good || cost_of(wanted[k], best.metrics()) >= point.bounds[k]);
      }
    }
  }
}

TEST_F(ObjectiveTest, TheFrontReachesTheBestOfTheFirstObjective) {
  RecordStore records(folder_ / "front.db");
  const DesignFront front =
      search_front(network(), {Objective::kLatency, Objective::kArea}, 8, quick(Objective::kLatency), records, {});
  const Design fast = tune(quick(Objective::kLatency));
  EXPECT_LE(front.points.front().costs[0], 1.02 * fast.cycles);
  EXPECT_LT(front.points.back().costs[1], front.points.front().costs[1]);
}

}  // namespace
}  // namespace arco
