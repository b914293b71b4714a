// Speed of the closed forms, and how well they predict the simulator on the schedules a tuner would choose.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "arco/base/parallel.h"
#include "arco/lower/lower.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/search/estimate_samples.h"
#include "arco/sim/cycle.h"

namespace arco {
namespace {

std::vector<Schedule> legal_schedules(const Workload& workload, const HardwareConfig& hardware) {
  std::vector<Schedule> all;
  for_each_legal(workload, hardware, [&](const Schedule& s) { all.push_back(s); });
  return all;
}

// Closed forms of every legal schedule of a layer; items are schedules.
void ClosedForm(benchmark::State& state, Wanted wanted) {
  const HardwareConfig hardware = sample_chips()[static_cast<size_t>(state.range(0))];
  const NamedLayer layer = zoo_layers()[static_cast<size_t>(state.range(1))];
  const EstimateContext context(layer.workload, hardware);
  const std::vector<Schedule> schedules = legal_schedules(layer.workload, hardware);
  std::vector<CycleCost> costs(schedules.size());
  for (auto _ : state) {
    context.costs(schedules, costs, wanted);
    benchmark::DoNotOptimize(costs.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * schedules.size()));
  state.SetLabel(layer.name + " on " + hardware.to_string());
}
// Convolutions of all shapes, with a residual, the first layer, a pooling, dense layers, VGG-16 and AlexNet.
void every_layer(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"chip", "layer"})->ArgsProduct({{0, 1}, {0, 2, 6, 8, 9, 10, 14, 15, 16, 23, 27, 29, 32}});
}
BENCHMARK_CAPTURE(ClosedForm, bound, Wanted::kBound)->Apply(every_layer);
BENCHMARK_CAPTURE(ClosedForm, estimate, Wanted::kEstimate)->Apply(every_layer);
BENCHMARK_CAPTURE(ClosedForm, both, Wanted::kBoth)->Apply(every_layer);

void BuildContext(benchmark::State& state) {
  const HardwareConfig hardware;
  const Workload workload = resnet_convolutions(18)[0].workload;
  for (auto _ : state) benchmark::DoNotOptimize(EstimateContext(workload, hardware));
}
BENCHMARK(BuildContext)->Unit(benchmark::kMicrosecond);

// Everything a search without tuning does: all schedules, legality included. Items are legal schedules.
void BestEstimated(benchmark::State& state) {
  const HardwareConfig hardware = sample_chips()[static_cast<size_t>(state.range(0))];
  const Workload workload = resnet_convolutions(18)[0].workload;
  for (auto _ : state) benchmark::DoNotOptimize(best_estimated(workload, hardware));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * legal_schedules(workload, hardware).size()));
}
BENCHMARK(BestEstimated)->ArgName("chip")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

// Timing-only simulation of ResNet-18 with the best estimated schedules, each layer as often as the network has it, on
// one core or several.
void SimulateResnet18(benchmark::State& state) {
  const HardwareConfig hardware = sample_chips()[static_cast<size_t>(state.range(0))];
  std::vector<std::pair<Program, int>> programs;
  size_t instructions = 0;
  for (const NamedLayer& layer : zoo_layers()) {
    if (layer.name.starts_with("vgg") || layer.name.starts_with("alexnet")) continue;
    const auto schedule = best_estimated(layer.workload, hardware);
    programs.emplace_back(lower(layer.workload, *schedule, hardware, typical_numbers(layer.workload)), layer.uses);
    instructions += programs.back().first.instructions.size() * static_cast<size_t>(layer.uses);
  }
  std::vector<const Program*> layers;
  for (const auto& [program, uses] : programs) layers.insert(layers.end(), static_cast<size_t>(uses), &program);
  std::vector<uint64_t> cycles(layers.size());
  for (auto _ : state) {
    parallel_for(layers.size(), static_cast<int>(state.range(1)),
                 [&](size_t i) { cycles[i] = simulate_cycles(hardware, layers[i]->instructions).cycles; });
  }
  state.counters["instructions"] = static_cast<double>(instructions);
  state.counters["simulated_cycles"] = static_cast<double>(std::accumulate(cycles.begin(), cycles.end(), uint64_t{0}));
}
BENCHMARK(SimulateResnet18)
    ->ArgNames({"chip", "jobs"})
    ->ArgsProduct({{0, 1, 2}, {1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// Accuracy against the simulator on the 30 best schedules of each zoo layer, as counters; the time is the simulator's.
void Accuracy(benchmark::State& state) {
  const HardwareConfig hardware = sample_chips()[static_cast<size_t>(state.range(0))];
  std::vector<double> gaps, estimates, cycles;
  for (auto _ : state) {
    gaps.clear();
    estimates.clear();
    cycles.clear();
    for (const NamedLayer& layer : zoo_layers()) {
      std::vector<std::pair<CycleCost, Schedule>> all;
      for_each_cost(layer.workload, hardware, {},
                    [&](const Schedule& s, const CycleCost& cost) { all.emplace_back(cost, s); });
      std::stable_sort(all.begin(), all.end(),
                       [](const auto& a, const auto& b) { return a.first.estimate < b.first.estimate; });
      all.resize(std::min<size_t>(30, all.size()));
      for (const auto& [cost, schedule] : all) {
        const Program program = lower(layer.workload, schedule, hardware, typical_numbers(layer.workload));
        cycles.push_back(static_cast<double>(simulate_cycles(hardware, program.instructions).cycles));
        estimates.push_back(cost.estimate);
        gaps.push_back(cycles.back() / cost.bound - 1);
      }
    }
  }
  const arco::Accuracy accuracy = accuracy_of(estimates, cycles);
  state.counters["mean_absolute_error_%"] = 100 * accuracy.mean_absolute_error;
  state.counters["bias_%"] = 100 * accuracy.bias;
  state.counters["rank_correlation"] = accuracy.rank_correlation;
  state.counters["median_gap_%"] = 100 * median(gaps);
  state.counters["largest_gap_%"] = 100 * *std::max_element(gaps.begin(), gaps.end());
  state.SetLabel(hardware.to_string());
}
BENCHMARK(Accuracy)->ArgName("chip")->DenseRange(0, 3)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace arco
