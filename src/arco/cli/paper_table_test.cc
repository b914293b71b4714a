#include "arco/cli/paper_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace arco {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Reaches each of `cycles` after 10, 20, ... measurements, each of which took a second in all.
BenchRun run(BenchMode mode, const std::string& tuner, uint64_t seed, const std::vector<double>& cycles) {
  BenchRun r;
  r.network = "net";
  r.mode = mode;
  r.tuner = tuner;
  r.seed = seed;
  r.area_mm2 = 2.5;
  r.invalid = 3;
  r.fit_seconds = 2;
  for (const double c : cycles) {
    const auto n = static_cast<double>(10 * (r.curve.size() + 1));
    r.curve.push_back({static_cast<uint64_t>(n), 0.6 * n, 0.4 * n, c});
  }
  if (!cycles.empty()) r.cycles = cycles.back();
  r.total = {100, 60, 40, 0};
  return r;
}

BenchResults results() {
  BenchResults r;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    r.runs.push_back(run(BenchMode::kSoftware, "autotvm", seed, {4e6, 3e6, 2e6}));
  }
  for (uint64_t seed = 0; seed < 2; ++seed) {
    r.runs.push_back(run(BenchMode::kSoftware, "arco", seed, {2e6}));
  }
  r.runs.push_back(run(BenchMode::kChip, "genetic", 0, {1.5e6, 1.2e6, 1e6, 1e6 - 1}));
  r.runs.push_back(run(BenchMode::kChip, "genetic", 1, {}));
  r.runs.push_back(run(BenchMode::kChip, "arco", 0, {1.1e6, 0.8e6}));
  r.runs.push_back(run(BenchMode::kChip, "arco", 1, {1e6, 0.8e6}));
  r.truths.push_back({"net", BenchOptimum{2e6, true}, std::nullopt, 0.75e6});
  r.paper_trials = 64;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const double missed = seed == 1 ? 1.5 : 1;
    r.layers.push_back({"layer a", "autotvm", seed, seed == 2 ? kInfinity : 1.2e6, {1e6, true}});
    r.layers.push_back({"layer a", "arco", seed, 1e6 * missed, {1e6, true}});
    r.layers.push_back({"layer b", "arco", seed, 1.05e6, {1e6, true}});
  }
  return r;
}

TEST(PaperTable, QuartilesInterpolateAndKeepInfinity) {
  const Quartiles five = quartiles_of({5, 1, 2, 4, 3});
  EXPECT_EQ(five.low, 2);
  EXPECT_EQ(five.median, 3);
  EXPECT_EQ(five.high, 4);
  EXPECT_EQ(quartiles_of({1, 2}).median, 1.5);
  const Quartiles never = quartiles_of({kInfinity, kInfinity, 1, kInfinity});
  EXPECT_EQ(never.low, kInfinity);
  EXPECT_EQ(never.high, kInfinity);
  EXPECT_EQ(quartiles_of({7}).high, 7);
}

TEST(PaperTable, CountsWhatItTakesToReachAQuality) {
  const std::vector<BenchRow> rows = bench_rows(results());
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].milliseconds.median, 20);
  EXPECT_EQ(rows[0].speedup.median, 1);
  EXPECT_EQ(rows[0].to_own_99.median, 30);
  EXPECT_EQ(rows[0].to_best_99.median, 30);
  EXPECT_EQ(rows[0].seconds_to_best_99.median, 30);
  EXPECT_EQ(rows[0].board_seconds.median, 100 + 40);
  EXPECT_EQ(rows[1].to_own_99.median, 10);
  EXPECT_EQ(rows[1].search_seconds.median, 40 - 2);
  // One of two seeds found nothing: the median lies between a number and infinity.
  EXPECT_EQ(rows[2].tuner, "genetic");
  EXPECT_EQ(rows[2].milliseconds.median, kInfinity);
  EXPECT_DOUBLE_EQ(rows[3].speedup.median, 2.5);
}

TEST(PaperTable, RacesAgainstTheBestBaselineOfTheMode) {
  BenchResults some = results();
  std::erase_if(some.runs, [](const BenchRun& r) { return !r.cycles; });
  const std::vector<BenchRace> races = bench_races(some);
  ASSERT_EQ(races.size(), 2U);
  EXPECT_EQ(races[0].baseline, "autotvm");
  EXPECT_EQ(races[0].baseline_measurements, 30);
  EXPECT_EQ(races[0].arco_measurements, 10);
  EXPECT_EQ(races[1].baseline, "genetic");
  EXPECT_EQ(races[1].baseline_measurements, 40);
  EXPECT_EQ(races[1].arco_measurements, 20);
  EXPECT_EQ(races[1].arco_seconds, 20);
  EXPECT_EQ(races[1].arco_board_seconds, 20 + 8);
}

TEST(PaperTable, JudgesLayersByTheirMedians) {
  const std::vector<BenchNearness> nearness = bench_nearness(results());
  ASSERT_EQ(nearness.size(), 2U);
  EXPECT_EQ(nearness[0].tuner, "autotvm");
  EXPECT_EQ(nearness[0].layers_within, 0);
  EXPECT_EQ(nearness[1].layers, 2U);
  EXPECT_EQ(nearness[1].layers_within, 0.5);
  EXPECT_DOUBLE_EQ(nearness[1].runs_within, 2.0 / 6);
  EXPECT_NEAR(nearness[1].worst_gap, 0.05, 1e-12);
}

TEST(PaperTable, SaysOfEveryBarWhetherItHolds) {
  BenchResults some = results();
  std::erase_if(some.runs, [](const BenchRun& r) { return !r.cycles; });
  std::vector<std::string> verdicts;
  for (const BenchBar& bar : bench_bars(some)) verdicts.push_back(bar.where + (bar.holds() ? " pass" : " MISS"));
  EXPECT_THAT(verdicts, ElementsAre("net pass", "net pass", "paper space MISS", "net, software pass",
                                    "net, software pass", "net, chip pass", "net, chip pass"));
}

TEST(PaperTable, ReadsAsText) {
  const std::string text = bench_text(results(), {});
  const std::string head =
      "net: the convolutions\n"
      "mode      tuner         ms [quartiles]  x autotvm   mm^2  measured  invalid  to own 99%  in s  to best 99%  in "
      "s  "
      "wall s  measure  fit  search  board s\n";
  EXPECT_EQ(text.substr(0, head.size()), head);
  EXPECT_THAT(text,
              HasSubstr("software  autotvm  20.00 [20.00 20.00]       1.00  2.500       100        3          30  "
                        "30.0           30  30.0   100.0     60.0  2.0    38.0      140\n"));
  EXPECT_THAT(text, HasSubstr("optimum of mode software: 20.00 ms (proven)\n"
                              "no chip within the budget needs less than 7.50 ms (rung: bound)\n"));
  EXPECT_THAT(text, HasSubstr("Paper space: distance of each layer to its exhaustive optimum after 64 measurements\n"
                              "tuner    layers  within 1 %  single searches    gap [quartiles] %  worst %\n"
                              "-------  ------  ----------  ---------------  -------------------  -------\n"
                              "autotvm       1       0.0 %            0.0 %  20.00 [20.00 20.00]    20.00\n"));
  EXPECT_THAT(text, HasSubstr("What should hold\n"));
}

TEST(PaperTable, IsCompleteForMachines) {
  const nlohmann::json document = nlohmann::json::parse(bench_json(results(), {}).dump());
  EXPECT_EQ(document["runs"].size(), 8U);
  EXPECT_TRUE(document["runs"][5]["cycles"].is_null());
  EXPECT_EQ(document["layers"].size(), 9U);
  EXPECT_TRUE(document["layers"][6]["cycles"].is_null());
  EXPECT_EQ(document["truths"][0]["software"]["proved"], true);
  EXPECT_TRUE(document["truths"][0]["paper"].is_null());
  EXPECT_EQ(document["bars"].size(), bench_bars(results()).size());
  const std::string csv = bench_csv(results());
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 9);
  EXPECT_THAT(csv, HasSubstr("\nnet,chip,arco,1,800000,2.5000,100,3,100.0000,60.0000,2.0000,20,20.0000\n"));
}

}  // namespace
}  // namespace arco
