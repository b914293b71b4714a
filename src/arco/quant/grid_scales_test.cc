// The integers of requantisation between grids against real numbers, over random steps and zero points.
#include "arco/quant/grid_scales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/quant/kept_scales.h"
#include "arco/quant/quantize.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using testing::HasSubstr;
using testing_support::run_op;
using testing_support::TestGraph;

Grid random_grid(Random& random) {
  return {std::exp(random.normal()) * 0.03, static_cast<int32_t>(random.between(-128, 127))};
}

Array random_int8(Random& random, const Shape& shape) {
  Array array(DataType::kInt8, shape);
  for (int8_t& value : array.mutable_data<int8_t>()) value = static_cast<int8_t>(random.between(-128, 127));
  return array;
}

// What a real number is on a grid, not rounded.
double on(const Grid& grid, double real) {
  return std::clamp(real / grid.step + grid.zero, -128.0, 127.0);
}

constexpr double kRounding = 0.5 + 1.0 / 16;

TEST(GridScales, SumsAreRoundedRealSums) {
  Random random(1);
  for (int trial = 0; trial < 300; ++trial) {
    const Grid a = random_grid(random);
    const Grid b = random_grid(random);
    const Grid y = random_grid(random);
    const auto sum = choose_sum_scales(a, b, y);
    if (!sum) continue;
    Requantize r{.shift = sum->shift, .low = -128, .high = 127, .add_scales = sum->scales};
    r.zeros.offset = sum->offset;
    const Array xa = random_int8(random, {64});
    const Array xb = random_int8(random, {64});
    const Array result = run_op(Add{}, {xa, xb}, r);
    for (size_t i = 0; i < 64; ++i) {
      const double real = (xa.data<int8_t>()[i] - a.zero) * a.step + (xb.data<int8_t>()[i] - b.zero) * b.step;
      // The first shift drops less than a 16th of a step, the multipliers are off by half of 2^-t each.
      EXPECT_NEAR(result.data<int8_t>()[i], on(y, real), kRounding + std::ldexp(256, -sum->shift - sum->scales.shift))
          << "trial " << trial;
    }
  }
}

TEST(GridScales, UsualSumsHaveAtLeastSixBitsBelow) {
  Random random(2);
  for (int trial = 0; trial < 100; ++trial) {
    const Grid a{0.02 + 0.02 * random.uniform(), -128};
    const Grid b{0.02 + 0.02 * random.uniform(), static_cast<int32_t>(random.between(-20, 20))};
    const auto sum = choose_sum_scales(a, b, {0.04, -128});
    ASSERT_TRUE(sum);
    EXPECT_GE(sum->shift, 6);
    EXPECT_GE(sum->shift + sum->scales.shift, 14);
  }
}

TEST(GridScales, SumsOfFarApartScalesHaveNone) {
  EXPECT_FALSE(choose_sum_scales({1}, {1}, {1e-5}));
  EXPECT_FALSE(choose_mean_scales(1, {1}, {1e-5}));
  EXPECT_FALSE(choose_mean_scales(1, {1e-9}, {1}));
}

TEST(GridScales, MeansAreRoundedRealMeans) {
  Random random(3);
  for (int trial = 0; trial < 300; ++trial) {
    const Grid x = random_grid(random);
    const Grid y = random_grid(random);
    const int64_t size = random.between(1, 9);
    const auto mean = choose_mean_scales(size * size, x, y);
    if (!mean) continue;
    Pool pool{.kind = Pool::Kind::kAverage, .kernel = {size, size}, .clamp = {}};
    Requantize r{.shift = mean->shift, .low = -128, .high = 127, .multiplier = mean->multiplier};
    r.zeros.offset = mean->offset;
    const Array values = random_int8(random, {1, 1, size, size});
    double real = 0;
    for (const int8_t value : values.data<int8_t>())
      real += (value - x.zero) * x.step / static_cast<double>(size * size);
    const double relative = 0.5 / mean->multiplier;
    EXPECT_NEAR(run_op(pool, {values}, r).data<int8_t>()[0], on(y, real), 0.5 + std::fabs(real / y.step) * relative)
        << "trial " << trial;
  }
}

// A layer between grids with everything there is: padding with the least value, a residual, zero points.
Graph layer_on_grids(const Grid& x, const Grid& y) {
  TestGraph t;
  Random random(5);
  const TensorId in = t.input("x", {1, 6, 5, 5});
  const TensorId residual = t.input("r", {1, 4, 5, 5});
  std::vector<float> w(4 * 6 * 3 * 3);
  for (float& value : w) value = static_cast<float>(0.1 * random.normal());
  const TensorId weights = t.constant<float>("w", {4, 6, 3, 3}, w);
  const TensorId bias = t.constant<float>("b", {4}, {0.5F, -0.25F, 0.125F, 0});
  t.graph.tensor(in).grid = x;
  t.graph.tensor(residual).grid = Grid{0.013, 21};
  const TensorId out = t.node("conv", Conv{.pads = {1, 1, 1, 1}, .clamp = {}}, {in, weights, bias, residual});
  t.graph.tensor(out).grid = y;
  return t.finish({t.node("sum", Add{}, {out, residual})});
}

constexpr QuantizeOptions kKeep{.keep_brought = true};

Graph quantised(const Graph& graph, const QuantizeOptions& options = kKeep) {
  return quantize(graph, calibrate(graph, noise_calibration(graph, 5)), options);
}

TEST(GridScales, LayersKeepThem) {
  const Graph graph = layer_on_grids({0.011, -128}, {0.041, -7});
  const BroughtScales scales = compare_brought_scales(graph, quantised(graph));
  EXPECT_EQ(scales.activations.brought, 3U);
  EXPECT_EQ(scales.activations.kept, 3U) << scales.activations.example;
}

TEST(GridScales, LayersKeepZeroPointsThatTheAcceleratorDoesNotPadWith) {
  const Graph graph = layer_on_grids({0.011, -100}, {0.041, -7});
  const BroughtScales scales = compare_brought_scales(graph, quantised(graph));
  EXPECT_EQ(scales.activations.kept, 3U) << scales.activations.example;
}

TEST(GridScales, CheckerFindsBrokenRules) {
  const Graph good = quantised(layer_on_grids({0.011, -128}, {0.041, -7}));
  const auto broken = [&](const std::string& name, const auto& change) {
    Graph q = good;
    for (Node& node : q.nodes) {
      if (node.name == name) change(q, node);
    }
    try {
      check_quantized(q);
    } catch (const InternalError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(broken("conv", [](Graph&, Node&) {}), "no error");
  EXPECT_THAT(broken("conv", [](Graph&, Node& n) { n.requantize->zeros.pad = 0; }),
              HasSubstr("zero point of the input"));
  EXPECT_THAT(broken("conv", [](Graph&, Node& n) { n.requantize->zeros.output = 3; }), HasSubstr("zero point -7"));
  EXPECT_THAT(broken("conv", [](Graph&, Node& n) { n.requantize->channels.reset(); }), HasSubstr("expected"));
  EXPECT_THAT(broken("conv", [](Graph& g, Node& n) { g.tensor(n.outputs[0]).grid->step *= 1.01; }),
              HasSubstr("whose sum is"));
  EXPECT_THAT(broken("conv", [](Graph&, Node& n) { n.requantize->channels->residual_multipliers[2] += 50; }),
              HasSubstr("channel 2"));
  EXPECT_THAT(broken("sum", [](Graph&, Node& n) { n.requantize->add_scales->multipliers[1] += 2; }),
              HasSubstr("for operand 1"));
  EXPECT_THAT(broken("sum", [](Graph&, Node& n) { n.requantize->zeros.offset += 3; }), HasSubstr("an offset near"));
  EXPECT_THAT(broken("sum", [](Graph&, Node& n) { n.requantize->add_scales.reset(); }), HasSubstr("expected"));
}

}  // namespace
}  // namespace arco
