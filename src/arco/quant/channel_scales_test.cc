#include "arco/quant/channel_scales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/quant/quantize.h"
#include "arco/quant/report.h"
#include "arco/reference/interpreter.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using testing_support::TestGraph;

constexpr QuantizeOptions kPerChannel{.weight_scales = WeightScales::kPerChannel};

// Weights whose channels differ in size by up to 2^spread.
std::vector<float> uneven_weights(Random& random, const Shape& shape, double scale, int64_t spread) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  const size_t length = values.size() / static_cast<size_t>(shape[0]);
  double channel = 1;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i % length == 0) channel = scale * std::ldexp(1.0, -static_cast<int>(random.between(0, spread)));
    values[i] = static_cast<float>(channel * random.normal());
  }
  return values;
}

Graph two_layers(uint64_t seed, int64_t spread) {
  TestGraph t;
  Random random(seed);
  const TensorId x = t.input("x", {1, 8, 10, 10});
  const auto conv = [&](const std::string& name, TensorId from, TensorId residual) {
    const TensorId w = t.constant<float>(name + ".w", {8, 8, 3, 3}, uneven_weights(random, {8, 8, 3, 3}, 0.2, spread));
    const TensorId b = t.constant<float>(name + ".b", {8}, uneven_weights(random, {8}, 0.1, 2));
    return t.node(name, Conv{.pads = {1, 1, 1, 1}, .clamp = {0, INFINITY}}, {from, w, b, residual});
  };
  const TensorId a = conv("a", x, kNoTensor);
  return t.finish({conv("b", a, a)});
}

double noise_of(const Graph& graph, const QuantizeOptions& options, const std::string& node) {
  const Graph quantized = quantize(graph, calibrate(graph, noise_calibration(graph, 5)), options);
  for (const TensorNoise& line : compare_quantized(graph, quantized, noise_calibration(graph, 9, 2).sets)) {
    if (line.node == node) return line.signal_to_noise_db;
  }
  return 0;
}

TEST(ChannelScales, KeepUnevenChannels) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Graph graph = two_layers(seed, 6);
    for (const char* node : {"a", "b"}) {
      EXPECT_GT(noise_of(graph, kPerChannel, node), noise_of(graph, {}, node)) << node << " " << seed;
    }
  }
}

TEST(ChannelScales, ResidualsAreExactInTheAccumulator) {
  const Graph graph = two_layers(4, 5);
  const Graph q = quantize(graph, calibrate(graph, noise_calibration(graph, 5)), kPerChannel);
  for (const Node& node : q.nodes) {
    if (node.name != "b") continue;
    ASSERT_TRUE(node.requantize && node.requantize->channels);
    const ChannelRequantize& channels = *node.requantize->channels;
    ASSERT_EQ(channels.residual_multipliers.size(), 8U);
    for (size_t c = 1; c < 8; ++c) {
      EXPECT_EQ(channels.multipliers[c] * channels.residual_multipliers[c],
                channels.multipliers[0] * channels.residual_multipliers[0]);
    }
  }
}

// On inputs as bad as they can be: the interpreter's wrapping arithmetic against real numbers.
TEST(ChannelScales, NothingOverflowsAndHalvesRoundUp) {
  Random random(6);
  int checked = 0;
  for (int trial = 0; trial < 300; ++trial) {
    TestGraph t;
    const int64_t inputs = random.between(1, 400);
    const double scale = std::ldexp(1.0, static_cast<int>(random.between(-16, 8)));
    const TensorId x = t.input("x", {1, inputs});
    const TensorId w = t.constant<float>("w", {5, inputs}, uneven_weights(random, {5, inputs}, scale, 8));
    const TensorId b = t.constant<float>("b", {5}, uneven_weights(random, {5}, 4 * scale, 3));
    const Graph& graph = t.finish({t.node("fc", Dense{}, {x, w, b})});
    const Graph q = quantize(graph, calibrate(graph, noise_calibration(graph, 5)), kPerChannel);
    const Node& node = q.nodes.at(1);
    if (!node.requantize || !node.requantize->channels) continue;
    ++checked;
    const ChannelRequantize& channels = *node.requantize->channels;
    const auto weights = q.tensor(node.inputs[1]).constant->data<int8_t>();
    const auto bias = q.tensor(node.inputs[2]).constant->data<int32_t>();
    for (size_t c = 0; c < 5; ++c) {
      Array worst(DataType::kInt8, {1, inputs});
      double sum = bias[c];
      for (size_t i = 0; i < static_cast<size_t>(inputs); ++i) {
        const bool small = trial % 2 == 0;
        const auto value = static_cast<int8_t>(small                         ? random.between(-20, 20)
                                               : weights[c * inputs + i] < 0 ? -127
                                                                             : 127);
        worst.mutable_data<int8_t>()[i] = value;
        sum += static_cast<double>(value) * weights[c * inputs + i];
      }
      const Array y = run_reference_node(q, node, {worst, Array(), Array()}).at(0);
      const double exact = std::ldexp(sum * channels.multipliers[c], -node.requantize->shift - channels.shift);
      const double limited = std::clamp(exact, -127.0, 127.0);
      EXPECT_NEAR(y.data<int8_t>()[c], limited, 0.5 + 1.0 / 16 + 1e-9) << "trial " << trial << " channel " << c;
    }
  }
  EXPECT_GT(checked, 250);
}

TEST(ChannelScales, NothingForWeightsThatAreAllZero) {
  Tensor zeros;
  zeros.shape = {2, 3};
  zeros.constant = Array(DataType::kFloat32, {2, 3});
  EXPECT_FALSE(choose_channel_scales(zeros, nullptr, {{0.0625}, {0.0625}, std::nullopt}));
}

TEST(ChannelScales, CheckerFindsBrokenRules) {
  const Graph graph = two_layers(4, 5);
  const Graph good = quantize(graph, calibrate(graph, noise_calibration(graph, 5)), kPerChannel);
  const auto broken = [&](const auto& change) {
    Graph q = good;
    for (Node& node : q.nodes) {
      if (node.name == "b") change(*node.requantize);
    }
    try {
      check_quantized(q);
    } catch (const InternalError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  using testing::HasSubstr;
  EXPECT_EQ(broken([](Requantize&) {}), "no error");
  EXPECT_THAT(broken([](Requantize& r) { r.shift += 1; }), HasSubstr("whose sum is"));
  EXPECT_THAT(broken([](Requantize& r) { r.channels->multipliers.pop_back(); }), HasSubstr("one multiplier for each"));
  EXPECT_THAT(broken([](Requantize& r) { r.channels->multipliers[1] = 40000; }), HasSubstr("15 bits"));
  EXPECT_THAT(broken([](Requantize& r) { r.channels->residual_multipliers[2] += 1; }), HasSubstr("channel 2"));
  EXPECT_THAT(broken([](Requantize& r) { r.channels->residual_multipliers.clear(); }), HasSubstr("of the residual"));
  EXPECT_THAT(broken([](Requantize& r) { r.channels.reset(); }), HasSubstr("expected shift"));
}

}  // namespace
}  // namespace arco
