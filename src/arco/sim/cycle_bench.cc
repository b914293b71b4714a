// Speed of the cycle simulator on convolution-like streams with double buffering.
#include <benchmark/benchmark.h>

#include "arco/sim/cycle.h"
#include "arco/sim/cycle_streams.h"

namespace arco::cycle {
namespace {

void simulate(benchmark::State& state, const TileShape& shape) {
  const auto stream = convolution_stream(static_cast<uint32_t>(state.range(0)), shape);
  TimingModel timing;
  timing.generation = static_cast<Generation>(state.range(1));
  CycleReport report;
  for (auto _ : state) {
    report = simulate_cycles(HardwareConfig{}, stream, timing);
    benchmark::DoNotOptimize(report);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * stream.size()));
  state.counters["instructions"] = static_cast<double>(stream.size());
  state.counters["simulated_cycles"] = static_cast<double>(report.cycles);
}

// Tiles as large as the default scratchpads allow: many bursts per instruction.
void LargeTiles(benchmark::State& state) {
  simulate(state, TileShape{});
}
BENCHMARK(LargeTiles)
    ->ArgNames({"tiles", "generation"})
    ->Args({1000, 0})
    ->Args({1000, 2})
    ->Unit(benchmark::kMillisecond);

// Tiles of a few rows: the instructions themselves dominate.
void SmallTiles(benchmark::State& state) {
  TileShape shape;
  shape.inp_columns = 9;
  shape.inp_rows = 4;
  shape.wgt = 9;
  shape.outer = 7;
  shape.micro_ops = 6;
  shape.out = 14 * 4;
  simulate(state, shape);
}
BENCHMARK(SmallTiles)
    ->ArgNames({"tiles", "generation"})
    ->Args({1000, 0})
    ->Args({1000, 2})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace arco::cycle
