// What must hold for every program: the accounts add up, no module beats its roof, runs repeat, a faster memory helps.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "arco/base/random.h"
#include "arco/sim/cycle.h"
#include "arco/sim/cycle_streams.h"

namespace arco::cycle {
namespace {

TileShape random_shape(Random& random) {
  TileShape shape;
  shape.inp_pad = random.between(0, 2);
  shape.inp_columns = random.between(4, 30) + shape.inp_pad;
  shape.inp_rows = random.between(1, 12) + shape.inp_pad;
  shape.wgt = random.between(1, 72);
  shape.outer = random.between(1, 16);
  shape.inner = random.between(1, 7);
  shape.micro_ops = random.between(1, 24);
  shape.out = shape.outer * 8 * random.between(1, 4);
  shape.reductions = random.between(1, 6);
  return shape;
}

std::vector<Instruction> random_stream(Random& random) {
  return convolution_stream(2 * random.between(1, 6), random_shape(random));
}

// Every instruction waits for the one before it, over no-ops where there is no direct queue.
std::vector<Instruction> serial(const std::vector<Instruction>& stream) {
  std::vector<Instruction> result;
  for (Instruction instruction : stream) {
    if (instruction.opcode == Opcode::kFinish) break;
    instruction.tokens = {};
    if (instruction.module() == Module::kCompute) {
      result.push_back(instruction);
      continue;
    }
    const bool loads = instruction.module() == Module::kLoad;
    result.push_back(with(compute_no_op(), false, false, loads, !loads));
    result.push_back(with(instruction, !loads, loads, !loads, loads));
    result.push_back(with(compute_no_op(), loads, !loads, false, false));
  }
  result.push_back(finish());
  return result;
}

TimingModel timing_of(Generation generation, int delay = 16) {
  TimingModel timing;
  timing.generation = generation;
  timing.memory_delay = delay;
  return timing;
}

RC_GTEST_PROP(CycleProperty, AccountsAddUp, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const auto stream = random_stream(random);
  for (const auto generation : {Generation::kG0, Generation::kG1, Generation::kG2}) {
    std::vector<TraceEvent> trace;
    const CycleReport report = simulate_cycles(HardwareConfig{}, stream, timing_of(generation), &trace);
    RC_ASSERT(report.instructions == stream.size());
    RC_ASSERT(trace.size() == stream.size());
    std::array<uint64_t, 3> busy_or_memory{};
    for (size_t i = 0; i < trace.size(); ++i) {
      RC_ASSERT(trace[i].instruction == i);
      RC_ASSERT(trace[i].end <= report.cycles);
      busy_or_memory[static_cast<size_t>(trace[i].module)] += trace[i].end - trace[i].start;
    }
    for (size_t module = 0; module < 3; ++module) {
      RC_ASSERT(report.modules[module].total() == report.cycles);
      RC_ASSERT(report.modules[module].busy + report.modules[module].wait_memory == busy_or_memory[module]);
    }
    // One beat of 8 bytes per cycle at most; reading and writing share the bus in G0 and G1.
    RC_ASSERT(report.read_bytes / 8 <= report.cycles);
    RC_ASSERT(report.written_bytes / 8 <= report.cycles);
    if (generation != Generation::kG2) RC_ASSERT((report.read_bytes + report.written_bytes) / 8 <= report.cycles);
    RC_ASSERT(report.gemm_cycles + report.alu_cycles <= report.modules[1].busy);
  }
}

RC_GTEST_PROP(CycleProperty, SameStreamSameCycles, ()) {
  const uint64_t seed = *rc::gen::arbitrary<uint64_t>();
  Random first(seed), second(seed);
  RC_ASSERT(simulate_cycles(HardwareConfig{}, random_stream(first)).cycles ==
            simulate_cycles(HardwareConfig{}, random_stream(second)).cycles);
}

RC_GTEST_PROP(CycleProperty, OverlapNeverLosesToSerial, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const auto stream = random_stream(random);
  for (const auto generation : {Generation::kG0, Generation::kG1, Generation::kG2}) {
    RC_ASSERT(simulate_cycles(HardwareConfig{}, stream, timing_of(generation)).cycles <=
              simulate_cycles(HardwareConfig{}, serial(stream), timing_of(generation)).cycles);
  }
}

RC_GTEST_PROP(CycleProperty, LaterGenerationsAreNotSlower, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const auto stream = random_stream(random);
  RC_ASSERT(simulate_cycles(HardwareConfig{}, stream, timing_of(Generation::kG1)).cycles <=
            simulate_cycles(HardwareConfig{}, stream, timing_of(Generation::kG0)).cycles);
}

constexpr int kDelays[] = {0, 1, 2, 4, 8, 16, 32, 64, 200};

RC_GTEST_PROP(CycleProperty, SmallerDelayHelpsWithoutContention, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  auto stream = serial(convolution_stream(2, random_shape(random)));
  HardwareConfig hw;
  hw.max_burst_beats = 256;  // 128 instructions arrive at once
  if (stream.size() > 128) stream.erase(stream.begin() + 127, stream.end() - 1);
  uint64_t previous = 0;
  for (const int delay : kDelays) {
    const uint64_t cycles = simulate_cycles(hw, stream, timing_of(Generation::kG2, delay)).cycles;
    RC_ASSERT(previous <= cycles);
    previous = cycles;
  }
}

// Several clients on one channel: a request that just misses the end of another one pays the delay again (4.3), so an
// earlier end can cost some cycles. docs/cycle-model.md, "Anomalies".
RC_GTEST_PROP(CycleProperty, SmallerDelayHelps, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const auto stream = random_stream(random);
  uint64_t previous = 0;
  for (const int delay : kDelays) {
    const uint64_t cycles = simulate_cycles(HardwareConfig{}, stream, timing_of(Generation::kG2, delay)).cycles;
    RC_ASSERT(previous <= cycles + cycles / 100);
    previous = std::max(previous, cycles);
  }
}

// Requests and single beats get in each other's way or not, depending on the delay; the figures are those of
// docs/cycle-model.md, "Anomalies".
TEST(CycleProperty, RowsOfASingleBeatGoUpAndDownWithTheDelay) {
  HardwareConfig hw;
  hw.bus_bits = 512;
  const auto cycles_alone = [&](uint32_t columns, int delay) {
    Instruction rows = load(MemoryType::kInp, columns, 48, 16);
    rows.tokens.push_next = true;
    Instruction wait = compute_no_op();
    wait.tokens.pop_prev = true;
    const std::vector<Instruction> stream{rows, wait, finish()};
    const ModuleCycles load_module =
        simulate_cycles(hw, stream, timing_of(Generation::kG2, delay)).modules[static_cast<size_t>(Module::kLoad)];
    return load_module.busy + load_module.wait_memory;
  };
  EXPECT_EQ(cycles_alone(1, 15), 154U);
  EXPECT_EQ(cycles_alone(1, 16), 160U);
  EXPECT_EQ(cycles_alone(1, 17), 147U);
  for (int delay = 0; delay < 24; ++delay) EXPECT_EQ(cycles_alone(8, delay + 1), cycles_alone(8, delay) + 1);
}

// The same anomaly, in the same size. (Rows of a single bus word are an exception of the hardware: 4.3.)
RC_GTEST_PROP(CycleProperty, WiderInterfaceHelps, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const auto stream = random_stream(random);
  uint64_t previous = UINT64_MAX;
  for (const int bus : {64, 128, 256, 512}) {
    HardwareConfig hw;
    hw.bus_bits = bus;
    const uint64_t cycles = simulate_cycles(hw, stream).cycles;
    RC_ASSERT(previous + previous / 100 >= cycles);
    previous = std::min(previous, cycles);
  }
}

}  // namespace
}  // namespace arco::cycle
