#include "arco/search/core_table.h"

#include <gtest/gtest.h>

#include <limits>

#include "arco/base/random.h"
#include "arco/search/chip_table.h"
#include "arco/search/test_workload.h"

namespace arco {
namespace {

using testing_support::convolution;

SpaceOptions options(SpaceKind kind) {
  SpaceOptions o;
  o.kind = kind;
  if (kind == SpaceKind::kFull) o.budget = default_budget();
  return o;
}

std::vector<size_t> some_usable(const ChipTable& table, size_t count, Random& random) {
  std::vector<size_t> usable;
  for (size_t chip = 0; chip < table.chip_count(); ++chip) {
    if (table.usable(chip)) usable.push_back(chip);
  }
  random.shuffle(usable);
  usable.resize(std::min(usable.size(), count));
  return usable;
}

// What the table says of a chip is what looking at all its schedules says.
void expect_table_is_exact(SpaceKind kind) {
  const ChipTable table({{convolution(64, 14, 64, 3), 2}, {convolution(24, 28, 40, 1), 1}}, options(kind));
  Random random(1);
  size_t running = 0;
  for (const size_t chip : some_usable(table, 60, random)) {
    const ChipScore& fast = table.score(chip);
    const ChipScore slow = table.score_of(table.chip(chip));
    ASSERT_EQ(fast.why, slow.why) << table.chip(chip).to_string();
    if (!fast.why.empty()) {
      EXPECT_EQ(table.estimated_cost(chip), std::numeric_limits<double>::infinity());
      continue;
    }
    ++running;
    EXPECT_EQ(fast.schedules, slow.schedules) << table.chip(chip).to_string();
    EXPECT_EQ(fast.estimates, slow.estimates);
    EXPECT_EQ(fast.bounds, slow.bounds);
    EXPECT_EQ(table.estimate(chip)->cycles, slow.estimate.cycles);
    EXPECT_EQ(table.bound(chip)->cycles, slow.bound.cycles);
    EXPECT_LE(table.least_cost(), slow.bound.cycles);
  }
  EXPECT_GT(running, 20U);
}

TEST(CoreTable, IsExactOnTheFullSpace) {
  expect_table_is_exact(SpaceKind::kFull);
}
TEST(CoreTable, IsExactOnThePapersSpace) {
  expect_table_is_exact(SpaceKind::kPaper);
}

TEST(CoreTable, LargerBuffersAreNeverSlower) {
  HardwareConfig core;
  core.variant = IsaVariant::kVtaPlus;
  const BufferRange range{{12, 13, 13, 11}, {16, 17, 16, 13}};
  const CoreTable table(convolution(64, 14, 64, 3), core, range, {});
  for (size_t axis = 0; axis < 4; ++axis) {
    std::array<int, 4> sizes = range.low;
    double before = std::numeric_limits<double>::infinity();
    for (sizes[axis] = range.low[axis]; sizes[axis] <= range.high[axis]; ++sizes[axis]) {
      const double now = table.best(sizes).estimate;
      EXPECT_LE(now, before);
      before = now;
    }
  }
  EXPECT_LT(table.best(range.high).estimate, table.best(range.low).estimate);
}

TEST(CoreTable, PreparingInParallelChangesNothing) {
  const std::vector<WeightedTask> tasks = {{convolution(64, 14, 64, 3), 1}, {convolution(24, 28, 40, 1), 1}};
  const ChipTable one(tasks, options(SpaceKind::kPaper));
  const ChipTable two(tasks, options(SpaceKind::kPaper));
  size_t last = 0;
  one.prepare(1);
  two.prepare(2, [&](size_t done, size_t) { last = done; });
  EXPECT_GT(last, 0U);
  for (size_t chip = 0; chip < one.chip_count(); ++chip) EXPECT_EQ(one.estimated_cost(chip), two.estimated_cost(chip));
}

}  // namespace
}  // namespace arco
