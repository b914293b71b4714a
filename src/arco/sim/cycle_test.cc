#include "arco/sim/cycle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/base/error.h"
#include "arco/sim/cycle_streams.h"

namespace arco::cycle {
namespace {

using ::testing::HasSubstr;

TimingModel timing_of(Generation generation) {
  TimingModel timing;
  timing.generation = generation;
  return timing;
}

HardwareConfig bus_of(int bits) {
  HardwareConfig hw;
  hw.bus_bits = bits;
  return hw;
}

// Cycles from start to next possible start of one instruction, with nothing else going on.
uint64_t occupancy(const Instruction& instruction, const TimingModel& timing = {}, const HardwareConfig& hw = {}) {
  std::vector<Instruction> stream{instruction, compute_no_op(), finish()};
  if (instruction.module() == Module::kLoad) {
    stream[0].tokens.push_next = stream[1].tokens.pop_prev = true;
  } else if (instruction.module() == Module::kStore) {
    stream[0].tokens.push_prev = stream[1].tokens.pop_next = true;
  }
  std::vector<TraceEvent> trace;
  simulate_cycles(hw, stream, timing, &trace);
  return trace.at(0).end - trace.at(0).start;
}

Instruction padded(Instruction instruction, uint32_t top, uint32_t bottom, uint32_t left, uint32_t right) {
  instruction.memory.y_pad_0 = top;
  instruction.memory.y_pad_1 = bottom;
  instruction.memory.x_pad_0 = left;
  instruction.memory.x_pad_1 = right;
  return instruction;
}

std::string failure_of(const std::vector<Instruction>& stream) {
  try {
    simulate_cycles(HardwareConfig{}, stream);
  } catch (const RunError& error) {
    return error.what();
  }
  return "";
}

// Table of vta-isa 4.2.
TEST(CycleCompute, OccupancyByGeneration) {
  const auto g0 = timing_of(Generation::kG0), g1 = timing_of(Generation::kG1), g2 = timing_of(Generation::kG2);
  const uint64_t n = 14 * 7 * 36;
  EXPECT_EQ(occupancy(gemm(14, 7, 36), g0), 4 * n + 4);
  EXPECT_EQ(occupancy(gemm_reset(14, 7, 36), g0), 4 * n + 1);
  EXPECT_EQ(occupancy(alu(100, true), g0), 5u * 100 + 1);
  EXPECT_EQ(occupancy(alu(100, false), g0), 6u * 100 + 1);
  for (const auto& timing : {g1, g2}) {
    EXPECT_EQ(occupancy(gemm(14, 7, 36), timing), n + 7);
    EXPECT_EQ(occupancy(gemm_reset(14, 7, 36), timing), n + 7);
    EXPECT_EQ(occupancy(alu(100, true), timing), 107u);
    EXPECT_EQ(occupancy(alu(100, false), timing), 207u);
  }
  for (const auto& timing : {g0, g1, g2}) {
    EXPECT_EQ(occupancy(compute_no_op(), timing), 2u);
    EXPECT_EQ(occupancy(load_no_op(), timing), 2u);
    EXPECT_EQ(occupancy(store_no_op(), timing), 2u);
    EXPECT_EQ(occupancy(finish(), timing), 2u);
  }
}

// 4.3: narrow units B + D + 7, wide units B + D + 6.
TEST(CycleRead, SingleLoadG2) {
  EXPECT_EQ(occupancy(load(MemoryType::kInp, 100)), 200u + 23);
  EXPECT_EQ(occupancy(load(MemoryType::kWgt, 9)), 9u * 32 + 23);
  EXPECT_EQ(occupancy(load(MemoryType::kAcc, 64)), 512u + 23);
  EXPECT_EQ(occupancy(load(MemoryType::kUop, 36)), 18u + 22);
  EXPECT_EQ(occupancy(load(MemoryType::kUop, 36, 1, 0, 1)), 19u + 22);  // first and last word half used
  EXPECT_EQ(occupancy(load(MemoryType::kInp, 14, 9, 56)), 9u * 28 + 23);
  EXPECT_EQ(occupancy(load(MemoryType::kInp, 1, 50, 56)), 100u + 23);  // bursts of two beats stream without gaps
  EXPECT_EQ(occupancy(load(MemoryType::kWgt, 9), {}, bus_of(256)), 9u * 8 + 23);
  EXPECT_EQ(occupancy(load(MemoryType::kInp, 100), {}, bus_of(128)), 100u + 22);  // as wide as the bus: "wide"
  TimingModel slow;
  slow.memory_delay = 100;
  EXPECT_EQ(occupancy(load(MemoryType::kInp, 100), slow), 200u + 107);
}

// 4.3: bursts of one beat get only about one through per three cycles, because of the last-beat rule.
TEST(CycleRead, SingleBeatBurstsAreSlow) {
  const uint64_t cycles = occupancy(load(MemoryType::kInp, 1, 1000, 56), {}, bus_of(128));
  EXPECT_GT(cycles, 2500u);
  EXPECT_LT(cycles, 3500u);
}

TEST(CycleRead, PaddingG2) {
  const Instruction tile = load(MemoryType::kInp, 14, 9, 56);
  // Few pads disappear behind the latency, but rows above delay the first request by one cycle each.
  EXPECT_EQ(occupancy(padded(tile, 0, 0, 1, 0)), 252u + 23);
  EXPECT_EQ(occupancy(padded(tile, 1, 0, 0, 0)), 252u + 23 + 1);
  // Many pads: B + P + 3.
  const uint64_t pads = 20 * 19 - 14 * 9;
  EXPECT_EQ(occupancy(padded(tile, 5, 5, 3, 3)), 252u + pads + 3);
  EXPECT_EQ(occupancy(padded(load(MemoryType::kInp, 14, 9, 56), 5, 5, 3, 3), {}, bus_of(128)), 126u + pads + 2);
}

// 4.4: 1 + sum over bursts (beats + 4), padding one entry after the other.
TEST(CycleRead, SingleLoadG0) {
  const auto g0 = timing_of(Generation::kG0);
  HardwareConfig long_bursts;
  long_bursts.max_burst_beats = 256;
  EXPECT_EQ(occupancy(load(MemoryType::kInp, 8), g0), 1u + 16 + 4);
  EXPECT_EQ(occupancy(load(MemoryType::kInp, 9), g0), 1u + 18 + 2 * 4);
  EXPECT_EQ(occupancy(load(MemoryType::kInp, 8, 1, 0, 1), g0), 1u + 16 + 2 * 4);  // crosses a burst boundary
  EXPECT_EQ(occupancy(load(MemoryType::kInp, 4, 10, 56), g0), 1u + 10 * (8 + 4));
  EXPECT_EQ(occupancy(load(MemoryType::kAcc, 36), g0, long_bursts), 1u + 288 + 2 * 4);
  EXPECT_EQ(occupancy(load(MemoryType::kAcc, 36), timing_of(Generation::kG1), long_bursts), 1u + 288 + 2 * 4);
  // One pad at the left of each of 10 rows: two beats' time and a change of state each.
  EXPECT_EQ(occupancy(padded(load(MemoryType::kInp, 4, 10, 56), 0, 0, 1, 0), g0), 1u + 10 * (8 + 4) + 10 * 3);
  EXPECT_EQ(occupancy(padded(load(MemoryType::kInp, 4, 10, 56), 1, 2, 0, 0), g0), 1u + 10 * (8 + 4) + 9 + 17);
}

// 4.5: per burst beats + bubbles + 4; x elements of 16 bytes in one burst on 64 bits cost 3x + 3.
TEST(CycleWrite, SingleStore) {
  HardwareConfig long_bursts;
  long_bursts.max_burst_beats = 256;
  for (const auto generation : {Generation::kG0, Generation::kG1, Generation::kG2}) {
    const auto timing = timing_of(generation);
    EXPECT_EQ(occupancy(store(5), timing), 1u + 3 * 5 + 3);
    EXPECT_EQ(occupancy(store(8), timing), 1u + 27);
    EXPECT_EQ(occupancy(store(16), timing), 1u + 2 * 27);
    EXPECT_EQ(occupancy(store(7, 4, 56), timing), 1u + 2 * 24 + 2 * (3 + 3 + 15 + 3));  // rows 1 and 3 cross a boundary
    EXPECT_EQ(occupancy(store(128), timing, long_bursts), 1u + 387);
  }
  EXPECT_EQ(occupancy(store(16), {}, bus_of(128)), 1u + 16 + 4);
  EXPECT_EQ(occupancy(store(16), {}, bus_of(256)), 1u + 8 + 4);
}

// 4.6: a batch of 8 takes 22 + 2 * 8 cycles to read and 8 to dispatch, 5.75 cycles per instruction.
TEST(CycleFetch, BatchesG2) {
  std::vector<Instruction> stream(32, load_no_op());
  stream.push_back(finish());
  std::vector<TraceEvent> trace;
  const CycleReport report = simulate_cycles(HardwareConfig{}, stream, {}, &trace);
  EXPECT_EQ(trace[0].start, 22u + 16 + 1);
  EXPECT_EQ(trace[8].start - trace[0].start, 46u);
  EXPECT_EQ(trace[16].start - trace[8].start, 46u);
  EXPECT_EQ(report.fetch_bytes, 33u * 16);
  EXPECT_EQ(report.read_bytes, report.fetch_bytes);
}

TEST(CycleFetch, BatchesOfOtherInterfaces) {
  std::vector<Instruction> stream(64, load_no_op());
  stream.push_back(finish());
  std::vector<TraceEvent> trace;
  simulate_cycles(bus_of(128), stream, {}, &trace);
  EXPECT_EQ(trace[16].start - trace[0].start, 22u + 16 + 16);  // D + 6 + beats + n
  simulate_cycles(bus_of(512), stream, {}, &trace);
  EXPECT_EQ(trace[16].start - trace[0].start, 22u + 4 + 16);
  simulate_cycles(HardwareConfig{}, stream, timing_of(Generation::kG0), &trace);
  EXPECT_EQ(trace[8].start - trace[0].start, 6u + 3 * 8);
}

// A full queue stops the fetch until its module finishes an instruction.
TEST(CycleFetch, FullQueueBlocksTheOthers) {
  std::vector<Instruction> stream{gemm(10000)};
  for (int i = 0; i < 512; ++i) stream.push_back(compute_no_op());
  stream.push_back(with(load_no_op(), false, false, false, true));
  stream.push_back(with(compute_no_op(), true, false, false, false));
  stream.push_back(finish());
  std::vector<TraceEvent> trace;
  simulate_cycles(HardwareConfig{}, stream, {}, &trace);
  EXPECT_GT(trace[513].start, trace[0].end);
  TimingModel roomy;
  stream.erase(stream.begin() + 1, stream.begin() + 101);
  simulate_cycles(HardwareConfig{}, stream, roomy, &trace);
  EXPECT_LT(trace[413].start, trace[0].end);
}

// The published counts of single kernels on G0 with bursts of 256 beats (vta-isa 4.2): load N accumulators (once or
// twice), ALU operations, each with its own micro-op, store N.
uint64_t kernel_cycles(uint32_t n, int loads, int alu_ops, bool tensor) {
  HardwareConfig hw;
  hw.max_burst_beats = 256;
  std::vector<Instruction> stream;
  for (int i = 0; i < loads; ++i) stream.push_back(load(MemoryType::kAcc, n, 1, 0, i * 4096));
  for (int i = 0; i < alu_ops; ++i) {
    stream.push_back(load(MemoryType::kUop, 1));
    stream.push_back(alu(n, !tensor));
  }
  stream.back().tokens.push_next = true;
  stream.push_back(with(store(n), true, false, true, false));
  stream.push_back(with(compute_no_op(), false, true, false, false));
  stream.push_back(finish());
  return simulate_cycles(hw, stream, timing_of(Generation::kG0)).cycles;
}

TEST(CyclePublished, SingleKernelsG0) {
  EXPECT_EQ(kernel_cycles(36, 1, 1, false), 619u);
  EXPECT_EQ(kernel_cycles(64, 1, 1, false), 1067u);
  EXPECT_EQ(kernel_cycles(80, 1, 2, false), 1738u);
  EXPECT_EQ(kernel_cycles(16, 1, 2, false), 386u);
  EXPECT_EQ(kernel_cycles(64, 2, 1, true), 1654u);
}

// Two loads at once share one beat per cycle; INP goes before ACC.
TEST(CycleContention, OneReadChannel) {
  const std::vector<Instruction> stream{with(load(MemoryType::kInp, 400), false, false, false, true),
                                        load(MemoryType::kAcc, 100), with(compute_no_op(), true, false, false, false),
                                        finish()};
  std::vector<TraceEvent> trace;
  const CycleReport report = simulate_cycles(HardwareConfig{}, stream, {}, &trace);
  const uint64_t inp = trace[0].end - trace[0].start, acc = trace[1].end - trace[1].start;
  EXPECT_GT(acc, 800u + 23);
  EXPECT_LT(inp, 800u + 23 + 300);
  const uint64_t last = std::max(trace[0].end, trace[1].end);
  EXPECT_GE(last - trace[0].start, 1600u + 23);
  EXPECT_LE(last - trace[0].start, 1600u + 23 + 3);  // the channel is never idle
  EXPECT_GT(report.modules[1].wait_memory, 700u);
}

TEST(CycleContention, ReadsAndWritesAreIndependentInG2Only) {
  const std::vector<Instruction> stream{with(store(400), false, false, true, false),
                                        with(load(MemoryType::kInp, 400), false, false, false, true),
                                        with(compute_no_op(), true, true, false, false), finish()};
  std::vector<TraceEvent> trace;
  simulate_cycles(HardwareConfig{}, stream, {}, &trace);
  EXPECT_EQ(trace[0].end - trace[0].start, 1u + 50 * 27);
  EXPECT_EQ(trace[1].end - trace[1].start, 800u + 23);
  const CycleReport report = simulate_cycles(HardwareConfig{}, stream, timing_of(Generation::kG1), &trace);
  EXPECT_GT(trace[0].end - trace[0].start, 1u + 50 * 27);
  EXPECT_GT(trace[1].end - trace[1].start, 1u + 50 * 20);
  EXPECT_GT(report.modules[0].wait_memory, 0u);
  EXPECT_GT(report.modules[2].wait_memory, 0u);
}

// Data that is not moved is counted all the same.
TEST(CycleReportTest, Counts) {
  const std::vector<Instruction> stream{
      padded(with(load(MemoryType::kInp, 14, 9, 56), false, false, false, true), 1, 0, 1, 0),
      with(gemm(14, 3, 2), true, false, false, false),
      gemm_reset(5),
      alu(7, false),
      with(alu(9, true), false, false, false, true),
      with(store(9), true, false, true, false),
      with(compute_no_op(), false, true, false, false),
      finish()};
  const CycleReport report = simulate_cycles(HardwareConfig{}, stream);
  EXPECT_EQ(report.instructions, 8u);
  EXPECT_EQ(report.gemm_steps, 84u);
  EXPECT_EQ(report.gemm_reset_steps, 5u);
  EXPECT_EQ(report.alu_steps, 16u);
  EXPECT_EQ(report.alu_tensor_steps, 7u);
  EXPECT_EQ(report.gemm_cycles, 91u + 12);
  EXPECT_EQ(report.alu_cycles, 21u + 16);
  EXPECT_EQ(report.read_bytes, 14u * 9 * 16 + 8 * 16);
  EXPECT_EQ(report.written_bytes, 9u * 16);
  EXPECT_EQ(report.moved_entries[static_cast<size_t>(MemoryType::kInp)], 15u * 10);
  EXPECT_EQ(report.moved_entries[static_cast<size_t>(MemoryType::kOut)], 9u);
  const ActivityCounts counts = activity_of(report);
  EXPECT_EQ(counts.instructions, 8u);
  EXPECT_EQ(counts.gemm_steps, 84u);
  EXPECT_EQ(counts.inp_loaded, 150u);
  EXPECT_EQ(counts.out_stored, 9u);
  EXPECT_EQ(counts.dram_read_bytes, report.read_bytes);
  EXPECT_GT(energy_of(HardwareConfig{}, counts).total(), 0);
  // The whole load, 252 beats + 24 pads + 3, but for the cycle by which the GEMM was dispatched later.
  EXPECT_EQ(report.modules[1].wait_token_prev, 252u + 24 + 3 - 1);
}

TEST(CycleErrors, NameTheInstruction) {
  EXPECT_THAT(failure_of({}), HasSubstr("ends without FINISH"));
  EXPECT_THAT(failure_of({gemm(1)}), HasSubstr("ends without FINISH"));
  EXPECT_THAT(failure_of({gemm(0), finish()}),
              HasSubstr("instruction 0 (GEMM) has no steps (uop 0..1, iterations 0 x 1)"));
  EXPECT_THAT(failure_of({load(MemoryType::kInp, 4, 0), finish()}), HasSubstr("x_size 4 but y_size 0"));
  EXPECT_THAT(failure_of({load(MemoryType::kInp, 60000, 60000), finish()}), HasSubstr("60000 x 60000 elements"));
  const std::string deadlock =
      failure_of({with(load_no_op(), false, true, false, false), with(compute_no_op(), true, false, false, false),
                  with(store_no_op(), true, false, false, false), finish()});
  EXPECT_THAT(deadlock, HasSubstr("deadlock"));
  EXPECT_THAT(deadlock, HasSubstr("load waits at instruction 0 (LOAD) for a token from compute"));
  EXPECT_THAT(deadlock, HasSubstr("compute waits at instruction 1 (LOAD) for a token from load"));
  EXPECT_THAT(deadlock, HasSubstr("store waits at instruction 2 (STORE) for a token from compute"));
  EXPECT_THAT(
      failure_of({with(load_no_op(), true, false, false, false), with(compute_no_op(), true, false, false, false)}),
      HasSubstr("for a token from nobody"));
}

TEST(CycleErrors, TokensBeyondTheCounterAreLost) {
  // 256 tokens to a module that takes them only at the end.
  std::vector<Instruction> stream(256, with(compute_no_op(), false, false, true, false));
  EXPECT_THAT(failure_of([&] {
                auto late = stream;
                late.push_back(with(compute_no_op(), false, false, false, true));
                late.push_back(with(load_no_op(), false, true, false, false));
                late.push_back(finish());
                return late;
              }()),
              HasSubstr("already holds 255"));
  // The same number is fine when the consumer keeps up.
  for (int i = 0; i < 256; ++i)
    stream.insert(stream.begin() + 2 * i + 1, with(load_no_op(), false, true, false, false));
  stream.push_back(finish());
  EXPECT_NO_THROW(simulate_cycles(HardwareConfig{}, stream));
}

TEST(CycleErrors, OldGenerationsHaveOneBusWidth) {
  EXPECT_THROW(simulate_cycles(bus_of(128), std::vector{finish()}, timing_of(Generation::kG1)), UserError);
}

}  // namespace
}  // namespace arco::cycle
