// How operators other than layers pass through quantisation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/quant/quantize.h"
#include "arco/quant/report.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using ::testing::ElementsAre;
using testing_support::TestGraph;

std::vector<std::string> operators(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.emplace_back(op_name(node.op));
  return names;
}

Graph quantised(const Graph& graph) {
  return quantize(graph, calibrate(graph, noise_calibration(graph, 5, 2)));
}

double worst_ratio(const Graph& graph, const Graph& quantized) {
  double worst = INFINITY;
  for (const auto& line : compare_quantized(graph, quantized, noise_calibration(graph, 7, 2).sets)) {
    worst = std::min(worst, line.signal_to_noise_db);
  }
  return worst;
}

// A network under construction: identity convolutions are the int8 neighbours.
struct Net : TestGraph {
  TensorId x = input("x", {1, 2, 4, 4});
  TensorId conv(TensorId from) {
    return node(
        "conv" + std::to_string(graph.nodes.size()), Conv{},
        {from, constant<float>("w" + std::to_string(graph.tensors.size()), {2, 2, 1, 1}, {1, 0.25F, -0.5F, 1})});
  }
};

TEST(QuantizeOperators, FunctionsBetweenLayersBecomeTables) {
  Net net;
  const TensorId s = net.node("swish", Unary{Unary::Kind::kHardSwish}, {net.conv(net.x)});
  const TensorId t = net.node("tanh", Unary{Unary::Kind::kTanh}, {s});
  const Graph& graph = net.finish({net.conv(t), net.node("exp", Unary{Unary::Kind::kExp}, {t})});
  const Graph q = quantised(graph);
  // The last one is read by nobody in int8: it stays a float function.
  EXPECT_THAT(operators(q),
              ElementsAre("Quantize", "Conv", "Table", "Table", "Conv", "Dequantize", "Exp", "Dequantize"));
  EXPECT_GT(worst_ratio(graph, q), 25);
}

TEST(QuantizeOperators, FunctionsOfFloatInputsStayFloat) {
  Net net;
  const Graph& graph = net.finish({net.conv(net.node("tanh", Unary{Unary::Kind::kTanh}, {net.x}))});
  EXPECT_THAT(operators(quantised(graph)), ElementsAre("Tanh", "Quantize", "Conv", "Dequantize"));
}

TEST(QuantizeOperators, WhatMovesValuesKeepsTheirScale) {
  Net net;
  TensorId t = net.conv(net.x);
  t = net.node("pad", Pad{Pad::Mode::kConstant, {0, 0, 1, 1, 0, 0, 1, 1}, 0}, {t});
  t = net.node("up", Resize{.sizes = {1, 2, 12, 12}, .scales = {1, 1, 2, 2}}, {t});
  t = net.node("swap", Transpose{{0, 1, 3, 2}}, {t});
  t = net.node("cut", Slice{{2}, {10}, {3}, {1}}, {t});
  t = net.node("pick", Gather{1}, {t, net.constant<int64_t>("i", {2}, {1, 0})});
  const Graph& graph = net.finish({net.conv(t)});
  const Graph q = quantised(graph);
  EXPECT_THAT(operators(q),
              ElementsAre("Quantize", "Conv", "Pad", "Resize", "Transpose", "Slice", "Gather", "Conv", "Dequantize"));
  EXPECT_GT(worst_ratio(graph, q), 25);
}

TEST(QuantizeOperators, PaddingWithOtherValuesAndSmoothResizeStayFloat) {
  Net net;
  TensorId t = net.conv(net.x);
  t = net.node("pad", Pad{Pad::Mode::kConstant, {0, 0, 1, 1, 0, 0, 1, 1}, 3}, {t});
  t = net.node("up", Resize{.mode = Resize::Mode::kLinear, .sizes = {1, 2, 12, 12}, .scales = {1, 1, 2, 2}}, {t});
  const Graph& graph = net.finish({net.conv(t)});
  EXPECT_THAT(operators(quantised(graph)),
              ElementsAre("Quantize", "Conv", "Dequantize", "Pad", "Resize", "Quantize", "Conv", "Dequantize"));
}

// Integers of the model's own, in and out, are no concern of ours.
TEST(QuantizeOperators, OwnIntegersOfTheModelPass) {
  TestGraph t;
  const TensorId x = t.input("x", {2, 2}, DataType::kInt8);
  const TensorId scale = t.constant<float>("scale", {}, {0.5F});
  const TensorId zero = t.constant<int8_t>("zero", {}, {3});
  const TensorId real = t.node("real", DequantizeLinear{}, {x, scale, zero});
  const TensorId y = t.node("y", QuantizeLinear{1, DataType::kInt8}, {real, scale, zero});
  const Graph& graph = t.finish({t.node("max", Concat{0}, {y, x})});
  const Graph q = quantised(graph);
  EXPECT_THAT(operators(q), ElementsAre("DequantizeLinear", "QuantizeLinear", "Concat"));
  const Array values = Array::of<int8_t>({2, 2}, {1, -2, 3, 127});
  EXPECT_THAT(run_reference(q, {values}).at(0).data<int8_t>(), ElementsAre(1, -2, 3, 127, 1, -2, 3, 127));
}

TEST(QuantizeOperators, InfiniteConstantsInFloatAreFine) {
  TestGraph t;
  const TensorId x = t.input("x", {2});
  const TensorId mask = t.constant<float>("mask", {2}, {0, -INFINITY});
  const TensorId sum = t.node("exp", Unary{Unary::Kind::kExp}, {t.node("min", Binary{Binary::Kind::kMax}, {x, mask})});
  EXPECT_THAT(operators(quantised(t.finish({sum}))), ElementsAre("Max", "Exp"));
}

}  // namespace
}  // namespace arco
