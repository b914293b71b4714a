// Simulating an instruction allocates nothing: a long stream takes as many allocations as a short one. The counting
// operators replace those of the whole test program.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "arco/sim/cycle.h"
#include "arco/sim/cycle_streams.h"

namespace {
std::atomic<size_t> allocations{0};
}  // namespace

void* operator new(size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace arco::cycle {
namespace {

size_t allocations_of(const std::vector<Instruction>& stream, Generation generation, std::vector<TraceEvent>* trace) {
  TimingModel timing;
  timing.generation = generation;
  const size_t before = allocations;
  simulate_cycles(HardwareConfig{}, stream, timing, trace);
  return allocations - before;
}

TEST(CycleAllocation, NonePerInstruction) {
  const auto brief = convolution_stream(2);
  const auto lengthy = convolution_stream(400);
  ASSERT_GT(lengthy.size(), 100 * brief.size());
  for (const auto generation : {Generation::kG0, Generation::kG1, Generation::kG2}) {
    const size_t few = allocations_of(brief, generation, nullptr);
    EXPECT_GE(few, 1U);  // the counter counts
    EXPECT_LE(few, 4U);
    EXPECT_EQ(allocations_of(lengthy, generation, nullptr), few);
    std::vector<TraceEvent> trace;
    EXPECT_LE(allocations_of(lengthy, generation, &trace), few + 1);
  }
}

}  // namespace
}  // namespace arco::cycle
