#include "arco/search/space.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "arco/base/error.h"
#include "arco/search/testing_space.h"

namespace arco {
namespace {

// Knobs of the given numbers of options, and nothing else.
class KnobSpace : public TestingSpace {
 public:
  explicit KnobSpace(const std::vector<size_t>& options) {
    knobs_.clear();
    for (const size_t count : options) knobs_.push_back({"k", Agent::kMapping, std::vector<int64_t>(count, 1)});
  }
};

TEST(SearchSpace, TheFirstKnobIsLeastSignificant) {
  const KnobSpace space({3, 4, 2});
  EXPECT_EQ(space.size(), 24U);
  EXPECT_EQ(space.encode({2, 0, 0}), 2U);
  EXPECT_EQ(space.encode({0, 1, 0}), 3U);
  EXPECT_EQ(space.encode({1, 3, 1}), 1U + 3 * 3 + 12);
  EXPECT_EQ(space.decode(22), (Choice{1, 3, 1}));
}

TEST(SearchSpace, WhatIsOutsideIsAnError) {
  const KnobSpace space({3, 4});
  EXPECT_THROW(space.encode({0}), InternalError);
  EXPECT_THROW(space.encode({3, 0}), InternalError);
  EXPECT_THROW(space.encode({0, -1}), InternalError);
  EXPECT_THROW(space.decode(12), InternalError);
  EXPECT_THROW(KnobSpace({3, 0}).size(), InternalError);
  EXPECT_EQ(KnobSpace(std::vector<size_t>(62, 2)).size(), uint64_t{1} << 62);
  EXPECT_THROW(KnobSpace(std::vector<size_t>(64, 2)).size(), InternalError);
}

TEST(SearchSpace, AgentsHaveNames) {
  EXPECT_STREQ(to_string(Agent::kHardware), "hardware");
  EXPECT_STREQ(to_string(Agent::kScheduling), "scheduling");
  EXPECT_STREQ(to_string(Agent::kMapping), "mapping");
}

RC_GTEST_PROP(SearchSpaceProperty, DecodingInvertsEncoding, ()) {
  const auto options = *rc::gen::container<std::vector<size_t>>(5, rc::gen::inRange<size_t>(1, 9));
  const KnobSpace space(options);
  const auto index = *rc::gen::inRange<uint64_t>(0, space.size());
  RC_ASSERT(space.encode(space.decode(index)) == index);
}

}  // namespace
}  // namespace arco
