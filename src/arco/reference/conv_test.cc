#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/base/random.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;
using testing_support::run_op;
using testing_support::TestGraph;

const Array kThreeByThree = Array::of<float>({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});

TEST(Conv, PlainStridedAndDilated) {
  const Array w = Array::of<float>({1, 1, 2, 2}, {1, 10, 100, 1000});
  EXPECT_THAT(run_op(Conv{}, {kThreeByThree, w}).data<float>(), ElementsAre(5421, 6532, 8754, 9865));
  EXPECT_THAT(run_op(Conv{.strides = {2, 2}, .clamp = {}}, {kThreeByThree, w}).data<float>(), ElementsAre(5421));
  EXPECT_THAT(run_op(Conv{.dilations = {2, 2}, .clamp = {}}, {kThreeByThree, w}).data<float>(), ElementsAre(9731));
}

TEST(Conv, AsymmetricPadsContributeZero) {
  const Array w = Array::of<float>({1, 1, 2, 2}, {1, 10, 100, 1000});
  // One row above, two columns to the right.
  const Array y = run_op(Conv{.pads = {1, 0, 0, 2}, .clamp = {}}, {kThreeByThree, w});
  EXPECT_EQ(y.shape(), Shape({1, 1, 3, 4}));
  EXPECT_THAT(y.data<float>(), ElementsAre(2100, 3200, 300, 0, 5421, 6532, 603, 0, 8754, 9865, 906, 0));
}

TEST(Conv, GroupsBiasResidualAndClamp) {
  const Array x = Array::of<float>({1, 4, 1, 1}, {1, 2, 3, 4});
  const Array w = Array::of<float>({2, 2, 1, 1}, {1, 10, 100, 1000});
  const Array bias = Array::of<float>({2}, {0.5F, -5000});
  const Array residual = Array::of<float>({1, 2, 1, 1}, {1000, 1});
  EXPECT_THAT(run_op(Conv{.groups = 2, .clamp = {}}, {x, w, bias, residual}).data<float>(), ElementsAre(1021.5F, -699));
  EXPECT_THAT(run_op(Conv{.groups = 2, .clamp = {0, 1000}}, {x, w, bias, residual}).data<float>(),
              ElementsAre(1000, 0));
}

TEST(Conv, ResidualWithoutBias) {
  TestGraph t;
  const TensorId x = t.input("x", {1, 1, 1, 1});
  const TensorId r = t.input("r", {1, 1, 1, 1});
  const TensorId w = t.constant<float>("w", {1, 1, 1, 1}, {3});
  const Graph& graph = t.finish({t.node("conv", Conv{}, {x, w, kNoTensor, r})});
  const auto y = run_reference(graph, {Array::of<float>({1, 1, 1, 1}, {2}), Array::of<float>({1, 1, 1, 1}, {10})});
  EXPECT_THAT(y.at(0).data<float>(), ElementsAre(16));
}

// The definition, one output at a time.
float direct(const Conv& op, const Array& x, const Array& w, int64_t n, int64_t co, int64_t oh, int64_t ow) {
  const int64_t ci_group = w.shape()[1];
  const int64_t group = co / (w.shape()[0] / op.groups);
  double sum = 0;
  for (int64_t ci = 0; ci < ci_group; ++ci) {
    for (int64_t kh = 0; kh < w.shape()[2]; ++kh) {
      for (int64_t kw = 0; kw < w.shape()[3]; ++kw) {
        const int64_t ih = oh * op.strides[0] - op.pads[0] + kh * op.dilations[0];
        const int64_t iw = ow * op.strides[1] - op.pads[1] + kw * op.dilations[1];
        if (ih < 0 || iw < 0 || ih >= x.shape()[2] || iw >= x.shape()[3]) continue;
        const int64_t xi = ((n * x.shape()[1] + group * ci_group + ci) * x.shape()[2] + ih) * x.shape()[3] + iw;
        const int64_t wi = ((co * ci_group + ci) * w.shape()[2] + kh) * w.shape()[3] + kw;
        sum += static_cast<double>(x.data<float>()[static_cast<size_t>(xi)]) *
               static_cast<double>(w.data<float>()[static_cast<size_t>(wi)]);
      }
    }
  }
  return static_cast<float>(sum);
}

// More than one tile of positions and block of channels, float and integer against the plain definition.
TEST(Conv, TilesAgreeWithTheDefinition) {
  Random random(3);
  for (int trial = 0; trial < 12; ++trial) {
    const int64_t groups = random.between(1, 3);
    Conv op{.strides = {random.between(1, 3), random.between(1, 3)},
            .dilations = {random.between(1, 2), random.between(1, 2)},
            .pads = {random.between(0, 3), random.between(0, 3), random.between(0, 3), random.between(0, 3)},
            .groups = groups,
            .clamp = {}};
    const Shape xs{random.between(1, 2), groups * random.between(1, 3), random.between(7, 20), random.between(7, 20)};
    const Shape ws{groups * random.between(1, 70), xs[1] / groups, random.between(1, 3), random.between(1, 4)};
    Array x(DataType::kFloat32, xs);
    Array w(DataType::kFloat32, ws);
    Array xi(DataType::kInt8, xs);
    Array wi(DataType::kInt8, ws);
    for (auto* pair : {&x, &w}) {
      Array& integer = pair == &x ? xi : wi;
      for (size_t i = 0; i < integer.bytes().size(); ++i) {
        integer.mutable_data<int8_t>()[i] = static_cast<int8_t>(random.between(-9, 9));
        pair->mutable_data<float>()[i] = integer.data<int8_t>()[i];
      }
    }
    const Array y = run_op(op, {x, w});
    const Array yi = run_op(op, {xi, wi}, Requantize{.shift = 2});
    size_t at = 0;
    for (int64_t n = 0; n < y.shape()[0]; ++n) {
      for (int64_t co = 0; co < y.shape()[1]; ++co) {
        for (int64_t p = 0; p < y.shape()[2] * y.shape()[3]; ++p, ++at) {
          const float expected = direct(op, x, w, n, co, p / y.shape()[3], p % y.shape()[3]);
          ASSERT_EQ(y.data<float>()[at], expected);
          const auto rounded = std::clamp(static_cast<int>(std::floor(expected / 4 + 0.5F)), -127, 127);
          ASSERT_EQ(int{yi.data<int8_t>()[at]}, rounded);
        }
      }
    }
  }
}

TEST(Conv, IntegerAccumulatorHoldsBiasAndShiftedResidual) {
  const Array x = Array::of<int8_t>({1, 1, 1, 2}, {-100, 100});
  const Array w = Array::of<int8_t>({1, 1, 1, 1}, {100});
  const Array bias = Array::of<int32_t>({1}, {28});
  const Array residual = Array::of<int8_t>({1, 1, 1, 2}, {3, -3});
  // -10000 + 28 + 3 * 256 = -9204; 10000 + 28 - 768 = 9260; / 128 rounded: -71.9 -> -72, 72.3 -> 72.
  EXPECT_THAT(run_op(Conv{}, {x, w, bias, residual}, Requantize{.shift = 7, .residual_shift = 8}).data<int8_t>(),
              ElementsAre(-72, 72));
  EXPECT_THAT(run_op(Conv{}, {x, w, bias, residual}, Requantize{.shift = 7, .low = 0, .high = 50, .residual_shift = 8})
                  .data<int8_t>(),
              ElementsAre(0, 50));
}

TEST(Conv, IntegerAccumulatorWraps) {
  const Array x = Array::of<int8_t>({1, 1, 1, 1}, {1});
  const Array w = Array::of<int8_t>({1, 1, 1, 1}, {1});
  const Array bias = Array::of<int32_t>({1}, {2147483647});
  EXPECT_THAT(run_op(Conv{}, {x, w, bias}, Requantize{.shift = 25}).data<int8_t>(), ElementsAre(-64));
}

TEST(Dense, FloatFlattensItsInputAndAddsBiasAndResidual) {
  const Array x = Array::of<float>({2, 2, 1, 1}, {1, 2, 3, 4});
  const Array w = Array::of<float>({3, 2}, {1, 10, 100, 1000, -1, -1});
  const Array bias = Array::of<float>({3}, {0.5F, 0, 0});
  const Array residual = Array::of<float>({2, 3}, {1, 1, 1, 2, 2, 2});
  EXPECT_THAT(run_op(Dense{{0, 4000}}, {x, w, bias, residual}).data<float>(),
              ElementsAre(22.5F, 2101, 0, 45.5F, 4000, 0));
}

TEST(Dense, Integer) {
  const Array x = Array::of<int8_t>({1, 3}, {127, -127, 2});
  const Array w = Array::of<int8_t>({2, 3}, {127, -127, 1, 1, 2, 3});
  const Array bias = Array::of<int32_t>({2}, {-32260, 1});
  // 16129 * 2 + 2 - 32260 = 0;  127 - 254 + 6 + 1 = -120
  EXPECT_THAT(run_op(Dense{}, {x, w, bias}, Requantize{.shift = 1}).data<int8_t>(), ElementsAre(0, -60));
}

TEST(MatMul, TransposesScalesAndBroadcasts) {
  const Array a = Array::of<float>({2, 1}, {1, 2});              // transposed: 1x2
  const Array b = Array::of<float>({3, 2}, {1, 2, 3, 4, 5, 6});  // transposed: 2x3
  const Array c = Array::of<float>({3}, {1, 1, 2});
  MatMul op{.transpose_a = true, .transpose_b = true, .alpha = 2, .beta = 0.5F};
  EXPECT_THAT(run_op(op, {a, b, c}).data<float>(), ElementsAre(10.5F, 22.5F, 35));

  const Array batch = Array::of<float>({2, 1, 2}, {1, 2, 3, 4});
  const Array right = Array::of<float>({2, 2}, {1, 10, 100, 1000});
  const Array y = run_op(MatMul{}, {batch, right});
  EXPECT_EQ(y.shape(), Shape({2, 1, 2}));
  EXPECT_THAT(y.data<float>(), ElementsAre(201, 2010, 403, 4030));
}

}  // namespace
}  // namespace arco
