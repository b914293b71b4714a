// The closed forms of the energy against the simulator.
#include "arco/schedule/activity.h"

#include <gtest/gtest.h>

#include <vector>

#include "arco/lower/lower.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/search/estimate_samples.h"
#include "arco/sim/cycle.h"

namespace arco {
namespace {

double simulated_energy(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware) {
  const Program program = lower(workload, schedule, hardware, typical_numbers(workload));
  return energy_of(hardware, activity_of(simulate_cycles(hardware, program.instructions))).total();
}

TEST(EnergyBound, NoRandomConfigurationTakesLess) {
  Random random(7);
  std::vector<double> estimates, energies;
  while (energies.size() < 2000) {
    const HardwareConfig hw = random_hardware(random);
    const Workload workload = random_workload(random);
    const auto schedule = random_schedule(random, workload, hw);
    if (!schedule) continue;
    const double energy = simulated_energy(workload, *schedule, hw);
    const double bound = energy_bound(workload, hw);
    const double estimate = energy_estimate(workload, hw, EstimateContext(workload, hw).parts(*schedule).read_beats);
    const std::string what = hw.to_string() + ", " + workload.to_string() + ", " + schedule->to_string();
    ASSERT_LE(bound, energy) << what;
    ASSERT_LE(bound, estimate) << what;
    estimates.push_back(estimate);
    energies.push_back(energy);
  }
  EXPECT_GE(accuracy_of(estimates, energies).rank_correlation, 0.95);
}

TEST(EnergyBound, OfRealLayersIsNotFarFromTheBestSchedules) {
  const HardwareConfig vta;
  for (const NamedLayer& layer : resnet_convolutions(18)) {
    const auto schedule = best_estimated(layer.workload, vta);
    ASSERT_TRUE(schedule) << layer.name;
    const double energy = simulated_energy(layer.workload, *schedule, vta);
    EXPECT_LE(energy_bound(layer.workload, vta), energy) << layer.name;
    EXPECT_GE(energy_bound(layer.workload, vta), energy / 3) << layer.name;
  }
}

TEST(EnergyBound, OfAConvolutionThatPoolsIsNotAbove) {
  Workload w;
  w.ci = 32;
  w.h = w.w = 20;
  w.co = 32;
  w.kh = w.kw = 3;
  w.pads = {1, 1, 1, 1};
  w.has_bias = true;
  for (const int64_t stride : {1, 2, 3}) {
    PoolStage pool;
    pool.h = pool.w = 20;
    pool.kh = pool.kw = 2;
    pool.stride_h = pool.stride_w = stride;
    w.pool = pool;
    w.oh = w.ow = (20 - 2) / stride + 1;
    const HardwareConfig vta;
    const auto schedule = best_estimated(w, vta);
    ASSERT_TRUE(schedule) << w.to_string();
    EXPECT_LE(energy_bound(w, vta), simulated_energy(w, *schedule, vta)) << w.to_string();
  }
}

}  // namespace
}  // namespace arco
