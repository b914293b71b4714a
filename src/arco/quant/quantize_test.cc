#include "arco/quant/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/quant/choose.h"
#include "arco/quant/report.h"
#include "arco/quant/scales.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::TestGraph;

// Float networks with random weights.
struct RandomGraph : TestGraph {
  explicit RandomGraph(uint64_t seed) : random(seed) {}

  TensorId weights(const std::string& name, Shape shape, double scale) {
    std::vector<float> values(static_cast<size_t>(element_count(shape)));
    for (float& v : values) v = static_cast<float>(scale * random.normal());
    return constant<float>(name, std::move(shape), values);
  }
  TensorId conv(const std::string& name, TensorId x, int64_t ci, int64_t co, Clamp clamp, TensorId residual = kNoTensor,
                double scale = 0.2, double bias = 0.3) {
    return node(name, Conv{.pads = {1, 1, 1, 1}, .clamp = clamp},
                {x, weights(name + ".w", {co, ci, 3, 3}, scale), weights(name + ".b", {co}, bias), residual});
  }

  Random random;
};

constexpr Clamp kRelu{0, INFINITY};

const Node& node_named(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes) {
    if (node.name == name) return node;
  }
  throw std::runtime_error("no node " + name);
}
std::vector<std::string> node_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  return names;
}

Graph quantize_with_noise(const Graph& graph, const QuantizeOptions& options = {}) {
  return quantize(graph, calibrate(graph, noise_calibration(graph, 5, 2)), options);
}

TEST(LargestExponent, IsTheFinestThatFits) {
  EXPECT_EQ(largest_exponent(127, 127), 0);
  EXPECT_EQ(largest_exponent(127.01, 127), -1);
  EXPECT_EQ(largest_exponent(1, 127), 6);
  EXPECT_EQ(largest_exponent(0.9, 127), 7);
  EXPECT_EQ(largest_exponent(1e-40, 127), 139);
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const double x = std::ldexp(random.uniform() + 0.01, static_cast<int>(random.between(-60, 60)));
    const int e = largest_exponent(x, 127);
    EXPECT_LE(std::ldexp(x, e), 127);
    EXPECT_GT(std::ldexp(x, e + 1), 127);
  }
}

TEST(AverageScale, IsCloseAndNeverOverflows) {
  for (const int64_t divisor : {1, 4, 9, 49, 64, 196, 12544}) {
    for (int e = -4; e <= 8; ++e) {
      const auto scale = average_scale(divisor, e);
      ASSERT_TRUE(scale) << divisor << " " << e;
      EXPECT_LT(static_cast<double>(divisor) * 127 * scale->multiplier, 2147483648.0);
      const double wanted = std::ldexp(1.0 / static_cast<double>(divisor), e);
      EXPECT_NEAR(std::ldexp(scale->multiplier, -scale->shift) / wanted, 1, 0.001);
    }
  }
  EXPECT_FALSE(average_scale(1000000, -31));
  EXPECT_FALSE(average_scale(1, 40));
}

TEST(Quantize, OneConvolutionStaysCloseToFloat) {
  RandomGraph t(1);
  const TensorId x = t.input("x", {1, 8, 12, 12});
  const Graph& graph = t.finish({t.conv("conv", x, 8, 16, kRelu)});
  const Graph quantized = quantize_with_noise(graph);
  EXPECT_THAT(node_names(quantized), ElementsAre("quantize_x", "conv", "dequantize_conv:out"));
  EXPECT_EQ(quantized.tensor(quantized.outputs[0]).name, "conv:out");
  EXPECT_EQ(quantized.tensor(quantized.outputs[0]).type, DataType::kFloat32);
  const auto report = compare_quantized(graph, quantized, noise_calibration(graph, 99, 1).sets);
  ASSERT_EQ(report.size(), 1U);
  EXPECT_TRUE(report[0].is_int8);
  EXPECT_GT(report[0].signal_to_noise_db, 28);
  EXPECT_LT(report[0].signal_to_noise_db, 60);
  EXPECT_THAT(to_text(report), HasSubstr("conv"));
}

TEST(Quantize, ChoosesTheFinestExponents) {
  TestGraph t;
  const TensorId x = t.input("x", {1, 1, 1, 1});
  const TensorId w = t.constant<float>("w", {1, 1, 1, 1}, {0.9961F});  // rounds to 127 at 2^7
  const TensorId b = t.constant<float>("b", {1}, {0.25F});
  const Graph& graph = t.finish({t.node("conv", Conv{.clamp = {0, 6}}, {x, w, b})});
  const Graph q = quantize(graph, Ranges{{2, 0, 0, 6}});
  const Node& conv = node_named(q, "conv");
  EXPECT_EQ(q.tensor(conv.inputs[0]).exponent, 5);
  EXPECT_EQ(q.tensor(conv.inputs[1]).exponent, 6);
  EXPECT_EQ(q.tensor(conv.inputs[1]).constant->data<int8_t>()[0], 64);
  EXPECT_EQ(q.tensor(conv.inputs[2]).constant->data<int32_t>()[0], 512);
  EXPECT_EQ(q.tensor(conv.outputs[0]).exponent, 4);
  EXPECT_EQ(conv.requantize->shift, 7);
  EXPECT_EQ(conv.requantize->low, 0);
  EXPECT_EQ(conv.requantize->high, 96);
}

// All kinds of nodes together, among them operators without an int8 form.
Graph mixed_network() {
  RandomGraph t(2);
  const TensorId x = t.input("x", {1, 3, 10, 10});
  const TensorId stem = t.conv("stem", x, 3, 8, kRelu);
  const TensorId pool = t.node("maxpool", Pool{.kernel = {2, 2}, .strides = {2, 2}, .clamp = {}}, {stem});
  const TensorId left = t.conv("left", pool, 8, 8, kRelu);
  const TensorId right = t.conv("right", left, 8, 8, kRelu, pool);
  const TensorId sum = t.node("sum", Add{kRelu}, {left, right});
  const TensorId lrn = t.node("lrn", Lrn{}, {sum});
  const TensorId clip = t.node("relu1", Clip{{0, 1}}, {t.conv("narrow", lrn, 8, 4, {})});
  const TensorId both = t.node("concat", Concat{1}, {sum, clip});
  const TensorId mean = t.node("mean", Pool{.kind = Pool::Kind::kAverage, .kernel = {5, 5}, .clamp = {}}, {both});
  const TensorId flat = t.node("flatten", Flatten{}, {mean});
  const TensorId logits = t.node("fc", Dense{}, {flat, t.weights("fc.w", {6, 12}, 0.5), t.weights("fc.b", {6}, 0.2)});
  return t.finish({t.node("softmax", Softmax{}, {logits}), logits});
}

TEST(Quantize, MixedNetworkConvertsAtItsFloatOperators) {
  const Graph graph = mixed_network();
  const Graph q = quantize_with_noise(graph);
  EXPECT_THAT(node_names(q), ElementsAre("quantize_x", "stem", "maxpool", "left", "right", "sum", "dequantize_sum:out",
                                         "lrn", "quantize_lrn:out", "narrow", "relu1", "concat", "mean", "flatten",
                                         "fc", "dequantize_fc:out", "softmax"));
  const auto exponent = [&](const std::string& name) { return q.tensor(node_named(q, name).outputs[0]).exponent; };
  EXPECT_EQ(exponent("stem"), exponent("maxpool"));
  EXPECT_EQ(exponent("concat"), exponent("sum"));
  EXPECT_EQ(exponent("concat"), exponent("relu1"));
  EXPECT_EQ(exponent("mean"), exponent("flatten"));
  EXPECT_FALSE(node_named(q, "flatten").requantize);
  EXPECT_FALSE(node_named(q, "lrn").requantize);
  EXPECT_EQ(node_named(q, "relu1").requantize->shift, 0);
  EXPECT_GE(node_named(q, "mean").requantize->multiplier, 16384);

  const auto report = compare_quantized(graph, q, noise_calibration(graph, 11, 3).sets);
  ASSERT_EQ(report.size(), graph.nodes.size());
  for (const auto& line : report) {
    EXPECT_GT(line.signal_to_noise_db, 18) << line.node << "\n" << to_text(report);
    EXPECT_EQ(line.is_int8, line.node != "lrn" && line.node != "softmax") << line.node;
  }
}

TEST(Quantize, NamedNodesStayFloat) {
  const Graph q = quantize_with_noise(mixed_network(), {.float_nodes = {"left"}});
  EXPECT_FALSE(node_named(q, "left").requantize);
  EXPECT_THAT(node_names(q), Contains("dequantize_maxpool:out"));
  EXPECT_THAT(node_names(q), Contains("quantize_left:out"));
}

TEST(Quantize, AveragePoolWithUnequalWindowsStaysFloat) {
  TestGraph t;
  const TensorId x = t.input("x", {1, 1, 4, 4});
  const Graph& graph = t.finish(
      {t.node("mean", Pool{.kind = Pool::Kind::kAverage, .kernel = {3, 3}, .pads = {1, 1, 1, 1}, .clamp = {}}, {x})});
  EXPECT_THAT(node_names(quantize_with_noise(graph)), ElementsAre("mean"));
}

TEST(Quantize, FollowersOfFloatOperatorsStayFloat) {
  TestGraph t;
  const TensorId x = t.input("x", {1, 4});
  const TensorId soft = t.node("softmax", Softmax{}, {x});
  const Graph& graph = t.finish({t.node("reshape", Reshape{{2, 2}}, {soft})});
  EXPECT_THAT(node_names(quantize_with_noise(graph)), ElementsAre("softmax", "reshape"));
}

TEST(Quantize, ResidualOfItsOwnInputWithLargeWeightsStaysFloat) {
  TestGraph t;
  const TensorId x = t.input("x", {1, 1, 1, 1});
  const TensorId w = t.constant<float>("w", {1, 1, 1, 1}, {200});
  const Graph& graph = t.finish({t.node("conv", Conv{}, {x, w, kNoTensor, x})});
  EXPECT_THAT(node_names(quantize_with_noise(graph)), ElementsAre("conv"));
}

TEST(Quantize, RefusesWeightsThatAreNotFinite) {
  TestGraph t;
  const TensorId x = t.input("x", {1, 1});
  const TensorId w = t.constant<float>("w", {1, 1}, {NAN});
  const Graph& graph = t.finish({t.node("fc", Dense{}, {x, w})});
  EXPECT_THROW(quantize(graph, Ranges{{1, 1, 1}}), UserError);
}

// Networks whose weights, biases and inputs differ by many powers of two: quantize() ends in check_quantized(), and no
// accumulator of a convolution wraps.
TEST(Quantize, AnyScalesGiveLegalShiftsWithoutOverflow) {
  Random random(4);
  int int8_layers = 0;
  for (int trial = 0; trial < 200; ++trial) {
    RandomGraph t(static_cast<uint64_t>(trial));
    const auto scale = [&] { return std::ldexp(1.0, static_cast<int>(random.between(-24, 10))); };
    const TensorId x = t.input("x", {1, 2, 4, 4});
    const TensorId a = t.conv("a", x, 2, 2, kRelu, kNoTensor, scale(), scale());
    const TensorId b = t.conv("b", a, 2, 2, {}, x, scale(), scale());
    const TensorId sum = t.node("sum", Add{kRelu}, {b, x});
    const TensorId mean = t.node("mean", Pool{.kind = Pool::Kind::kAverage, .kernel = {2, 2}, .clamp = {}}, {sum});
    const TensorId left = t.node("cut", Pool{.kernel = {2, 2}, .clamp = {}}, {a});
    const Graph& graph = t.finish({t.node("concat", Concat{1}, {mean, left})});
    const Graph q = quantize_with_noise(graph);

    std::vector<Array> values(q.tensors.size());
    run_reference(q, noise_calibration(graph, 3, 1).sets[0],
                  [&](TensorId id, const Array& value) { values[static_cast<size_t>(id)] = value; });
    for (const Node& node : q.nodes) {
      if (!std::holds_alternative<Conv>(node.op) || !node.requantize) continue;
      ++int8_layers;
      // The same sum in float: the integers as they are, without wrapping.
      const auto as_float = [](const auto& integers, Shape shape, int shift) {
        Array result(DataType::kFloat32, std::move(shape));
        for (size_t i = 0; i < integers.size(); ++i) {
          result.mutable_data<float>()[i] = std::ldexp(static_cast<float>(integers[i]), shift);
        }
        return result;
      };
      const Requantize& r = *node.requantize;
      std::vector<Array> operands;
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.inputs[i] == kNoTensor) continue;
        const Tensor& tensor = q.tensor(node.inputs[i]);
        const Array& value = tensor.constant ? *tensor.constant : values[static_cast<size_t>(node.inputs[i])];
        operands.push_back(i == 2 ? as_float(value.data<int32_t>(), tensor.shape, 0)
                                  : as_float(value.data<int8_t>(), tensor.shape, i == 3 ? r.residual_shift : 0));
      }
      Conv op = std::get<Conv>(node.op);
      op.clamp = {};
      const Array expected = testing_support::run_op(op, operands);
      const auto actual = values[static_cast<size_t>(node.outputs[0])].data<int8_t>();
      for (size_t i = 0; i < actual.size(); ++i) {
        const float scaled = std::ldexp(expected.data<float>()[i], -r.shift);
        const float limited = std::min(std::max(scaled, static_cast<float>(r.low)), static_cast<float>(r.high));
        ASSERT_NEAR(actual[i], limited, 0.51) << "trial " << trial << " " << node.name;
      }
    }
  }
  EXPECT_GT(int8_layers, 300);
}

TEST(Quantize, VeryLargeAndVerySmallValuesKeepTheirSignal) {
  for (const double scale : {1e-8, 1e-3, 1.0, 1e6}) {
    RandomGraph t(3);
    const TensorId x = t.input("x", {1, 4, 5, 5});
    const TensorId a = t.conv("a", x, 4, 4, kRelu, kNoTensor, scale, scale);
    const Graph& graph = t.finish({t.conv("b", a, 4, 4, {}, kNoTensor, 1 / scale, 1)});
    for (const TensorNoise& line :
         compare_quantized(graph, quantize_with_noise(graph), noise_calibration(graph, 9, 1).sets)) {
      EXPECT_TRUE(line.is_int8) << line.node;
      EXPECT_GT(line.signal_to_noise_db, 20) << line.node << " at " << scale;
    }
  }
}

// A channel that was dead on the calibration inputs gets a very fine scale; other inputs must saturate there, not wrap.
TEST(Quantize, DeadOutputsDoNotWrapOnOtherInputs) {
  TestGraph t;
  const TensorId x = t.input("x", {1, 1});
  const TensorId w = t.constant<float>("w", {1, 1}, {1});
  const TensorId dead = t.node("dead", Dense{kRelu}, {x, w});
  const Graph& graph = t.finish({t.node("sum", Add{kRelu}, {dead, x})});
  const Graph q = quantize(graph, Ranges{{1, 1, 0, 0}});
  for (float value = -1; value <= 1; value += 0.125F) {
    const Array input = Array::of<float>({1, 1}, {value});
    const float result = run_reference(q, {input}).at(0).data<float>()[0];
    EXPECT_GE(result, 0) << value;
    EXPECT_EQ(result > 0, value > 0) << value;
  }
}

TEST(CheckQuantized, FindsBrokenRules) {
  const Graph good = quantize_with_noise(mixed_network());
  EXPECT_NO_THROW(check_quantized(good));
  const auto broken = [&](const std::string& name, const auto& change) {
    Graph graph = good;
    for (Node& node : graph.nodes) {
      if (node.name == name) change(graph, node);
    }
    try {
      check_quantized(graph);
    } catch (const InternalError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(broken("left", [](Graph&, Node& n) { n.requantize->shift += 1; }),
              HasSubstr("'left' (Conv): expected shift"));
  EXPECT_THAT(broken("right", [](Graph&, Node& n) { n.requantize->residual_shift -= 1; }), HasSubstr("residual shift"));
  EXPECT_THAT(broken("sum", [](Graph&, Node& n) { n.requantize->add_shifts = {17, 17}; }), HasSubstr("operand shift"));
  EXPECT_THAT(broken("mean", [](Graph&, Node& n) { n.requantize->multiplier = 40000; }), HasSubstr("15 bits"));
  EXPECT_THAT(broken("relu1", [](Graph&, Node& n) { n.requantize->shift = 1; }), HasSubstr("no shift"));
  EXPECT_THAT(broken("fc", [](Graph&, Node& n) { n.requantize->low = -128; }), HasSubstr("-127 <= low"));
  EXPECT_THAT(broken("flatten", [](Graph& g, Node& n) { g.tensor(n.outputs[0]).exponent += 1; }),
              HasSubstr("at the output's exponent"));
  EXPECT_THAT(broken("lrn", [](Graph& g, Node& n) { g.tensor(n.inputs[0]).type = DataType::kInt8; }),
              HasSubstr("dequantize_sum:out"));
  EXPECT_THAT(broken("fc", [](Graph& g, Node& n) { g.tensor(n.inputs[2]).exponent += 1; }), HasSubstr("bias"));
}

TEST(SignalToNoise, Decibels) {
  const std::vector<float> x{3, 4};
  EXPECT_NEAR(signal_to_noise_db(x, std::vector<float>{3, 4.5F}), 20, 1e-6);
  EXPECT_TRUE(std::isinf(signal_to_noise_db(x, x)));
}

}  // namespace
}  // namespace arco
