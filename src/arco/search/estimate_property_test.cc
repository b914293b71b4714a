// The closed forms against the simulator. ARCO_TEST_ALL=1 in the environment looks at 10^5 random configurations and
// all schedules' neighbourhoods; without it at a sample that takes seconds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "arco/lower/lower.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/search/estimate_samples.h"
#include "arco/sim/cycle.h"

namespace arco {
namespace {

bool everything() {
  return std::getenv("ARCO_TEST_ALL") != nullptr;
}

double simulated(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware,
                 const TimingModel& timing = {}) {
  const Program program = lower(workload, schedule, hardware, typical_numbers(workload));
  return static_cast<double>(simulate_cycles(hardware, program.instructions, timing).cycles);
}

std::string describe(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware) {
  return hardware.to_string() + ", " + workload.to_string() + ", " + schedule.to_string();
}

TEST(CycleBound, NoRandomConfigurationBeatsIt) {
  const size_t wanted = everything() ? 100000 : 3000;
  Random random(everything() ? 2 : 1);
  std::vector<double> estimates, cycles;
  while (cycles.size() < wanted) {
    const HardwareConfig hw = random_hardware(random);
    const Workload workload = random_workload(random);
    const EstimateContext context(workload, hw);
    for (int i = 0; i < 3; ++i) {
      const auto schedule = random_schedule(random, workload, hw);
      if (!schedule) continue;
      const CycleCost cost = context.cost(*schedule);
      cycles.push_back(simulated(workload, *schedule, hw));
      estimates.push_back(cost.estimate);
      ASSERT_LE(cost.bound, cycles.back()) << describe(workload, *schedule, hw);
      ASSERT_LE(cost.bound, cost.estimate) << describe(workload, *schedule, hw);
    }
  }
  const Accuracy accuracy = accuracy_of(estimates, cycles);
  RecordProperty("mean_absolute_error", std::to_string(accuracy.mean_absolute_error));
  EXPECT_LE(accuracy.mean_absolute_error, 0.03);
  EXPECT_LE(std::abs(accuracy.bias), 0.02);
}

// The best schedules by estimate, and some from anywhere: what a tuner measures.
std::vector<std::pair<CycleCost, Schedule>> tuned_and_others(const Workload& workload, const HardwareConfig& hw,
                                                             size_t best, size_t others) {
  const EstimateContext context(workload, hw);
  std::vector<std::pair<CycleCost, Schedule>> all;
  for_each_legal(workload, hw, [&](const Schedule& s) { all.emplace_back(context.cost(s), s); });
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first.estimate < b.first.estimate; });
  std::vector<std::pair<CycleCost, Schedule>> chosen(all.begin(),
                                                     all.begin() + static_cast<long>(std::min(best, all.size())));
  Random random(5);
  for (size_t i = 0; i < others && all.size() > best; ++i)
    chosen.push_back(all[best + random.below(all.size() - best)]);
  return chosen;
}

class Chips : public ::testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(All, Chips, ::testing::Values(0, 1, 2, 3));

TEST_P(Chips, TunedLayersOfTheZooLieCloseAboveTheBound) {
  const HardwareConfig hw = sample_chips()[GetParam()];
  const size_t best = everything() ? 50 : 8;
  std::vector<double> gaps, estimates, cycles;
  for (const NamedLayer& layer : zoo_layers()) {
    for (const auto& [cost, schedule] : tuned_and_others(layer.workload, hw, best, 0)) {
      cycles.push_back(simulated(layer.workload, schedule, hw));
      estimates.push_back(cost.estimate);
      gaps.push_back(cycles.back() / cost.bound - 1);
      ASSERT_LE(cost.bound, cycles.back()) << layer.name << ": " << describe(layer.workload, schedule, hw);
    }
  }
  const Accuracy accuracy = accuracy_of(estimates, cycles);
  EXPECT_LE(median(gaps), 0.10) << hw.to_string();
  EXPECT_LE(accuracy.mean_absolute_error, 0.03) << hw.to_string();
  EXPECT_LE(std::abs(accuracy.bias), 0.02) << hw.to_string();
}

TEST_P(Chips, EstimatesRankTheSchedulesOfALayer) {
  const HardwareConfig hw = sample_chips()[GetParam()];
  std::vector<double> all_estimates, all_cycles;
  for (const NamedLayer& layer : resnet_convolutions(18)) {
    std::vector<double> estimates, cycles;
    for (const auto& [cost, schedule] : tuned_and_others(layer.workload, hw, 0, everything() ? 1000 : 40)) {
      cycles.push_back(simulated(layer.workload, schedule, hw));
      estimates.push_back(cost.estimate);
    }
    // Small layers have few schedules and many of nearly equal cycles.
    EXPECT_GE(accuracy_of(estimates, cycles).rank_correlation, 0.97) << layer.name << " " << hw.to_string();
    all_estimates.insert(all_estimates.end(), estimates.begin(), estimates.end());
    all_cycles.insert(all_cycles.end(), cycles.begin(), cycles.end());
  }
  const Accuracy accuracy = accuracy_of(all_estimates, all_cycles);
  EXPECT_GE(accuracy.rank_correlation, 0.99) << hw.to_string();
  EXPECT_LE(accuracy.mean_absolute_error, 0.03) << hw.to_string();
}

// tvm-vta pull request 30 gives the cycles of two networks before (G0) and after (G1) GEMM was pipelined, for the
// default configuration and per-layer tuned schedules (vta-isa 6).
struct Published {
  int depth;
  Generation generation;
  double cycles;
};

class PublishedTotals : public ::testing::TestWithParam<Published> {};
INSTANTIATE_TEST_SUITE_P(All, PublishedTotals,
                         ::testing::Values(Published{18, Generation::kG1, 7729601},
                                           Published{34, Generation::kG1, 15736441},
                                           Published{18, Generation::kG0, 27679515},
                                           Published{34, Generation::kG0, 57471735}));

TEST_P(PublishedTotals, AreWithinFifteenPercent) {
  const HardwareConfig hw;
  TimingModel timing;
  timing.generation = GetParam().generation;
  double total = 0;
  for (const NamedLayer& layer : resnet_convolutions(GetParam().depth)) {
    double least = 1e18;
    for (const auto& [cost, schedule] : tuned_and_others(layer.workload, hw, everything() ? 200 : 12, 0)) {
      least = std::min(least, simulated(layer.workload, schedule, hw, timing));
    }
    total += layer.uses * least;
  }
  RecordProperty("total", std::to_string(total));
  EXPECT_GE(total, 0.85 * GetParam().cycles);
  EXPECT_LE(total, 1.15 * GetParam().cycles);
}

}  // namespace
}  // namespace arco
