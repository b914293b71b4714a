#include "arco/reference/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/base/error.h"
#include "arco/reference/elementwise.h"
#include "arco/reference/kernel.h"
#include "arco/reference/pool.h"
#include "arco/reference/test_graph.h"

namespace arco {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using testing_support::run_op;
using testing_support::TestGraph;

TEST(Requantize, RoundsHalfUpShiftsLeftAndClamps) {
  EXPECT_EQ(reference::requantize(6, {.shift = 2}), 2);    // 1.5 rounds up
  EXPECT_EQ(reference::requantize(-6, {.shift = 2}), -1);  // -1.5 rounds up
  EXPECT_EQ(reference::requantize(-7, {.shift = 2}), -2);
  EXPECT_EQ(reference::requantize(5, {.shift = -3}), 40);
  EXPECT_EQ(reference::requantize(-5, {.shift = -15}), -127);
  EXPECT_EQ(reference::requantize(1000, {.shift = 1}), 127);
  EXPECT_EQ(reference::requantize(-1000, {.shift = 1}), -127);
  EXPECT_EQ(reference::requantize(-1000, {.shift = 1, .low = 0}), 0);
  EXPECT_EQ(reference::requantize(1 << 30, {.shift = 31}), -1);  // the sum with the rounding wraps
  EXPECT_EQ(reference::requantize(-5, {.shift = 0}), -5);
}

// One operator from float or int8 on a grid to a result on one.
Array run_on_grids(const Op& op, const Array& x, const std::optional<Grid>& from, const std::optional<Grid>& to) {
  testing_support::TestGraph t;
  const TensorId in = t.input("x", x.shape(), x.type());
  const TensorId out = t.node("op", op, {in});
  t.graph.tensor(in).grid = from;
  t.graph.tensor(out).grid = to;
  return run_reference(t.finish({out}), {x}).at(0);
}

TEST(Quantize, OnAGridRoundsHalfToEvenAndSaturates) {
  const Array x = Array::of<float>({6}, {0, 0.25F, 0.75F, -0.25F, 100, -100});
  EXPECT_THAT(run_on_grids(Quantize{}, x, {}, Grid{0.5, 3}).data<int8_t>(), ElementsAre(3, 3, 5, 3, 127, -128));
}

TEST(Dequantize, OfAGridTakesItsZeroPoint) {
  const Array x = Array::of<int8_t>({3}, {-128, 3, 127});
  EXPECT_THAT(run_on_grids(Dequantize{}, x, Grid{0.5, 3}, {}).data<float>(), ElementsAre(-65.5F, 0, 62));
}

TEST(Pad, OfAGridIsItsZeroPoint) {
  const Array x = Array::of<int8_t>({1, 1, 1, 2}, {1, 2});
  const Grid grid{0.5, -7};
  EXPECT_THAT(run_on_grids(Pad{.pads = {0, 0, 0, 1, 0, 0, 0, 0}}, x, grid, grid).data<int8_t>(), ElementsAre(-7, 1, 2));
  const UnfoldColumns columns{.kernel = 2, .pads = {1, 0}};
  EXPECT_THAT(run_on_grids(columns, x, grid, grid).data<int8_t>(), ElementsAre(-7, 1, 1, 2));
}

TEST(Quantize, RoundsHalfAwayFromZero) {
  const Array x = Array::of<float>({7}, {0.75F, -0.75F, 0.25F, 1000, -1000, NAN, 0.5F});
  EXPECT_THAT(run_op(Quantize{}, {x}, std::nullopt, 0, 1).data<int8_t>(), ElementsAre(2, -2, 1, 127, -127, 0, 1));
  EXPECT_THAT(run_op(Quantize{}, {x}, std::nullopt, 0, -3).data<int8_t>(), ElementsAre(0, 0, 0, 125, -125, 0, 0));
}

TEST(Dequantize, ScalesBack) {
  const Array x = Array::of<int8_t>({2}, {3, -127});
  EXPECT_THAT(run_op(Dequantize{}, {x}, std::nullopt, 2).data<float>(), ElementsAre(0.75F, -31.75F));
  EXPECT_THAT(run_op(Dequantize{}, {x}, std::nullopt, -1).data<float>(), ElementsAre(6, -254));
}

TEST(Pool, MaximumIgnoresPads) {
  const Array x = Array::of<float>({1, 1, 2, 2}, {-1, -2, -3, -4});
  EXPECT_THAT(run_op(Pool{.kernel = {2, 2}, .pads = {1, 1, 0, 0}, .clamp = {}}, {x}).data<float>(),
              ElementsAre(-1, -1, -1, -1));
  const Array xi = Array::of<int8_t>({1, 1, 2, 2}, {-1, -2, -3, -4});
  EXPECT_THAT(run_op(Pool{.kernel = {2, 2}, .pads = {0, 0, 1, 1}, .clamp = {}}, {xi}, Requantize{}).data<int8_t>(),
              ElementsAre(-1, -2, -3, -4));
}

TEST(Pool, CeilModeDilationAndStride) {
  const Array x = Array::of<float>({1, 1, 1, 6}, {1, 5, 2, 4, 3, 0});
  EXPECT_THAT(run_op(Pool{.kernel = {1, 3}, .strides = {1, 2}, .clamp = {}}, {x}).data<float>(), ElementsAre(5, 4));
  EXPECT_THAT(run_op(Pool{.kernel = {1, 3}, .strides = {1, 2}, .ceil_mode = true, .clamp = {}}, {x}).data<float>(),
              ElementsAre(5, 4, 3));
  EXPECT_THAT(run_op(Pool{.kernel = {1, 2}, .dilations = {1, 3}, .clamp = {}}, {x}).data<float>(),
              ElementsAre(4, 5, 2));
}

TEST(Pool, AverageDivisors) {
  const Array x = Array::of<float>({1, 1, 1, 4}, {2, 4, 6, 8});
  Pool op{.kind = Pool::Kind::kAverage, .kernel = {1, 2}, .strides = {1, 2}, .pads = {0, 1, 0, 1}, .clamp = {}};
  EXPECT_THAT(run_op(op, {x}).data<float>(), ElementsAre(2, 5, 8));
  op.count_include_pad = true;
  EXPECT_THAT(run_op(op, {x}).data<float>(), ElementsAre(1, 5, 4));
  // The last window of ceil_mode hangs over the padded input: those cells never count.
  op = {.kind = Pool::Kind::kAverage,
        .kernel = {1, 3},
        .strides = {1, 2},
        .ceil_mode = true,
        .count_include_pad = true,
        .clamp = {}};
  EXPECT_THAT(run_op(op, {x}).data<float>(), ElementsAre(4, 7));
}

TEST(Pool, GlobalAndClamp) {
  const Array x = Array::of<float>({1, 2, 2, 2}, {1, 2, 3, 4, -1, -2, -3, -4});
  EXPECT_THAT(run_op(Pool{.kind = Pool::Kind::kAverage, .global = true, .clamp = {}}, {x}).data<float>(),
              ElementsAre(2.5F, -2.5F));
  EXPECT_THAT(run_op(Pool{.global = true, .clamp = {0, 3}}, {x}).data<float>(), ElementsAre(3, 0));
}

TEST(Pool, IntegerAverageMultipliesAndShifts) {
  const Array x = Array::of<int8_t>({1, 1, 2, 2}, {10, 20, 30, -127});
  const Pool op{.kind = Pool::Kind::kAverage, .kernel = {2, 2}, .clamp = {}};
  // -67 * 1024 / 4096 = -16.75
  EXPECT_THAT(run_op(op, {x}, Requantize{.shift = 12, .multiplier = 1024}).data<int8_t>(), ElementsAre(-17));
}

TEST(Pool, UniformDivisor) {
  Pool op{.kind = Pool::Kind::kAverage, .kernel = {3, 3}, .pads = {1, 1, 1, 1}, .clamp = {}};
  EXPECT_EQ(reference::uniform_divisor(op, 4, 4, 4, 4), 0);
  op.count_include_pad = true;
  EXPECT_EQ(reference::uniform_divisor(op, 4, 4, 4, 4), 9);
  EXPECT_EQ(reference::uniform_divisor(Pool{.kind = Pool::Kind::kAverage, .global = true, .clamp = {}}, 7, 5, 1, 1),
            35);
}

TEST(Add, BroadcastsAndClamps) {
  const Array a = Array::of<float>({2, 2}, {1, 2, 3, 4});
  const Array b = Array::of<float>({2, 1}, {10, -20});
  EXPECT_THAT(run_op(Add{}, {a, b}).data<float>(), ElementsAre(11, 12, -17, -16));
  EXPECT_THAT(run_op(Add{{0, 11.5F}}, {b, a}).data<float>(), ElementsAre(11, 11.5F, 0, 0));
  EXPECT_THAT(run_op(Add{}, {a, Array::of<float>({2}, {100, 200})}).data<float>(), ElementsAre(101, 202, 103, 204));
}

TEST(Add, IntegerShiftsOperands) {
  const Array a = Array::of<int8_t>({2}, {3, -100});
  const Array b = Array::of<int8_t>({2}, {5, 100});
  // (3 << 3) + 5 = 29 -> 29 / 4 = 7.25;  -800 + 100 = -700 -> -175 -> -127
  EXPECT_THAT(run_op(Add{}, {a, b}, Requantize{.shift = 2, .add_shifts = {3, 0}}).data<int8_t>(), ElementsAre(7, -127));
}

TEST(Clip, FloatAndInteger) {
  EXPECT_THAT(run_op(Clip{{0, 6}}, {Array::of<float>({3}, {-1, 3, 9})}).data<float>(), ElementsAre(0, 3, 6));
  EXPECT_THAT(
      run_op(Clip{{0, 6}}, {Array::of<int8_t>({3}, {-1, 3, 90})}, Requantize{.low = 0, .high = 48}).data<int8_t>(),
      ElementsAre(0, 3, 48));
}

TEST(BatchNorm, PerChannel) {
  const Array x = Array::of<float>({1, 2, 1, 2}, {1, 2, 3, 4});
  const Array scale = Array::of<float>({2}, {2, 1});
  const Array bias = Array::of<float>({2}, {0, 10});
  const Array mean = Array::of<float>({2}, {1, 3});
  const Array variance = Array::of<float>({2}, {3, 0});
  EXPECT_THAT(run_op(BatchNorm{1}, {x, scale, bias, mean, variance}).data<float>(), ElementsAre(0, 1, 10, 11));
}

TEST(Lrn, WindowIsCutAtTheEnds) {
  const Array x = Array::of<float>({1, 4, 1, 1}, {1, 2, 3, 4});
  // size 2: floor(1/2) = 0 before, ceil(1/2) = 1 after.
  const Array y = run_op(Lrn{.size = 2, .alpha = 2, .beta = 1, .bias = 1}, {x});
  EXPECT_THAT(y.data<float>(), Pointwise(FloatNear(1e-6F), {1 / 6.F, 2 / 14.F, 3 / 26.F, 4 / 17.F}));
}

TEST(Softmax, AxisAndOldFlattening) {
  const Array x = Array::of<float>({1, 2, 2}, {0, 1000, std::log(3.F), 1000});
  EXPECT_THAT(run_op(Softmax{.axis = 1}, {x}).data<float>(), Pointwise(FloatNear(1e-6F), {0.25F, 0.5F, 0.75F, 0.5F}));
  const Array small = Array::of<float>({1, 2, 2}, {0, 0, 0, 0});
  EXPECT_THAT(run_op(Softmax{.axis = 1, .flatten_to_2d = true}, {small}).data<float>(),
              ElementsAre(0.25F, 0.25F, 0.25F, 0.25F));
  EXPECT_THAT(run_op(Softmax{.axis = -1}, {small}).data<float>(), ElementsAre(0.5F, 0.5F, 0.5F, 0.5F));
}

TEST(Movement, AnyType) {
  const Array a = Array::of<int64_t>({2, 1}, {1, 2});
  const Array b = Array::of<int64_t>({2, 2}, {3, 4, 5, 6});
  EXPECT_THAT(run_op(Concat{.axis = 1}, {a, b}).data<int64_t>(), ElementsAre(1, 3, 4, 2, 5, 6));
  EXPECT_THAT(run_op(Concat{.axis = -2}, {a, a}).data<int64_t>(), ElementsAre(1, 2, 1, 2));

  const Array x = Array::of<int8_t>({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  const Array t = run_op(Transpose{{2, 0, 1}}, {x});
  EXPECT_EQ(t.shape(), Shape({3, 1, 2}));
  EXPECT_THAT(t.data<int8_t>(), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_EQ(run_op(Transpose{}, {x}).shape(), Shape({3, 2, 1}));
  EXPECT_EQ(run_op(Reshape{{3, -1}}, {x}).shape(), Shape({3, 2}));
  EXPECT_EQ(run_op(Flatten{2}, {x}).shape(), Shape({2, 3}));
  EXPECT_THAT(run_op(Identity{}, {x}).data<int8_t>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Interpreter, ObservesInputsAndEveryNodeInOrder) {
  TestGraph t;
  const TensorId x = t.input("x", {2});
  const TensorId relu = t.node("relu", Clip{{0, 100}}, {x});
  const TensorId sum = t.node("sum", Add{}, {relu, x});
  const Graph& graph = t.finish({sum, x});
  std::vector<TensorId> seen;
  const auto outputs =
      run_reference(graph, {Array::of<float>({2}, {-1, 2})}, [&](TensorId id, const Array&) { seen.push_back(id); });
  EXPECT_THAT(seen, ElementsAre(x, relu, sum));
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_THAT(outputs[0].data<float>(), ElementsAre(-1, 4));
  EXPECT_THAT(outputs[1].data<float>(), ElementsAre(-1, 2));
}

TEST(Interpreter, OneNodeTakesConstantsFromTheGraph) {
  TestGraph t;
  const TensorId x = t.input("x", {2});
  const TensorId c = t.constant<float>("c", {2}, {10, 20});
  const Graph& graph = t.finish({t.node("sum", Add{}, {x, c})});
  const auto y = run_reference_node(graph, graph.nodes[0], {Array::of<float>({2}, {1, 2}), Array()});
  EXPECT_THAT(y.at(0).data<float>(), ElementsAre(11, 22));
}

TEST(Interpreter, NamesEveryWrongInput) {
  TestGraph t;
  const TensorId a = t.input("a", {2});
  const TensorId b = t.input("b", {2});
  const Graph& graph = t.finish({t.node("sum", Add{}, {a, b})});
  try {
    run_reference(graph, {Array::of<float>({3}, {1, 2, 3}), Array::of<int8_t>({2}, {1, 2})});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'a': given float32 3, expected float32 2"));
    EXPECT_THAT(error.what(), HasSubstr("'b': given int8 2, expected float32 2"));
  }
  EXPECT_THROW(run_reference(graph, {}), UserError);
}

}  // namespace
}  // namespace arco
