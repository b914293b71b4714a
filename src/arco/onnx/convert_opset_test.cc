// Operators whose attributes became inputs, or changed, over the opsets; the values of their results are proved by
// conformance_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/onnx/test_model.h"
#include "arco/reference/interpreter.h"

namespace arco {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::Attribute;
using testing_support::float_tensor;
using testing_support::integer_tensor;
using testing_support::TestModel;

TestModel one_node(const char* op, const Shape& x, const std::vector<Attribute>& attributes = {},
                   const std::vector<std::string>& more = {}, int64_t opset = 13) {
  TestModel model(opset);
  std::vector<std::string> inputs{"x"};
  inputs.insert(inputs.end(), more.begin(), more.end());
  model.input("x", x).node(op, inputs, {"y"}, attributes, "it").output("y");
  return model;
}

Shape output_shape(const TestModel& model) {
  const Graph graph = model.import();
  return graph.tensor(graph.outputs[0]).shape;
}

template <typename T>
T last_op(const TestModel& model) {
  return std::get<T>(model.import().nodes.back().op);
}

TEST(Opsets, AxesAreAttributesOrInputs) {
  const std::vector<int64_t> axes{0, -1};
  EXPECT_EQ(output_shape(one_node("Squeeze", {1, 3, 1}, {{"axes", axes}}, {}, 11)), (Shape{3}));
  EXPECT_EQ(output_shape(one_node("Squeeze", {1, 3, 1}, {}, {"a"}).initializer(integer_tensor("a", axes))), (Shape{3}));
  EXPECT_EQ(output_shape(one_node("Squeeze", {1, 3, 1})), (Shape{3}));
  EXPECT_THAT(one_node("Squeeze", {2, 3}, {{"axes", axes}}, {}, 11).problem(), HasSubstr("only 1 can be squeezed"));
  EXPECT_EQ(output_shape(one_node("Unsqueeze", {3}, {{"axes", axes}}, {}, 11)), (Shape{1, 3, 1}));
  EXPECT_THAT(one_node("Unsqueeze", {3}, {{"axes", std::vector<int64_t>{4, 4}}}, {}, 11).problem(),
              HasSubstr("axis 4 is named twice"));
  EXPECT_EQ(output_shape(one_node("ReduceMean", {2, 3, 4}, {{"axes", axes}, {"keepdims", 0}}, {}, 13)), (Shape{3}));
  EXPECT_EQ(output_shape(one_node("ReduceMean", {2, 3, 4}, {}, {"a"}, 18).initializer(integer_tensor("a", axes))),
            (Shape{1, 3, 1}));
  EXPECT_EQ(output_shape(one_node("ReduceSum", {2, 3, 4}, {}, {"a"}, 13).initializer(integer_tensor("a", axes))),
            (Shape{1, 3, 1}));
  EXPECT_THAT(one_node("ReduceMax", {2, 3}, {{"axes", std::vector<int64_t>{1, 7}}}).problem(),
              HasSubstr("axis 7 is outside"));
}

TEST(Opsets, SliceAndSplit) {
  const auto slice = one_node("Slice", {4, 5}, {{"starts", {1, -2}}, {"ends", {3, INT64_MAX}}}, {}, 9);
  EXPECT_EQ(output_shape(slice), (Shape{2, 2}));
  auto backwards = one_node("Slice", {4, 5}, {}, {"s", "e", "a", "t"});
  backwards.initializer(integer_tensor("s", {-1})).initializer(integer_tensor("e", {INT64_MIN}));
  backwards.initializer(integer_tensor("a", {1})).initializer(integer_tensor("t", {-2}));
  EXPECT_EQ(output_shape(backwards), (Shape{4, 3}));
  EXPECT_THAT(
      one_node("Slice", {4}, {{"starts", {3, 3}}, {"ends", {1, 1}}, {"axes", std::vector<int64_t>{0, 0}}}, {}, 9)
          .problem(),
      HasSubstr("nothing is left"));

  TestModel split(18);
  split.input("x", {2, 7}).node("Split", {"x"}, {"a", "", "c"}, {{"axis", -1}, {"num_outputs", 3}}, "it");
  const Graph graph = split.output("c").output("a").import();
  EXPECT_EQ(graph.tensor(graph.outputs[0]).shape, (Shape{2, 1}));
  EXPECT_EQ(graph.tensor(graph.outputs[1]).shape, (Shape{2, 3}));
  EXPECT_EQ(graph.nodes[1].name, "it_2");
  TestModel uneven(11);
  uneven.input("x", {7}).node("Split", {"x"}, {"a", "b"}, {{"split", std::vector<int64_t>{3, 5}}}).output("a");
  EXPECT_THAT(uneven.problem(), HasSubstr("a part of 5 does not fit"));
}

TEST(Opsets, PadAndResize) {
  EXPECT_EQ(output_shape(one_node("Pad", {2, 3}, {{"pads", {0, 1, 1, -1}}, {"value", 4.0F}}, {}, 10)), (Shape{3, 3}));
  auto some = one_node("Pad", {2, 3}, {{"mode", "edge"}}, {"p", "", "a"}, 18);
  some.initializer(integer_tensor("p", {1, 2})).initializer(integer_tensor("a", {-1}));
  EXPECT_EQ(output_shape(some), (Shape{2, 6}));
  EXPECT_THAT(one_node("Pad", {2, 3}, {{"pads", {0, 3, 0, 0}}, {"mode", "reflect"}}, {}, 10).problem(),
              HasSubstr("mode reflect cannot add more than 2"));

  auto upsample = one_node("Upsample", {1, 2, 3, 4}, {}, {"s"}, 9);
  EXPECT_EQ(output_shape(upsample.initializer(float_tensor("s", {4}, {1, 1, 2, 2.5F}))), (Shape{1, 2, 6, 10}));
  auto resize = one_node("Resize", {1, 2, 3, 4}, {{"axes", std::vector<int64_t>{2, 3}}}, {"", "", "s"}, 18);
  EXPECT_EQ(output_shape(resize.initializer(integer_tensor("s", {5, 6}))), (Shape{1, 2, 5, 6}));
  auto nan = one_node("Resize", {1, 2}, {}, {"", "s"}, 13);
  EXPECT_THAT(nan.initializer(float_tensor("s", {2}, {1, NAN})).problem(), HasSubstr("scale nan of dimension 1"));
  EXPECT_THAT(one_node("Resize", {1, 2}).problem(), HasSubstr("needs either scales or sizes"));
}

TEST(Opsets, DepthToSpaceIsReshapeAndTranspose) {
  EXPECT_EQ(output_shape(one_node("DepthToSpace", {1, 8, 2, 3}, {{"blocksize", 2}})), (Shape{1, 2, 4, 6}));
  EXPECT_EQ(output_shape(one_node("SpaceToDepth", {1, 2, 4, 6}, {{"blocksize", 2}})), (Shape{1, 8, 2, 3}));
  EXPECT_THAT(one_node("DepthToSpace", {1, 6, 2, 3}, {{"blocksize", 2}}).problem(), HasSubstr("do not divide"));
}

TEST(Opsets, ConvTransposeFindsItsPads) {
  const auto pads = [](const std::vector<Attribute>& attributes) {
    auto model = one_node("ConvTranspose", {1, 1, 3, 3}, attributes, {"w"});
    return last_op<ConvTranspose>(model.weights("w", {1, 2, 3, 3})).pads;
  };
  using Pads = std::array<int64_t, 4>;
  EXPECT_EQ(pads({{"strides", {2, 2}}, {"auto_pad", "SAME_UPPER"}}), (Pads{0, 0, 1, 1}));
  EXPECT_EQ(pads({{"strides", {3, 2}}, {"output_shape", {10, 8}}}), (Pads{0, 0, -1, -1}));
  auto line = one_node("ConvTranspose", {1, 1, 3}, {{"strides", std::vector<int64_t>{2}}}, {"w"});
  EXPECT_EQ(output_shape(line.weights("w", {1, 2, 3})), (Shape{1, 2, 7}));
}

// Scales and zero points of one operand; x is 2 (x - 1), w is 0.5 w.
TestModel quantised_model(const char* op, const Shape& x, const Shape& w) {
  TestModel model;
  const auto byte = [](const char* name, int value) {
    onnx::TensorProto tensor;
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::UINT8);
    tensor.add_int32_data(value);
    return tensor;
  };
  for (const auto& [name, value] : {std::pair{"xs", 2.0F}, {"ws", 0.5F}, {"ys", 4.0F}}) {
    model.initializer(float_tensor(name, {}, {value}));
  }
  model.initializer(byte("xz", 1)).initializer(byte("wz", 0)).initializer(byte("yz", 3));
  model.input("x", x, onnx::TensorProto::UINT8).input("w", w, onnx::TensorProto::UINT8);
  return model.node(op, {"x", "xs", "xz", "w", "ws", "wz", "ys", "yz"}, {"y"}).output("y");
}

TEST(Quantised, OperatorsAreDequantisedComputedAndQuantised) {
  const Graph product = quantised_model("QLinearMatMul", {1, 2}, {2, 1}).import();
  const auto y = run_reference(product, {Array::of<uint8_t>({1, 2}, {5, 2}), Array::of<uint8_t>({2, 1}, {3, 4})});
  // (8 * 1.5 + 2 * 2) / 4 + 3
  EXPECT_THAT(y.at(0).data<uint8_t>(), ElementsAre(7));
  const Graph conv = quantised_model("QLinearConv", {1, 1, 1, 2}, {1, 1, 1, 2}).import();
  const auto z =
      run_reference(conv, {Array::of<uint8_t>({1, 1, 1, 2}, {5, 2}), Array::of<uint8_t>({1, 1, 1, 2}, {3, 4})});
  EXPECT_THAT(z.at(0).data<uint8_t>(), ElementsAre(7));
}

TEST(Quantised, IntegerProductsAreExact) {
  TestModel model;
  model.input("x", {1, 600}, onnx::TensorProto::UINT8).input("w", {600, 1}, onnx::TensorProto::UINT8);
  const Graph graph = model.node("MatMulInteger", {"x", "w"}, {"y"}).output("y").import();
  const std::vector<uint8_t> ones(600, 255);
  const auto y = run_reference(graph, {Array::of<uint8_t>({1, 600}, ones), Array::of<uint8_t>({600, 1}, ones)});
  EXPECT_THAT(y.at(0).data<int32_t>(), ElementsAre(600 * 255 * 255));
}

TEST(Quantised, OneScaleMayBeAScalarBesideAZeroPointOfOneElement) {
  TestModel model;
  model.input("x", {2}, onnx::TensorProto::INT8).initializer(float_tensor("s", {1}, {0.5F}));
  onnx::TensorProto zero;
  zero.set_data_type(onnx::TensorProto::INT8);
  zero.set_name("z");
  zero.add_int32_data(3);
  const Graph graph = model.initializer(zero).node("DequantizeLinear", {"x", "s", "z"}, {"y"}).output("y").import();
  EXPECT_THAT(run_reference(graph, {Array::of<int8_t>({2}, {3, -1})}).at(0).data<float>(), ElementsAre(0, -2));
}

TEST(Quantised, ZeroPointDecidesTheType) {
  auto model = one_node("QuantizeLinear", {4}, {}, {"s"});
  EXPECT_EQ(last_op<QuantizeLinear>(model.initializer(float_tensor("s", {}, {0.5F}))).type, DataType::kUint8);
  auto wide = one_node("QuantizeLinear", {4}, {{"output_dtype", onnx::TensorProto::INT32}}, {"s"}, 21);
  EXPECT_THAT(wide.initializer(float_tensor("s", {}, {0.5F})).problem(), HasSubstr("cannot quantise to int32"));
}

}  // namespace
}  // namespace arco
