// Environment steps per second of the agents in their world: walks through a space on a fitted surrogate, with the
// default sizes. One thread; the split says where the time goes. Once in a small made-up space, once in the full joint
// space of a real layer, where a step costs more.
#include <benchmark/benchmark.h>

#include <chrono>

#include "arco/marl/mappo.h"
#include "arco/search/configuration_space.h"
#include "arco/search/history.h"
#include "arco/search/knob_environment.h"
#include "arco/search/residual_model.h"
#include "arco/search/simulator_measurer.h"
#include "arco/search/testing_space.h"

namespace arco {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

uint64_t draw_legal(const SearchSpace& space, Random& random) {
  while (true) {
    const uint64_t index = random.below(space.size());
    if (space.legal(space.decode(index))) return index;
  }
}

void walk_and_learn(benchmark::State& state, const SearchSpace& space, const Measurer& measure) {
  History history(space);
  Random random(1);
  for (int i = 0; i < 128; ++i) history.tell(measure({draw_legal(space, random)}).front());
  ResidualModel surrogate(space, {});
  surrogate.fit(history, 1);
  double surrogate_seconds = 0, rollout_seconds = 0, update_seconds = 0, steps = 0;
  const FitnessModel model = [&](std::span<const uint64_t> indices) {
    const auto start = std::chrono::steady_clock::now();
    Fitness fitness = surrogate.predict(indices);
    surrogate_seconds += seconds_since(start);
    return fitness;
  };
  const KnobEnvironmentOptions options;
  KnobEnvironment environment(space, options, 1);
  Mappo agents(environment.shape(), {}, 1);
  for (auto _ : state) {
    // A new model each time, as in a plan: nothing is remembered from the last one.
    environment.set_model(model, 0, {{}, {}, [&](Random& drawing) { return draw_legal(space, drawing); }});
    auto start = std::chrono::steady_clock::now();
    agents.collect(environment);
    rollout_seconds += seconds_since(start);
    start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(agents.learn());
    update_seconds += seconds_since(start);
    steps += options.episodes * options.steps;
  }
  const double total = rollout_seconds + update_seconds;
  state.counters["env_steps_per_s"] = benchmark::Counter(steps, benchmark::Counter::kIsRate);  // of processor time
  state.counters["surrogate_share"] = surrogate_seconds / total;
  state.counters["rollout_share"] = (rollout_seconds - surrogate_seconds) / total;
  state.counters["update_share"] = update_seconds / total;
}

void BM_AgentsOnTheSurrogate(benchmark::State& state) {
  const TestingSpace space;
  walk_and_learn(state, space, testing_measurer(space));
}
BENCHMARK(BM_AgentsOnTheSurrogate)->Unit(benchmark::kMillisecond)->MinTime(2);

void BM_AgentsOnALayer(benchmark::State& state) {
  Workload layer;
  layer.ci = layer.co = 128;
  layer.h = layer.w = layer.oh = layer.ow = 28;
  layer.kh = layer.kw = 3;
  layer.pads = {1, 1, 1, 1};
  layer.has_bias = true;
  SpaceOptions options;
  options.budget = default_budget();
  const ConfigurationSpace space(layer, options);
  walk_and_learn(state, space, make_simulator_measurer(space));
}
BENCHMARK(BM_AgentsOnALayer)->Unit(benchmark::kMillisecond)->MinTime(2);

}  // namespace
}  // namespace arco
