#include "arco/plan/memory_plan.h"

#include <gtest/gtest.h>

#include "arco/base/random.h"

namespace arco {
namespace {

constexpr uint64_t kBase = 4096;
constexpr uint64_t kAlignment = 64;

void expect_sound(const std::vector<BufferLife>& buffers, const Placement& placement) {
  ASSERT_EQ(placement.addresses.size(), buffers.size());
  uint64_t end = kBase;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const uint64_t address = placement.addresses[i];
    EXPECT_GE(address, kBase);
    EXPECT_EQ(address % kAlignment, 0U);
    EXPECT_LE(address + buffers[i].bytes, placement.end);
    end = std::max(end, address + buffers[i].bytes);
    for (size_t j = 0; j < i; ++j) {
      const bool together = buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
      const bool apart =
          address + buffers[i].bytes <= placement.addresses[j] || placement.addresses[j] + buffers[j].bytes <= address;
      EXPECT_TRUE(!together || apart) << i << " and " << j;
    }
  }
  EXPECT_LT(placement.end - end, kAlignment);
  EXPECT_GE(placement.end, kBase + most_alive(buffers, kAlignment));
}

TEST(MemoryPlan, NoBuffersNeedNothing) {
  EXPECT_EQ(most_alive({}, kAlignment), 0U);
  EXPECT_EQ(place_buffers({}, kBase, kAlignment).end, kBase);
}

TEST(MemoryPlan, AChainOfLayersNeedsTwoBuffersAtATime) {
  const std::vector<BufferLife> buffers{{1000, 0, 1}, {2000, 1, 2}, {1500, 2, 3}, {100, 3, 4}};
  EXPECT_EQ(most_alive(buffers, 1), 3500U);
  EXPECT_EQ(most_alive(buffers, kAlignment), 2048U + 1536U);
  const Placement placement = place_buffers(buffers, kBase, kAlignment);
  expect_sound(buffers, placement);
  EXPECT_EQ(placement.end, kBase + 2048 + 1536);
}

// Large buffers first needs 832 bytes: the two large ones take the bottom, and the two that overlap lie above them.
TEST(MemoryPlan, FindsTheOrderThatLargeBuffersFirstMisses) {
  const std::vector<BufferLife> buffers{{320, 0, 2}, {192, 0, 3}, {384, 5, 6}, {256, 3, 6}};
  const Placement placement = place_buffers(buffers, kBase, kAlignment);
  expect_sound(buffers, placement);
  EXPECT_EQ(placement.end, kBase + most_alive(buffers, kAlignment));
}

TEST(MemoryPlan, RandomNetworksFitIntoLittleMoreThanWhatIsAlive) {
  Random random(5);
  uint64_t needed = 0, alive = 0;
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<BufferLife> buffers;
    for (int step = 0; step < 40; ++step) {
      const int reach = random.below(4) == 0 ? static_cast<int>(random.below(20)) : 1;
      buffers.push_back({1 + random.below(5000), step, step + reach});
    }
    const Placement placement = place_buffers(buffers, kBase, kAlignment);
    expect_sound(buffers, placement);
    EXPECT_EQ(placement.addresses, place_buffers(buffers, kBase, kAlignment).addresses);
    needed += placement.end - kBase;
    alive += most_alive(buffers, kAlignment);
  }
  EXPECT_LT(static_cast<double>(needed), 1.03 * static_cast<double>(alive));
}

}  // namespace
}  // namespace arco
