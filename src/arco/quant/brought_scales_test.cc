#include "arco/quant/brought_scales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/graph/fused_clamp.h"
#include "arco/quant/kept_scales.h"
#include "arco/quant/quantize.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using testing::HasSubstr;
using testing_support::TestGraph;

struct QdqGraph : TestGraph {
  // x -> QuantizeLinear -> DequantizeLinear
  TensorId pair(const std::string& name, TensorId x, float scale) {
    const TensorId s = constant<float>(name + ".scale", {}, {scale});
    const TensorId z = constant<int8_t>(name + ".zero", {}, {0});
    const TensorId q = node(name + ".quantize", QuantizeLinear{1, DataType::kInt8}, {x, s, z});
    return node(name + ".dequantize", DequantizeLinear{}, {q, s, z});
  }
  TensorId uint8_pair(const std::string& name, TensorId x, float scale, uint8_t zero) {
    const TensorId s = constant<float>(name + ".scale", {}, {scale});
    const TensorId z = constant<uint8_t>(name + ".zero", {}, {zero});
    const TensorId q = node(name + ".quantize", QuantizeLinear{1, DataType::kUint8}, {x, s, z});
    return node(name + ".dequantize", DequantizeLinear{}, {q, s, z});
  }
  // Weights [4, 3] as a quantised model has them after their DequantizeLinear was folded.
  TensorId weights(const std::string& name, const std::vector<float>& steps) {
    std::vector<float> values;
    for (size_t i = 0; i < 12; ++i) {
      const auto level = static_cast<float>(static_cast<int>(i * 37 % 255) - 127);
      values.push_back(level * steps[steps.size() == 1 ? 0 : i / 3]);
    }
    const TensorId id = constant<float>(name, {4, 3}, values);
    graph.tensor(id).int8_steps = steps;
    return id;
  }
};

int exponent_of(const Graph& graph, const std::string& name) {
  for (const Tensor& tensor : graph.tensors) {
    if (tensor.name == name) return tensor.exponent;
  }
  return -1000;
}

TEST(BroughtScales, PowersOfTwoAreKeptWhateverTheCalibrationSays) {
  QdqGraph t;
  const TensorId x = t.pair("in", t.input("x", {1, 3}), 0.125F);
  const TensorId y = t.node("fc", Dense{}, {x, t.weights("w", {0.015625F})});
  Graph graph = t.finish({t.pair("out", y, 2)});
  EXPECT_EQ(take_brought_scales(graph, false), 2U);
  for (const Node& node : graph.nodes) EXPECT_FALSE(std::holds_alternative<DequantizeLinear>(node.op)) << node.name;
  const Graph q = quantize(graph, calibrate(graph, noise_calibration(graph, 3)));
  EXPECT_EQ(exponent_of(q, "in.dequantize:out.int8"), 3);
  EXPECT_EQ(exponent_of(q, "w"), 6);
  EXPECT_EQ(exponent_of(q, "fc:out"), -1);
  const BroughtScales scales = compare_brought_scales(graph, q);
  EXPECT_EQ(scales.activations.brought, 2U);
  EXPECT_EQ(scales.activations.kept, 2U);
  EXPECT_EQ(scales.weights.brought, 1U);
  EXPECT_EQ(scales.weights.kept, 1U);
}

TEST(BroughtScales, OthersAreRoundedUpAndNamed) {
  QdqGraph t;
  const TensorId x = t.uint8_pair("in", t.input("x", {1, 3}), 0.1F, 0);
  const TensorId w = t.weights("w", {0.01F});
  Graph graph = t.finish({t.node("fc", Dense{}, {x, w})});
  EXPECT_EQ(take_brought_scales(graph, false), 1U);
  EXPECT_EQ(graph.tensor(graph.nodes.at(1).outputs[0]).grid, (Grid{0.1F, -128}));
  const Graph q = quantize(graph, calibrate(graph, noise_calibration(graph, 3)));
  EXPECT_EQ(exponent_of(q, "in.dequantize:out.int8"), 2);  // 255 steps of 0.1 are less than 127 of 0.25
  const BroughtScales scales = compare_brought_scales(graph, q);
  EXPECT_EQ(scales.activations.kept, 0U);
  EXPECT_THAT(scales.activations.example, HasSubstr("'in.dequantize:out': 0.1 around -128 becomes 0.25"));
  EXPECT_EQ(scales.weights.kept, 0U);
  EXPECT_THAT(scales.weights.example, HasSubstr("'w': 0.01 becomes"));
}

TEST(BroughtScales, MultipliersKeepThoseOfWeights) {
  // Also of channels far narrower than the widest.
  for (const std::vector<float>& steps :
       {std::vector{0.01F, 0.0033F, 0.027F, 0.0059F}, std::vector{0.027F, 0.00031F, 0.00000077F, 0.000023F}}) {
    QdqGraph t;
    const TensorId w = t.weights("w", steps);
    Graph graph = t.finish({t.node("fc", Dense{}, {t.input("x", {1, 3}), w})});
    const Graph q =
        quantize(graph, calibrate(graph, noise_calibration(graph, 3)), {.weight_scales = WeightScales::kPerChannel});
    const BroughtScales scales = compare_brought_scales(graph, q);
    EXPECT_EQ(scales.weights.kept, 1U) << scales.weights.example;
    for (const Tensor& tensor : q.tensors) {
      if (tensor.name != "w") continue;
      const auto values = tensor.constant->data<int8_t>();
      for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<int>(i * 37 % 255) - 127) << i;
    }
  }
}

TEST(BroughtScales, WeightsThatAPassChangedBringNone) {
  QdqGraph t;
  const TensorId w = t.weights("w", {0.01F});
  EXPECT_EQ(channel_steps(t.graph.tensor(w)).size(), 4U);
  t.graph.tensor(w).int8_steps = {0.013F};
  EXPECT_TRUE(channel_steps(t.graph.tensor(w)).empty());
}

TEST(BroughtScales, PairsOfDifferentScalesStay) {
  QdqGraph t;
  const TensorId x = t.input("x", {1, 3});
  const TensorId s = t.constant<float>("s", {}, {0.5F});
  const TensorId other = t.constant<float>("other", {}, {0.25F});
  const TensorId z = t.constant<int8_t>("z", {}, {0});
  const TensorId q = t.node("q", QuantizeLinear{1, DataType::kInt8}, {x, s, z});
  Graph graph = t.finish({t.node("d", DequantizeLinear{}, {q, other, z})});
  EXPECT_EQ(take_brought_scales(graph, false), 0U);
}

// int8 integers of a quantised graph with the float results that they stand for.
Array run_quantised(const Graph& graph, const Array& x) {
  const Graph q = quantize(graph, calibrate(graph, noise_calibration(graph, 3)), {.keep_brought = true});
  return run_reference(q, {x}).at(0);
}

TEST(BroughtScales, ActivationsInTheZeroPointLimitWhatMakesThem) {
  for (const bool keep : {false, true}) {
    QdqGraph t;
    const TensorId y = t.node("fc", Dense{}, {t.input("x", {1, 3}), t.weights("w", {0.015625F})});
    Graph graph = t.finish({t.uint8_pair("out", y, 0.25F, 0)});
    take_brought_scales(graph, keep);
    EXPECT_EQ(std::get<Dense>(graph.nodes.at(0).op).clamp.low, 0) << keep;
    EXPECT_EQ(std::get<Dense>(graph.nodes.at(0).op).clamp.high, 0.25F * 255) << keep;
  }
}

// Of the only node that has any.
Clamp limits_of(Graph graph, bool keep) {
  take_brought_scales(graph, keep);
  for (Node& node : graph.nodes) {
    Clamp* clamp = clamp_of(node.op);
    if (clamp != nullptr && !clamp->is_identity()) return *clamp;
  }
  return {};
}

TEST(BroughtScales, WhatHasNoClampIsLimitedBehindIt) {
  for (const bool keep : {false, true}) {
    QdqGraph input;
    EXPECT_EQ(limits_of(input.finish({input.uint8_pair("out", input.input("x", {1, 3}), 0.25F, 0)}), keep).high,
              63.75F);
    QdqGraph product;
    const TensorId x = product.input("x", {1, 3});
    const TensorId y = product.node("square", Binary{Binary::Kind::kMul}, {x, x});
    EXPECT_EQ(limits_of(product.finish({product.uint8_pair("out", y, 0.25F, 255)}), keep).low, -63.75F);
  }
}

TEST(BroughtScales, TensorsThatOthersReadInFloatAreNotLimited) {
  QdqGraph t;
  const TensorId y = t.node("fc", Dense{}, {t.input("x", {1, 3}), t.weights("w", {0.015625F})});
  Graph graph = t.finish({t.uint8_pair("out", y, 0.25F, 0), t.node("exp", Unary{Unary::Kind::kExp}, {y})});
  take_brought_scales(graph, true);
  EXPECT_TRUE(std::get<Dense>(graph.nodes.at(0).op).clamp.is_identity());
  EXPECT_TRUE(std::ranges::any_of(graph.nodes, [](const Node& n) { return std::holds_alternative<Clip>(n.op); }));
}

TEST(BroughtScales, TensorsThatMustShareAScaleAreRequantised) {
  QdqGraph t;
  const TensorId a = t.uint8_pair("a", t.input("x", {1, 2, 2, 2}), 0.05F, 13);
  const TensorId b = t.uint8_pair("b", t.node("max", Pool{.kernel = {2, 2}, .clamp = {}}, {a}), 0.03F, 0);
  Graph graph = t.finish({b});
  const Graph before = graph;
  EXPECT_EQ(take_brought_scales(graph, true), 2U);
  const Array x = Array::of<float>({1, 2, 2, 2}, {1, -2, 0.5F, 3, -1, -2, -3, -0.5F});
  const Array expected = run_reference(before, {x}).at(0);
  const Array actual = run_quantised(graph, x);
  for (size_t i = 0; i < 2; ++i) EXPECT_NEAR(actual.data<float>()[i], expected.data<float>()[i], 1e-6) << i;
}

TEST(BroughtScales, APairOfAnotherScaleOnOneTensorStays) {
  for (const bool is_input : {false, true}) {
    QdqGraph t;
    const TensorId in = t.input("x", {1, 3});
    const TensorId x = is_input ? in : t.node("fc", Dense{}, {in, t.weights("w", {0.015625F})});
    const TensorId a = t.pair("a", x, 0.5F);
    const TensorId b = t.pair("b", x, 0.25F);
    Graph graph = t.finish({a, b});
    EXPECT_EQ(take_brought_scales(graph, true), is_input ? 2U : 1U) << "the host can quantise its input twice";
  }
}

}  // namespace
}  // namespace arco
