#include "arco/graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "arco/base/error.h"

namespace arco {
namespace {

using testing::HasSubstr;

TensorId input(Graph& g, Shape shape, DataType type = DataType::kFloat32) {
  const TensorId id =
      g.add_tensor({.name = fmt::format("x{}", g.inputs.size()), .type = type, .shape = shape, .constant = {}});
  g.inputs.push_back(id);
  return id;
}

TensorId add(Graph& g, Op op, std::vector<TensorId> inputs, std::optional<Requantize> requantize = {}) {
  const TensorId out = g.add_tensor({.name = fmt::format("y{}", g.nodes.size()), .shape = {}, .constant = {}});
  g.nodes.push_back({fmt::format("n{}", g.nodes.size()), std::move(op), std::move(inputs), {out}, requantize});
  g.outputs = {out};
  return out;
}

// The shape that one operator gives for inputs of these shapes.
Shape shape_of(Op op, const std::vector<Shape>& shapes) {
  Graph g;
  std::vector<TensorId> ids;
  for (const Shape& shape : shapes) ids.push_back(input(g, shape));
  const TensorId out = add(g, std::move(op), ids);
  g.check();
  infer_shapes(g);
  return g.tensor(out).shape;
}

std::string problem_of(Op op, const std::vector<Shape>& shapes) {
  try {
    shape_of(std::move(op), shapes);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Array, HoldsValuesAndRefusesTheWrongType) {
  const Array a = Array::of<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(a.size(), 4);
  EXPECT_EQ(a.data<float>()[3], 4.0F);
  EXPECT_EQ(a.reshaped({4}).data<float>()[2], 3.0F);
  EXPECT_THROW(a.data<int8_t>(), InternalError);
  EXPECT_THROW(a.reshaped({3}), InternalError);
}

TEST(Shape, HugeDimensionsAreUnreasonableWithoutOverflow) {
  EXPECT_TRUE(is_reasonable({1, 3, 224, 224}));
  EXPECT_FALSE(is_reasonable({int64_t{1} << 40, int64_t{1} << 40}));
  EXPECT_FALSE(is_reasonable({0, 3}));
  EXPECT_FALSE(is_reasonable({-1, -3}));
  EXPECT_THROW(element_count({int64_t{1} << 40, int64_t{1} << 40}), InternalError);
}

TEST(Window, MatchesTheOnnxFormula) {
  EXPECT_EQ(window_output(224, 7, 2, 1, 3, 3, false), 112);
  EXPECT_EQ(window_output(112, 3, 2, 1, 1, 1, false), 56);
  EXPECT_EQ(window_output(6, 3, 2, 1, 0, 0, false), 2);
  EXPECT_EQ(window_output(6, 3, 2, 1, 0, 0, true), 3);
  EXPECT_EQ(window_output(5, 3, 1, 2, 0, 0, false), 1);
  EXPECT_EQ(window_output(2, 3, 1, 1, 0, 0, false), 0);
  // A window that would start in the right padding is dropped: starts 0 and 2 only.
  EXPECT_EQ(window_output(2, 1, 2, 1, 0, 1, true), 1);
}

RC_GTEST_PROP(Window, CountsThePositionsOfTheWindow, ()) {
  const auto in = *rc::gen::inRange<int64_t>(1, 20);
  const auto kernel = *rc::gen::inRange<int64_t>(1, 5);
  const auto stride = *rc::gen::inRange<int64_t>(1, 5);
  const auto dilation = *rc::gen::inRange<int64_t>(1, 4);
  const int64_t reach = dilation * (kernel - 1) + 1;
  const auto begin = *rc::gen::inRange<int64_t>(0, reach);
  const auto end = *rc::gen::inRange<int64_t>(0, reach);
  int64_t fits = 0;
  for (int64_t start = 0; start + reach <= in + begin + end; start += stride) ++fits;
  RC_ASSERT(window_output(in, kernel, stride, dilation, begin, end, false) == fits);
  // With ceil, any window counts that starts before the right padding, plus at most one that sticks out.
  int64_t starts = 0;
  for (int64_t start = 0; start < in + begin; start += stride) ++starts;
  const int64_t with_ceil = window_output(in, kernel, stride, dilation, begin, end, true);
  const bool sticks_out = in + begin + end >= reach && (fits - 1) * stride + reach < in + begin + end;
  RC_ASSERT(with_ceil == (fits == 0 ? 0 : std::min(starts, fits + (sticks_out ? 1 : 0))));
}

TEST(InferShapes, Conv) {
  EXPECT_EQ(
      shape_of(Conv{.strides = {2, 2}, .pads = {3, 3, 3, 3}, .clamp = {}}, {{1, 3, 224, 224}, {64, 3, 7, 7}, {64}}),
      (Shape{1, 64, 112, 112}));
  EXPECT_EQ(shape_of(Conv{.dilations = {2, 1}, .groups = 2, .clamp = {}}, {{2, 4, 9, 9}, {6, 2, 3, 3}}),
            (Shape{2, 6, 5, 7}));
  EXPECT_THAT(problem_of(Conv{}, {{1, 4, 9, 9}, {6, 3, 3, 3}}), HasSubstr("weights take 3 channels"));
  EXPECT_THAT(problem_of(Conv{.groups = 3, .clamp = {}}, {{1, 4, 9, 9}, {6, 2, 3, 3}}),
              HasSubstr("groups do not divide"));
  EXPECT_THAT(problem_of(Conv{}, {{1, 4, 2, 9}, {6, 4, 3, 3}}), HasSubstr("does not fit"));
  EXPECT_THAT(problem_of(Conv{}, {{1, 4, 9, 9}, {6, 4, 3, 3}, {5}}), HasSubstr("bias is 5, expected 6"));
  EXPECT_THAT(problem_of(Conv{.strides = {0, 1}, .clamp = {}}, {{1, 4, 9, 9}, {6, 4, 3, 3}}), HasSubstr("strides"));
  EXPECT_THAT(problem_of(Conv{.pads = {int64_t{1} << 62, 0, 0, 0}, .clamp = {}}, {{1, 4, 9, 9}, {6, 4, 3, 3}}),
              HasSubstr("pads"));
}

TEST(InferShapes, FusedConvAndDenseTakeAResidual) {
  EXPECT_EQ(shape_of(Conv{}, {{1, 4, 9, 9}, {6, 4, 3, 3}, {6}, {1, 6, 7, 7}}), (Shape{1, 6, 7, 7}));
  EXPECT_THAT(problem_of(Conv{}, {{1, 4, 9, 9}, {6, 4, 3, 3}, {6}, {1, 6, 9, 9}}), HasSubstr("residual is 1x6x9x9"));
  EXPECT_EQ(shape_of(Dense{}, {{2, 4, 3, 3}, {10, 36}, {10}, {2, 10}}), (Shape{2, 10}));
  EXPECT_THAT(problem_of(Dense{}, {{2, 4, 3, 3}, {10, 35}}), HasSubstr("35 values a row"));
}

TEST(InferShapes, AddBroadcasts) {
  EXPECT_EQ(shape_of(Add{}, {{2, 3, 4}, {3, 1}}), (Shape{2, 3, 4}));
  EXPECT_EQ(shape_of(Add{}, {{4}, {2, 1, 1}}), (Shape{2, 1, 4}));
  EXPECT_EQ(shape_of(Add{}, {{}, {2}}), (Shape{2}));
  EXPECT_THAT(problem_of(Add{}, {{2, 3}, {2, 4}}), HasSubstr("do not broadcast"));
}

TEST(InferShapes, Pool) {
  Pool pool{.kernel = {3, 3}, .strides = {2, 2}, .clamp = {}};
  EXPECT_EQ(shape_of(pool, {{1, 8, 6, 6}}), (Shape{1, 8, 2, 2}));
  pool.ceil_mode = true;
  EXPECT_EQ(shape_of(pool, {{1, 8, 6, 6}}), (Shape{1, 8, 3, 3}));
  pool.pads = {3, 0, 0, 0};
  EXPECT_THAT(problem_of(pool, {{1, 8, 6, 6}}), HasSubstr("smaller than the kernel"));
  EXPECT_EQ(shape_of(Pool{.global = true, .clamp = {}}, {{1, 8, 6, 5}}), (Shape{1, 8, 1, 1}));
}

TEST(InferShapes, ReshapeAndFlatten) {
  EXPECT_EQ(shape_of(Reshape{{0, -1}}, {{2, 3, 4}}), (Shape{2, 12}));
  EXPECT_EQ(shape_of(Reshape{{4, 6}}, {{2, 3, 4}}), (Shape{4, 6}));
  EXPECT_THAT(problem_of(Reshape{{5, -1}}, {{2, 3, 4}}), HasSubstr("cannot view 24 elements"));
  EXPECT_THAT(problem_of(Reshape{{-1, -1}}, {{2, 3, 4}}), HasSubstr("more than one -1"));
  EXPECT_THAT(problem_of(Reshape{{-2, -12}}, {{2, 3, 4}}), HasSubstr("cannot view"));
  EXPECT_THAT(problem_of(Reshape{{int64_t{1} << 40, int64_t{1} << 40}}, {{2, 3, 4}}), HasSubstr("cannot view"));
  EXPECT_EQ(shape_of(Flatten{}, {{2, 3, 4}}), (Shape{2, 12}));
  EXPECT_EQ(shape_of(Flatten{0}, {{2, 3, 4}}), (Shape{1, 24}));
  EXPECT_EQ(shape_of(Flatten{-1}, {{2, 3, 4}}), (Shape{6, 4}));
  EXPECT_EQ(shape_of(Flatten{3}, {{2, 3, 4}}), (Shape{24, 1}));
  EXPECT_THAT(problem_of(Flatten{4}, {{2, 3, 4}}), HasSubstr("axis 4"));
}

TEST(InferShapes, MatMul) {
  EXPECT_EQ(shape_of(MatMul{}, {{2, 3}, {3, 5}}), (Shape{2, 5}));
  EXPECT_EQ(shape_of(MatMul{.transpose_a = true, .transpose_b = true}, {{3, 2}, {5, 3}, {5}}), (Shape{2, 5}));
  EXPECT_EQ(shape_of(MatMul{}, {{7, 1, 2, 3}, {4, 3, 5}}), (Shape{7, 4, 2, 5}));
  EXPECT_EQ(shape_of(MatMul{}, {{3}, {3, 5}}), (Shape{5}));
  EXPECT_EQ(shape_of(MatMul{}, {{2, 3}, {3}}), (Shape{2}));
  EXPECT_THAT(problem_of(MatMul{}, {{2, 3}, {4, 5}}), HasSubstr("inner dimensions 3 and 4"));
  EXPECT_THAT(problem_of(MatMul{}, {{2, 3}, {3, 5}, {3, 5}}), HasSubstr("addend 3x5"));
}

TEST(InferShapes, TheRest) {
  EXPECT_EQ(shape_of(Concat{}, {{1, 2, 4}, {1, 3, 4}}), (Shape{1, 5, 4}));
  EXPECT_THAT(problem_of(Concat{}, {{1, 2, 4}, {1, 3, 5}}), HasSubstr("outside of the joined axis"));
  EXPECT_EQ(shape_of(Transpose{}, {{1, 2, 4}}), (Shape{4, 2, 1}));
  EXPECT_EQ(shape_of(Transpose{{0, 2, 1}}, {{1, 2, 4}}), (Shape{1, 4, 2}));
  EXPECT_THAT(problem_of(Transpose{{0, 0, 1}}, {{1, 2, 4}}), HasSubstr("no permutation"));
  EXPECT_EQ(shape_of(BatchNorm{}, {{1, 2, 4}, {2}, {2}, {2}, {2}}), (Shape{1, 2, 4}));
  EXPECT_THAT(problem_of(BatchNorm{}, {{1, 2, 4}, {2}, {2}, {3}, {2}}), HasSubstr("parameter 3 is 3"));
  EXPECT_EQ(shape_of(Softmax{}, {{1, 2}}), (Shape{1, 2}));
  EXPECT_THAT(problem_of(Softmax{.axis = 2}, {{1, 2}}), HasSubstr("axis 2"));
  EXPECT_EQ(shape_of(Lrn{}, {{1, 2, 4, 4}}), (Shape{1, 2, 4, 4}));
}

TEST(InferShapes, TypesOfAQuantizedGraph) {
  Graph g;
  const TensorId x = input(g, {1, 4, 8, 8});
  const TensorId w = g.add_constant("w", Array(DataType::kInt8, {4, 4, 1, 1}));
  const TensorId b = g.add_constant("b", Array(DataType::kInt32, {4}));
  const TensorId q = add(g, Quantize{}, {x});
  const TensorId raw = add(g, Conv{}, {q, w, b});
  const TensorId y = add(g, Conv{}, {q, w, b, q}, Requantize{});
  const TensorId d = add(g, Dequantize{}, {y});
  infer_shapes(g);
  EXPECT_EQ(g.tensor(q).type, DataType::kInt8);
  EXPECT_EQ(g.tensor(raw).type, DataType::kInt32);
  EXPECT_EQ(g.tensor(y).type, DataType::kInt8);
  EXPECT_EQ(g.tensor(d).type, DataType::kFloat32);
  g.nodes[1].inputs[2] = kNoTensor;
  g.nodes[1].inputs[0] = x;
  EXPECT_THROW(infer_shapes(g), UserError);  // float input, int8 weights
}

TEST(InferShapes, ListsEveryProblemOnceWithNodeNames) {
  Graph g;
  const TensorId x = input(g, {2, 3});
  const TensorId bad = add(g, Flatten{7}, {x});
  add(g, Clip{}, {bad});
  add(g, Transpose{{1, 1}}, {x});
  try {
    infer_shapes(g);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("'n0' (Flatten)"));
    EXPECT_THAT(error.what(), Not(HasSubstr("'n1'")));
    EXPECT_THAT(error.what(), HasSubstr("'n2' (Transpose)"));
    EXPECT_THAT(error.what(), HasSubstr("inputs: 2x3"));
  }
}

TEST(GraphCheck, FindsBrokenInvariants) {
  Graph good;
  const TensorId x = input(good, {2, 3});
  const TensorId y = add(good, Clip{}, {x});
  add(good, Add{}, {y, y});
  EXPECT_NO_THROW(good.check());
  Graph unsorted = good;
  std::swap(unsorted.nodes[0], unsorted.nodes[1]);
  EXPECT_THROW(unsorted.check(), InternalError);
  Graph twice = good;
  twice.nodes[1].outputs[0] = y;
  EXPECT_THROW(twice.check(), InternalError);
  Graph wild = good;
  wild.nodes[1].inputs[0] = 99;
  EXPECT_THROW(wild.check(), InternalError);
  Graph dangling = good;
  dangling.outputs.push_back(dangling.add_tensor({.name = "z", .shape = {}, .constant = {}}));
  EXPECT_THROW(dangling.check(), InternalError);
}

TEST(Graph, ProducersAndConsumers) {
  Graph g;
  const TensorId x = input(g, {2, 3});
  const TensorId y = add(g, Clip{}, {x});
  const TensorId z = add(g, Add{}, {y, y});
  EXPECT_EQ(g.producers(), (std::vector<int>{-1, 0, 1}));
  EXPECT_EQ(g.consumers()[static_cast<size_t>(x)], std::vector<int>{0});
  EXPECT_EQ(g.consumers()[static_cast<size_t>(y)], std::vector<int>{1});
  EXPECT_TRUE(g.consumers()[static_cast<size_t>(z)].empty());
}

TEST(ToText, OneLineANode) {
  Graph g;
  g.name = "net";
  const TensorId x = input(g, {1, 3, 8, 8});
  const TensorId w = g.add_constant("w", Array(DataType::kFloat32, {4, 3, 3, 3}));
  add(g, Conv{.strides = {2, 2}, .clamp = {.low = 0}}, {x, w, kNoTensor});
  infer_shapes(g);
  EXPECT_EQ(to_text(g),
            "graph net(x0 1x3x8x8)\n"
            "  n0: Conv(x0 1x3x8x8, w 4x3x3x3, -) strides=2,2 clamp=0..inf -> y0 1x4x3x3\n"
            "  return y0 1x4x3x3\n");
}

}  // namespace
}  // namespace arco
