// How near ARCO comes to the exhaustive optimum on the paper's seven-knob space, for each distinct convolution of
// AlexNet, VGG-11/13/16/19 and ResNet-18/34 at 224x224 (VGG's and ResNet's are the same for all depths): one row a
// layer, the gap in percent after 64, 256 and 1000 measurements (median of five seeds, and the worst), and the
// optimum's cycles as branch and bound proves them. Time is that of one search to 1000 measurements.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "arco/search/configuration_space.h"
#include "arco/search/simulator_measurer.h"
#include "arco/search/tuners/arco.h"
#include "arco/search/tuners/exhaustive.h"

namespace arco {
namespace {

constexpr uint64_t kSeeds = 5;
constexpr std::array<size_t, 3> kTrials{64, 256, 1000};

Workload convolution(int64_t ci, int64_t size, int64_t co, int64_t kernel, int64_t stride) {
  Workload w;
  w.ci = ci;
  w.h = w.w = size;
  w.co = co;
  w.kh = w.kw = kernel;
  w.stride_h = w.stride_w = stride;
  const int64_t pad = kernel / 2;
  w.pads = {pad, pad, pad, pad};
  w.oh = w.ow = (size + 2 * pad - kernel) / stride + 1;
  w.has_bias = true;
  w.host_input = ci == 3;
  return w;
}

Workload alexnet_first() {
  Workload w = convolution(3, 224, 64, 11, 4);
  w.pads = {2, 2, 2, 2};
  w.oh = w.ow = 55;
  return w;
}

const std::vector<Workload>& paper_convolutions() {
  static const std::vector<Workload> all = {convolution(3, 224, 64, 7, 2),
                                            convolution(64, 56, 64, 3, 1),
                                            convolution(64, 56, 128, 3, 2),
                                            convolution(64, 56, 128, 1, 2),
                                            convolution(128, 28, 128, 3, 1),
                                            convolution(128, 28, 256, 3, 2),
                                            convolution(128, 28, 256, 1, 2),
                                            convolution(256, 14, 256, 3, 1),
                                            convolution(256, 14, 512, 3, 2),
                                            convolution(256, 14, 512, 1, 2),
                                            convolution(512, 7, 512, 3, 1),  // ResNet
                                            convolution(3, 224, 64, 3, 1),
                                            convolution(64, 224, 64, 3, 1),
                                            convolution(64, 112, 128, 3, 1),
                                            convolution(128, 112, 128, 3, 1),
                                            convolution(128, 56, 256, 3, 1),
                                            convolution(256, 56, 256, 3, 1),
                                            convolution(256, 28, 512, 3, 1),
                                            convolution(512, 28, 512, 3, 1),
                                            convolution(512, 14, 512, 3, 1),  // VGG
                                            alexnet_first(),
                                            convolution(64, 27, 192, 5, 1),
                                            convolution(192, 13, 384, 3, 1),
                                            convolution(384, 13, 256, 3, 1),
                                            convolution(256, 13, 256, 3, 1)};
  return all;
}

enum BudgetKind { kUnlimited, kDefaultVta };

ConfigurationSpace space_of(int64_t layer, int64_t budget) {
  SpaceOptions options;
  options.kind = SpaceKind::kPaper;
  if (budget == kDefaultVta) options.budget = default_budget();
  return {paper_convolutions()[static_cast<size_t>(layer)], options};
}

// Simulates each configuration once, however many searches ask for it.
Measurer memorising(Measurer measure, std::map<uint64_t, Measurement>& known) {
  return [measure = std::move(measure), &known](const std::vector<uint64_t>& indices) {
    std::vector<Measurement> results;
    for (const uint64_t index : indices) {
      auto found = known.find(index);
      if (found == known.end()) found = known.emplace(index, measure({index}).front()).first;
      results.push_back(found->second);
    }
    return results;
  };
}

double best_after(const TuneResult& result, size_t trials) {
  double best = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < std::min(trials, result.history.size()); ++i) {
    const Measurement& m = result.history[i];
    if (m.status == MeasureStatus::kOk) best = std::min(best, m.cycles);
  }
  return best;
}

void BM_GapToOptimum(benchmark::State& state) {
  const ConfigurationSpace space = space_of(state.range(0), state.range(1));
  std::map<uint64_t, Measurement> known;
  const Measurer measure = memorising(make_simulator_measurer(space), known);
  const auto exhaustive = make_exhaustive(space, {});
  const TuneResult truth = run_tuner(*exhaustive, measure, space.size(), 64);
  std::array<std::vector<double>, kTrials.size()> gaps;
  for (auto _ : state) {
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      ArcoOptions options;
      options.expected_trials = kTrials.back();
      ArcoTuner tuner(space, options, seed);
      const TuneResult result = run_tuner(tuner, measure, kTrials.back(), options.batch);
      for (size_t i = 0; i < kTrials.size(); ++i) {
        gaps[i].push_back(100 * (best_after(result, kTrials[i]) / truth.best.cycles - 1));
      }
    }
  }
  const char* names[] = {"gap64_%", "gap256_%", "gap1000_%"};
  for (size_t i = 0; i < kTrials.size(); ++i) {
    std::ranges::sort(gaps[i]);
    state.counters[names[i]] = gaps[i][gaps[i].size() / 2];
  }
  state.counters["worst64_%"] = gaps[0].back();
  state.counters["optimum"] = truth.best.cycles;
  state.counters["proved"] = truth.proved_optimal;
  state.counters["proof_trials"] = static_cast<double>(truth.history.size());
  state.SetLabel(space.workload().to_string());
}
BENCHMARK(BM_GapToOptimum)
    ->ArgsProduct({benchmark::CreateDenseRange(0, 24, 1), {kUnlimited, kDefaultVta}})
    ->ArgNames({"layer", "budget"})
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace arco
