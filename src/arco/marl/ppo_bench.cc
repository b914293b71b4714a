// Environment steps per second with the default sizes (actors 2 x 64, critic 2 x 128, 64 episodes x 24 steps, 8 epochs)
// in a world that costs almost nothing: what is measured is acting and learning. One thread.
#include <benchmark/benchmark.h>

#include <chrono>

#include "arco/marl/mappo.h"
#include "arco/marl/toy_environment.h"

namespace arco {
namespace {

constexpr int kEpisodes = 64;
constexpr int kExtraFeatures = 20;  // workload descriptor, resources and the like of the real environment

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Never stops early, so that every update costs its eight epochs.
MappoOptions full_epochs() {
  MappoOptions options;
  options.max_kl = 1e30;
  return options;
}

void BM_CollectAndLearn(benchmark::State& state) {
  ToyEnvironment environment(kEpisodes, {3, 2, 2}, 8, kExtraFeatures, 1);
  Mappo learner(environment.shape(), full_epochs(), 1);
  double rollout = 0, update = 0, steps = 0;
  for (auto _ : state) {
    auto start = std::chrono::steady_clock::now();
    learner.collect(environment);
    rollout += seconds_since(start);
    start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(learner.learn());
    update += seconds_since(start);
    steps += kEpisodes * learner.options().steps;
  }
  state.counters["env_steps_per_s"] = benchmark::Counter(steps, benchmark::Counter::kIsRate);  // of processor time
  state.counters["rollout_share"] = rollout / (rollout + update);
  state.counters["update_share"] = update / (rollout + update);
}
BENCHMARK(BM_CollectAndLearn)->Unit(benchmark::kMillisecond)->MinTime(2);

void BM_EnvironmentOnly(benchmark::State& state) {
  ToyEnvironment environment(kEpisodes, {3, 2, 2}, 8, kExtraFeatures, 1);
  std::vector<Moves> moves;
  for (const int knobs : {3, 2, 2}) moves.push_back(Moves::Constant(knobs, kEpisodes, kMoveStay));
  std::vector<float> rewards(kEpisodes);
  std::vector<uint8_t> terminal(kEpisodes);
  double steps = 0;
  for (auto _ : state) {
    environment.step(moves, rewards, terminal);
    steps += kEpisodes;
  }
  state.counters["env_steps_per_s"] = benchmark::Counter(steps, benchmark::Counter::kIsRate);
}
BENCHMARK(BM_EnvironmentOnly);

}  // namespace
}  // namespace arco
