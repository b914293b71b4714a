#include "arco/search/pareto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "arco/base/error.h"

namespace arco {
namespace {

TEST(ParetoFront, KeepsWhatNothingDominates) {
  ParetoFront front(2);
  EXPECT_TRUE(front.insert({{3, 3}, 1}));
  EXPECT_TRUE(front.insert({{1, 5}, 2}));
  EXPECT_FALSE(front.insert({{4, 3}, 3}));
  EXPECT_FALSE(front.insert({{3, 3}, 4}));
  EXPECT_TRUE(front.insert({{2, 2}, 5}));
  ASSERT_EQ(front.points().size(), 2U);
  EXPECT_EQ(front.points()[0].id, 2U);
  EXPECT_EQ(front.points()[1].id, 5U);
}

TEST(ParetoFront, HypervolumeOfSteps) {
  ParetoFront front(2);
  EXPECT_EQ(front.hypervolume({4, 4}), 0);
  front.insert({{1, 3}, 1});
  front.insert({{2, 1}, 2});
  front.insert({{9, 0}, 3});  // outside the box
  EXPECT_DOUBLE_EQ(front.hypervolume({4, 4}), 3 * 1 + 2 * 3 - 2 * 1);
  ParetoFront cube(3);
  cube.insert({{0, 0, 1}, 1});
  cube.insert({{1, 1, 0}, 2});
  EXPECT_DOUBLE_EQ(cube.hypervolume({2, 2, 2}), 4 * 1 + 1 * 2 - 1 * 1);
}

TEST(ParetoFront, RejectsNonsense) {
  EXPECT_THROW(ParetoFront(0), InternalError);
  ParetoFront front(2);
  EXPECT_THROW(front.insert({{1}, 0}), InternalError);
  EXPECT_THROW(front.insert({{1, std::nan("")}, 0}), InternalError);
}

RC_GTEST_PROP(ParetoFrontProperty, EqualsTheDefinitionForAnyOrder, ()) {
  const auto values = *rc::gen::container<std::vector<std::vector<int>>>(
      rc::gen::container<std::vector<int>>(3, rc::gen::inRange(0, 6)));
  std::vector<std::vector<double>> points;
  for (const auto& v : values) points.emplace_back(v.begin(), v.end());
  ParetoFront front(3);
  for (const auto& point : points) front.insert({point, 0});
  std::vector<std::vector<double>> expected;
  for (const auto& point : points) {
    bool beaten = false;
    for (const auto& other : points) beaten |= dominates(other, point);
    if (!beaten) expected.push_back(point);
  }
  std::sort(expected.begin(), expected.end());
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  std::vector<std::vector<double>> found;
  for (const auto& point : front.points()) found.push_back(point.objectives);
  RC_ASSERT(found == expected);
}

}  // namespace
}  // namespace arco
