// The best by a model: exactly where the space is listed, by climbing where not.
#include "arco/search/surrogate_argmax.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "arco/search/testing_space.h"

namespace arco {
namespace {

const TestingSpace& space() {
  static const TestingSpace instance;
  return instance;
}

bool legal(uint64_t index) {
  return space().legal(space().decode(index));
}

// A model that knows the truth, up to the sign.
ArgmaxProblem problem(std::function<bool(uint64_t)> open = legal) {
  const auto score = [](std::span<const uint64_t> indices) {
    std::vector<float> values;
    for (const uint64_t index : indices) values.push_back(static_cast<float>(-space().cycles(space().decode(index))));
    return values;
  };
  return {space(), score, std::move(open)};
}

TEST(SurrogateArgmax, ListedIsExactWithAndWithoutCeiling) {
  const LegalPoints listed(space(), 1);
  const auto no_ceiling = [](double) { return std::numeric_limits<float>::infinity(); };
  // cycles >= bound = estimate / 1.1
  const auto ceiling = [](double estimate) { return static_cast<float>(-estimate / 1.1); };
  const auto all = argmax_of_listed(problem(), listed, 10, no_ceiling);
  ASSERT_EQ(all.size(), 10U);
  EXPECT_EQ(all[0].index, space().best_index());
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  const auto cut = argmax_of_listed(problem(), listed, 10, ceiling);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(cut[i].index, all[i].index);
  const auto without = [](uint64_t index) { return legal(index) && index != space().best_index(); };
  EXPECT_EQ(argmax_of_listed(problem(without), listed, 1, ceiling)[0].index, all[1].index);
}

TEST(SurrogateArgmax, ClimbingReachesTheTopThroughClosedConfigurations) {
  const uint64_t start = space().encode(space().default_choice());
  const auto best = argmax_by_climbing(problem(), {start}, legal, 5);
  ASSERT_EQ(best.size(), 5U);
  EXPECT_LT(space().cycles(space().decode(best[0].index)), 1.01 * space().best_cycles());
  const uint64_t top = best[0].index;
  const auto rest = argmax_by_climbing(problem([top](uint64_t index) { return index != top; }), {start}, legal, 5);
  EXPECT_EQ(rest[0].index, best[1].index);
  EXPECT_TRUE(argmax_by_climbing(problem(), {}, legal, 5).empty());
}

TEST(SurrogateArgmax, SpreadingTakesTheBestFirstAndAvoidsItsLike) {
  const uint64_t first = space().encode({0, 0, 0, 0, 0, 0, 0}), like = space().encode({0, 0, 0, 0, 0, 0, 1}),
                 other = space().encode({1, 1, 1, 0, 1, 1, 1});
  const std::vector<ScoredConfiguration> best = {{first, 1.0F}, {like, 0.99F}, {other, 0.95F}};
  EXPECT_EQ(spread_out(space(), best, 2, 0), (std::vector<uint64_t>{first, like}));
  EXPECT_EQ(spread_out(space(), best, 2, 0.1), (std::vector<uint64_t>{first, other}));
  EXPECT_EQ(spread_out(space(), best, 9, 0.1).size(), 3U);
}

}  // namespace
}  // namespace arco
