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
#include "arco/schedule/geometry.h"
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

// Checks of sense on lowered programs: a random point, and the same with one thing better.
struct Point {
  HardwareConfig hardware;
  Workload workload;
  Schedule schedule;
};

std::vector<Point> random_points(uint64_t seed, size_t count) {
  Random random(seed);
  std::vector<Point> points;
  while (points.size() < count) {
    Point point{random_hardware(random), random_workload(random), {}};
    const auto schedule = random_schedule(random, point.workload, point.hardware);
    if (!schedule) continue;
    point.schedule = *schedule;
    points.push_back(point);
  }
  return points;
}

TEST(Reuse, CountsTheTransfersOfTheProgramExactly) {
  for (const Point& point : random_points(14, everything() ? 5000 : 500)) {
    if (point.workload.kind != WorkloadKind::kConv2d) continue;
    const Program program = lower(point.workload, point.schedule, point.hardware, typical_numbers(point.workload));
    const CycleReport report = simulate_cycles(point.hardware, program.instructions);
    const TransferCounts counts = EstimateContext(point.workload, point.hardware).transfers(point.schedule);
    const Geometry g = geometry_of(point.workload, point.schedule, point.hardware);
    const auto loaded = [&](MemoryType type) {
      return static_cast<int64_t>(report.moved_entries[static_cast<size_t>(type)]);
    };
    const std::string what = describe(point.workload, point.schedule, point.hardware);
    EXPECT_EQ(loaded(MemoryType::kInp), counts.inp * g.inp_tile) << what;
    EXPECT_EQ(loaded(MemoryType::kWgt), counts.wgt * g.wgt_tile) << what;
    EXPECT_EQ(loaded(MemoryType::kAcc), counts.bias * g.bias_tile) << what;
  }
}

TEST(CycleSense, LargerBuffersNeverCostCycles) {
  for (const Point& point : random_points(11, everything() ? 2000 : 150)) {
    const double before = simulated(point.workload, point.schedule, point.hardware);
    for (int HardwareConfig::*buffer : {&HardwareConfig::log2_uop_buffer, &HardwareConfig::log2_inp_buffer,
                                        &HardwareConfig::log2_wgt_buffer, &HardwareConfig::log2_acc_buffer}) {
      HardwareConfig larger = point.hardware;
      larger.*buffer += 1;
      if (!larger.violations().empty()) continue;
      // A reload of micro-ops less can shift the other transfers against each other (docs/cycle-model.md, Anomalies).
      EXPECT_LE(simulated(point.workload, point.schedule, larger), 1.01 * before)
          << describe(point.workload, point.schedule, point.hardware);
    }
  }
}

// Rows of a single beat: what they take goes up and down with the delay (docs/cycle-model.md, Anomalies).
bool has_rows_of_a_beat(const Program& program) {
  return std::ranges::any_of(program.instructions, [&](const Instruction& instruction) {
    if (instruction.opcode != Opcode::kLoad || instruction.memory.y_size < 2) return false;
    const int64_t bits = instruction.memory.x_size * dram_element_bytes(program.hardware, instruction.memory.type) * 8;
    return bits <= program.hardware.bus_bits;
  });
}

TEST(CycleSense, FasterMemoryNeverCostsMoreThanContentionNoise) {
  const std::vector<Point> points = random_points(12, everything() ? 2000 : 150);
  size_t compared = 0;
  for (const Point& point : points) {
    const Program program = lower(point.workload, point.schedule, point.hardware, typical_numbers(point.workload));
    if (has_rows_of_a_beat(program)) continue;
    ++compared;
    TimingModel fast;
    fast.memory_delay = 4;
    const auto cycles = [&](const TimingModel& timing) {
      return static_cast<double>(simulate_cycles(point.hardware, program.instructions, timing).cycles);
    };
    EXPECT_LE(cycles(fast), 1.01 * cycles({})) << describe(point.workload, point.schedule, point.hardware);
  }
  EXPECT_GE(compared, points.size() / 2);
}

TEST(CycleSense, OverlapNeverLosesToDoingOneThingAfterTheOther) {
  for (const Point& point : random_points(13, everything() ? 2000 : 150)) {
    const Program program = lower(point.workload, point.schedule, point.hardware, typical_numbers(point.workload));
    std::vector<TraceEvent> trace;
    const CycleReport report = simulate_cycles(point.hardware, program.instructions, {}, &trace);
    uint64_t serial = 0;
    for (const TraceEvent& event : trace) serial += event.end - event.start;
    uint64_t fetching = 0;
    for (const ModuleCycles& module : report.modules) fetching = std::max(fetching, module.wait_fetch);
    // Whenever no instruction runs, all modules wait for the fetch: tokens come from instructions.
    EXPECT_LE(report.cycles, serial + fetching) << describe(point.workload, point.schedule, point.hardware);
    EXPECT_EQ(report.cycles, simulate_cycles(point.hardware, program.instructions).cycles);
  }
}

// The best schedules by estimate, and some from anywhere: what a tuner measures.
std::vector<std::pair<CycleCost, Schedule>> tuned_and_others(const Workload& workload, const HardwareConfig& hw,
                                                             size_t best, size_t others) {
  std::vector<std::pair<CycleCost, Schedule>> all;
  for_each_cost(workload, hw, {}, [&](const Schedule& s, const CycleCost& cost) { all.emplace_back(cost, s); });
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

// tvm-vta pull request 30 gives the cycles of two networks before and after GEMM was pipelined, for the default
// configuration and per-layer tuned schedules (vta-isa 6). The ALU was pipelined in both, so "before" is G0 with the
// ALU of G1; plain G0 must come near it too.
struct Published {
  int depth;
  Generation generation;
  bool pipelined_alu;
  double cycles;
  double tolerance;
};

class PublishedTotals : public ::testing::TestWithParam<Published> {};
INSTANTIATE_TEST_SUITE_P(All, PublishedTotals,
                         ::testing::Values(Published{18, Generation::kG1, true, 7729601, 0.06},
                                           Published{34, Generation::kG1, true, 15736441, 0.06},
                                           Published{18, Generation::kG0, true, 27679515, 0.03},
                                           Published{34, Generation::kG0, true, 57471735, 0.03},
                                           Published{18, Generation::kG0, false, 27679515, 0.15},
                                           Published{34, Generation::kG0, false, 57471735, 0.15}));

TEST_P(PublishedTotals, AreReproduced) {
  const Published& published = GetParam();
  const HardwareConfig hw;
  TimingModel timing;
  timing.generation = published.generation;
  if (published.pipelined_alu) {
    const auto pipelined = static_cast<size_t>(Generation::kG1);
    timing.alu_immediate.fill(timing.alu_immediate[pipelined]);
    timing.alu_tensor.fill(timing.alu_tensor[pipelined]);
  }
  double total = 0;
  for (const NamedLayer& layer : resnet_convolutions(published.depth)) {
    double least = 1e18;
    for (const auto& [cost, schedule] : tuned_and_others(layer.workload, hw, everything() ? 200 : 12, 0)) {
      least = std::min(least, simulated(layer.workload, schedule, hw, timing));
    }
    total += layer.uses * least;
  }
  RecordProperty("total", std::to_string(total));
  EXPECT_NEAR(total / published.cycles, 1, published.tolerance);
}

}  // namespace
}  // namespace arco
