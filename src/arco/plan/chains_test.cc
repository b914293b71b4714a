#include "arco/plan/chains.h"

#include <gtest/gtest.h>

#include <functional>

namespace arco {
namespace {

Array filled(DataType type, const Shape& shape, int32_t value) {
  Array array(type, shape);
  if (type == DataType::kInt8) std::ranges::fill(array.mutable_data<int8_t>(), static_cast<int8_t>(value));
  if (type == DataType::kInt32) std::ranges::fill(array.mutable_data<int32_t>(), value);
  return array;
}

// A 3x3 convolution of 16 channels and a pooling (or other operator of one input) behind it, quantised.
struct Net {
  explicit Net(const Pool& pooling, int32_t bias = 100) {
    x = int8_tensor("x");
    graph.tensor(x).shape = {1, 16, 8, 8};
    graph.inputs = {x};
    Conv op;
    op.pads = {1, 1, 1, 1};
    const TensorId w = graph.add_constant("w", filled(DataType::kInt8, {16, 16, 3, 3}, 1));
    const TensorId b = graph.add_constant("b", filled(DataType::kInt32, {16}, bias));
    y = int8_tensor("y");
    z = int8_tensor("z");
    graph.nodes = {{"conv", op, {x, w, b}, {y}, Requantize{}}, {"pool", pooling, {y}, {z}, Requantize{}}};
    graph.nodes[0].requantize->shift = 8;
    graph.outputs = {z};
  }
  TensorId int8_tensor(const std::string& name) {
    Tensor tensor;
    tensor.name = name;
    tensor.type = DataType::kInt8;
    return graph.add_tensor(tensor);
  }
  Requantize& numbers(size_t node) { return *graph.nodes[node].requantize; }
  std::vector<Chain> chains() {
    infer_shapes(graph);
    return plan_network(graph).chains;
  }
  Graph graph;
  TensorId x, y, z;
};

Pool max_pool(int64_t kernel = 3, int64_t stride = 2, int64_t pad = 1) {
  Pool pool;
  pool.kernel = {kernel, kernel};
  pool.strides = {stride, stride};
  pool.pads = {pad, pad, pad, pad};
  return pool;
}

Pool average_pool() {
  Pool pool = max_pool(2, 2, 0);
  pool.kind = Pool::Kind::kAverage;
  return pool;
}

TEST(Chains, AMaximumJoinsItsConvolution) {
  Net net(max_pool());
  net.numbers(0).low = 0;
  net.numbers(1).high = 100;
  const std::vector<Chain> chains = net.chains();
  ASSERT_EQ(chains.size(), 1U);
  const AcceleratorLayer& layer = chains[0].layer;
  EXPECT_EQ(chains[0].convolution, 0);
  EXPECT_EQ(chains[0].follower, 1);
  EXPECT_EQ(layer.name, "conv + pool");
  EXPECT_EQ(layer.output, net.z);
  EXPECT_EQ(layer.workload.oh, 4);
  EXPECT_EQ(layer.workload.conv_oh(), 8);
  EXPECT_TRUE(layer.workload.pools_maxima());
  EXPECT_EQ(layer.numbers.low, 0);
  EXPECT_EQ(layer.numbers.high, 100);
  EXPECT_EQ(layer.workload.macs(), 16 * 16 * 9 * 64);
}

TEST(Chains, AnAverageJoinsWithNumbersOfItsOwn) {
  Net net(average_pool());
  net.numbers(1).shift = 16;
  net.numbers(1).multiplier = 1 << 14;
  const std::vector<Chain> chains = net.chains();
  ASSERT_EQ(chains.size(), 1U);
  EXPECT_TRUE(chains[0].layer.workload.pools_averages());
  EXPECT_EQ(chains[0].layer.numbers.shift, 8);
  EXPECT_EQ(chains[0].layer.stage_numbers.shift, 16);
}

TEST(Chains, AMaximumJoinsAConvolutionWithMultipliersThatCannotWrap) {
  const auto joins = [](int32_t multiplier) {
    Net net(max_pool());
    net.numbers(0).shift = 2;
    net.numbers(0).channels = ChannelRequantize{std::vector<int32_t>(16, multiplier), {}, 14};
    return !net.chains().empty();
  };
  // Sums reach 16 * 9 * 128 and the bias; the first shift leaves 13 bits of them.
  EXPECT_TRUE(joins(1 << 10));
  EXPECT_TRUE(joins((1 << 15) - 1));
  Net wraps(max_pool());
  wraps.numbers(0).shift = 0;
  wraps.numbers(0).channels = ChannelRequantize{std::vector<int32_t>(16, 200'000), {}, 14};
  EXPECT_TRUE(wraps.chains().empty());
}

// y = conv(x), z = y + x or x + y.
Net with_addition(bool is_second) {
  Net net(max_pool());
  net.graph.nodes[1].op = Add{};
  net.graph.nodes[1].inputs = is_second ? std::vector{net.x, net.y} : std::vector{net.y, net.x};
  net.numbers(1).add_scales = AddScales{{3, 5}, 1};
  net.numbers(1).shift = 2;
  return net;
}

TEST(Chains, AnAdditionJoinsTheConvolutionAsItsFirstOperand) {
  for (const bool is_second : {false, true}) {
    Net net = with_addition(is_second);
    const std::vector<Chain> chains = net.chains();
    ASSERT_EQ(chains.size(), 1U);
    const AcceleratorLayer& layer = chains[0].layer;
    EXPECT_EQ(layer.residual, net.x);
    EXPECT_EQ(layer.numbers.shift, 8);
    EXPECT_EQ(layer.stage_numbers.shift, 2);
    EXPECT_EQ(layer.stage_numbers.add_scales->multipliers[is_second ? 1 : 0], 3);
    EXPECT_EQ(layer.workload.add, (AddStage{false, true, true, true}));
    EXPECT_FALSE(layer.workload.has_residual);
  }
}

TEST(Chains, NoAdditionOfAConvolutionToItselfNorBehindAResidual) {
  Net twice = with_addition(false);
  twice.graph.nodes[1].inputs = {twice.y, twice.y};
  EXPECT_TRUE(twice.chains().empty());
  Net residual = with_addition(false);
  residual.graph.nodes[0].inputs.push_back(residual.x);
  EXPECT_TRUE(residual.chains().empty());
}

TEST(Chains, OfTwoAddedConvolutionsTheLargerJoins) {
  Net net = with_addition(false);
  const TensorId shortcut = net.int8_tensor("shortcut");
  const TensorId w = net.graph.add_constant("w1", filled(DataType::kInt8, {16, 16, 1, 1}, 1));
  net.graph.nodes[1].inputs = {shortcut, net.y};
  for (const size_t place : {0, 1}) {
    Net both = net;
    both.graph.nodes.insert(both.graph.nodes.begin() + static_cast<int64_t>(place),
                            {"shortcut", Conv{}, {net.x, w}, {shortcut}, Requantize{}});
    const std::vector<Chain> chains = both.chains();
    ASSERT_EQ(chains.size(), 1U);
    EXPECT_EQ(chains[0].convolution, place == 0 ? 1 : 0);
    EXPECT_EQ(chains[0].follower, 2);
    EXPECT_EQ(chains[0].layer.residual, shortcut);
  }
}

TEST(Chains, NotWhereTheBitsCouldDiffer) {
  const auto apart = [](const Pool& pool, int32_t bias, const std::function<void(Net&)>& change) {
    Net net(pool, bias);
    change(net);
    return net.chains().empty();
  };
  const auto nothing = [](Net&) {};
  EXPECT_FALSE(apart(max_pool(), 100, nothing));
  EXPECT_TRUE(apart(max_pool(), std::numeric_limits<int32_t>::max(), nothing));  // the sum could wrap
  EXPECT_TRUE(apart(max_pool(), 100, [](Net& n) { n.numbers(0).shift = -1; }));
  EXPECT_TRUE(apart(max_pool(), 100, [](Net& n) {
    n.numbers(0).low = 50;
    n.numbers(1).high = 20;
  }));
  EXPECT_TRUE(apart(average_pool(), 100, [](Net& n) { n.numbers(1).shift = 2; }));
}

TEST(Chains, NotWhereTheConvolutionItselfIsRead) {
  Net output(max_pool());
  output.graph.outputs = {output.y, output.z};
  EXPECT_TRUE(output.chains().empty());
  Net read_twice(max_pool());
  const TensorId other = read_twice.int8_tensor("other");
  read_twice.graph.nodes.push_back({"second", max_pool(2, 2, 0), {read_twice.y}, {other}, Requantize{}});
  read_twice.graph.outputs.push_back(other);
  EXPECT_TRUE(read_twice.chains().empty());
}

}  // namespace
}  // namespace arco
