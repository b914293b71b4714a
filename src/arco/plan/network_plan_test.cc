#include "arco/plan/network_plan.h"

#include <gtest/gtest.h>

#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using testing_support::TestGraph;

// Why the host runs a Pad around an int8 image of some zero point that a convolution or a maximum reads.
std::string reason_of_pad(int32_t zero, bool convolution) {
  TestGraph t;
  const TensorId x = t.input("x", {1, 1, 4, 4}, DataType::kInt8);
  const TensorId padded = t.node("pad", Pad{.pads = {0, 0, 1, 1, 0, 0, 1, 1}}, {x});
  t.graph.tensor(x).grid = t.graph.tensor(padded).grid = Grid{0.5, zero};
  TensorId y = kNoTensor;
  if (convolution) {
    const TensorId w = t.constant<int8_t>("w", {1, 1, 1, 1}, {1});
    y = t.node("conv", Conv{.clamp = {}}, {padded, w}, Requantize{});
  } else {
    y = t.node("max", Pool{.kernel = {2, 2}, .clamp = {}}, {padded}, Requantize{});
  }
  return std::get<HostStep>(plan_network(t.finish({y})).steps.at(0)).reason;
}

TEST(NetworkPlan, NamesTheZeroPointOfABorder) {
  EXPECT_EQ(reason_of_pad(-5, true), "border of zero point -5: the accelerator pads with 0 or -128 only");
  EXPECT_EQ(reason_of_pad(-128, true), "only moves values");
  EXPECT_EQ(reason_of_pad(-5, false), "only moves values");
}

}  // namespace
}  // namespace arco
