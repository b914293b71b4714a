#include "arco/quant/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "arco/quant/quantize.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using ::testing::HasSubstr;

struct Choice : testing_support::TestGraph {
  TensorId image(const std::string& name = "x", Shape shape = {1, 2, 4, 4}) { return input(name, std::move(shape)); }
  TensorId filled(const std::string& name, Shape shape) {
    const auto count = static_cast<size_t>(element_count(shape));
    return constant<float>(name, std::move(shape), std::vector<float>(count, 0.5F));
  }
  TensorId conv(const std::string& name, TensorId x) {
    return node(name, Conv{}, {x, filled(name + ".w", {2, 2, 1, 1})});
  }
  // Why the last node before `outputs` stays in float.
  std::string reason(const std::string& name, std::vector<TensorId> outputs,
                     const std::vector<std::string>& float_nodes = {}) {
    finish(std::move(outputs));
    const auto reasons = reasons_for_float(graph, float_nodes);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      if (graph.nodes[i].name == name) return reasons[i];
    }
    return "no such node";
  }
};

TEST(ReasonsForFloat, AreEmptyForNodesInInt8) {
  Choice c;
  EXPECT_EQ(c.reason("conv", {c.conv("conv", c.image())}), "");
}

TEST(ReasonsForFloat, SayWhichOperandOfALayerIsNotConstant) {
  Choice weights;
  const TensorId x = weights.image();
  EXPECT_EQ(weights.reason("n", {weights.node("n", Conv{}, {x, weights.image("w", {2, 2, 1, 1})})}),
            "its weights are computed at run time, not constant");
  Choice bias;
  const TensorId y = bias.image();
  EXPECT_EQ(bias.reason("n", {bias.node("n", Conv{}, {y, bias.filled("w", {2, 2, 1, 1}), bias.input("b", {2})})}),
            "its bias is computed at run time, not constant");
  Choice integers;
  const TensorId z = integers.input("x", {1, 1, 1, 1}, DataType::kInt32);
  const TensorId w = integers.constant<int32_t>("w", {1, 1, 1, 1}, {3});
  EXPECT_EQ(integers.reason("n", {integers.node("n", Conv{}, {z, w})}), "its input holds int32, not float numbers");
}

TEST(ReasonsForFloat, OfAdditionsAndProducts) {
  Choice broadcast;
  const TensorId x = broadcast.image();
  EXPECT_EQ(broadcast.reason("n", {broadcast.node("n", Add{}, {x, broadcast.image("y", {1, 2, 1, 1})})}),
            "operands are broadcast: 1x2x4x4 and 1x2x1x1");
  Choice constant;
  const TensorId a = constant.image();
  EXPECT_EQ(constant.reason("n", {constant.node("n", Add{}, {a, constant.filled("c", {1, 2, 4, 4})})}),
            "an operand is constant, and no layer before it can take it as bias");
  Choice product;
  const TensorId left = product.input("a", {2, 3});
  EXPECT_EQ(product.reason("n", {product.node("n", MatMul{}, {left, product.input("b", {3, 4})})}),
            "both operands are computed at run time, and a layer's weights are constant");
  Choice stack;
  const TensorId rows = stack.input("a", {2, 2, 3});
  EXPECT_EQ(stack.reason("n", {stack.node("n", MatMul{}, {rows, stack.filled("b", {2, 3, 4})})}),
            "its constant operand is 2x3x4, no matrix");
}

TEST(ReasonsForFloat, OfAveragesWithSeveralDivisors) {
  Choice c;
  Pool pool;
  pool.kind = Pool::Kind::kAverage;
  pool.kernel = {2, 2};
  pool.pads = {1, 1, 0, 0};
  EXPECT_EQ(c.reason("n", {c.node("n", pool, {c.image()})}),
            "its windows do not all average the same, or too great a number of values");
}

TEST(ReasonsForFloat, OfNodesThatAreOnlyWorthItAmongInt8Nodes) {
  Choice clip;
  EXPECT_EQ(clip.reason("n", {clip.node("n", Clip{{0, 1}}, {clip.node("s", Softmax{}, {clip.image()})})}),
            "only limits values and stands between no int8 layers: converting would cost more than it saves");
  Choice input;
  EXPECT_EQ(input.reason("n", {input.conv("conv", input.node("n", Clip{{0, 1}}, {input.image()}))}),
            "it limits an input of the network before that is quantised");
  Choice last;
  EXPECT_EQ(last.reason("n", {last.node("n", Unary{}, {last.conv("conv", last.image())})}),
            "a table saves nothing: no int8 layer reads its results");
  Choice first;
  EXPECT_EQ(first.reason("n", {first.conv("conv", first.node("n", Unary{}, {first.image()}))}),
            "a table needs int8 values, and its input is float");
}

TEST(ReasonsForFloat, OfWhatHasNoIntegerForm) {
  Choice c;
  EXPECT_EQ(c.reason("n", {c.node("n", Softmax{}, {c.image()})}), "no integer form");
  Choice asked;
  EXPECT_EQ(asked.reason("n", {asked.conv("n", asked.image())}, {"n"}), "it was asked to stay in float");
}

// The indices of a Gather are constant, which says nothing of the values that it moves.
TEST(ReasonsForFloat, AreNoneForAGatherOfInt8Results) {
  Choice c;
  const TensorId indices = c.constant<int64_t>("i", {1}, {1});
  EXPECT_EQ(c.reason("n", {c.node("n", Gather{1}, {c.conv("conv", c.image()), indices})}), "");
}

// What the graph says of itself afterwards is what the plan tells people; nodes that the scales rule out say that.
TEST(ReasonsForFloat, StandInTheQuantisedGraph) {
  Choice c;
  const TensorId x = c.image();
  const TensorId w = c.constant<float>("w", {2, 2, 1, 1}, {300, 0, 0, 300});
  // A residual that is its own input, with weights above 127, has no scale.
  const TensorId sum = c.node("contradiction", Conv{}, {x, w, kNoTensor, x});
  const TensorId soft = c.node("softmax", Softmax{}, {sum});
  const Graph& graph = c.finish({c.conv("conv", soft)});
  const Graph quantized = quantize(graph, calibrate(graph, noise_calibration(graph, 5, 1)));
  std::map<std::string, std::string> reasons;
  for (const Node& node : quantized.nodes) reasons[node.name] = node.why_float;
  EXPECT_THAT(reasons["contradiction"], HasSubstr("no scales fit"));
  EXPECT_EQ(reasons["softmax"], "no integer form");
  EXPECT_EQ(reasons["conv"], "");
}

}  // namespace
}  // namespace arco
