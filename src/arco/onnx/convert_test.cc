// Each operator: what it becomes, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "arco/onnx/test_model.h"

namespace arco {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::Attribute;
using testing_support::float_tensor;
using testing_support::integer_tensor;
using testing_support::TestModel;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// One node "y = op(x, more...)" behind an input x of that shape.
TestModel one_node(const char* op, const Shape& x, const std::vector<Attribute>& attributes = {},
                   const std::vector<std::string>& more = {}, int64_t opset = 13) {
  TestModel model(opset);
  std::vector<std::string> inputs{"x"};
  inputs.insert(inputs.end(), more.begin(), more.end());
  model.input("x", x).node(op, inputs, {"y"}, attributes, "it").output("y");
  return model;
}

const Shape& output_shape(const Graph& graph) {
  return graph.tensor(graph.outputs[0]).shape;
}
template <typename T>
T only_op(const TestModel& model) {
  return std::get<T>(model.import().nodes.at(0).op);
}

TEST(ConvertConv, ReadsAllAttributes) {
  auto model = one_node(
      "Conv", {1, 4, 9, 9},
      {{"strides", {2, 1}}, {"pads", {1, 0, 2, 1}}, {"dilations", {1, 2}}, {"group", 2}, {"kernel_shape", {3, 3}}},
      {"w", "b"});
  model.weights("w", {6, 2, 3, 3}).weights("b", {6});
  const Graph graph = model.import();
  const auto conv = std::get<Conv>(graph.nodes[0].op);
  EXPECT_EQ(conv.strides, (std::array<int64_t, 2>{2, 1}));
  EXPECT_EQ(conv.pads, (std::array<int64_t, 4>{1, 0, 2, 1}));
  EXPECT_EQ(conv.dilations, (std::array<int64_t, 2>{1, 2}));
  EXPECT_EQ(conv.groups, 2);
  EXPECT_EQ(output_shape(graph), (Shape{1, 6, 5, 6}));
  EXPECT_EQ(graph.nodes[0].name, "it");
}

TEST(ConvertConv, AutoPad) {
  const auto pads = [](const char* mode, int64_t stride) {
    auto model = one_node("Conv", {1, 1, 6, 7}, {{"auto_pad", mode}, {"strides", {stride, stride}}}, {"w"});
    model.weights("w", {1, 1, 3, 4});
    return only_op<Conv>(model).pads;
  };
  using Pads = std::array<int64_t, 4>;
  EXPECT_EQ(pads("SAME_UPPER", 1), (Pads{1, 1, 1, 2}));
  EXPECT_EQ(pads("SAME_LOWER", 1), (Pads{1, 2, 1, 1}));
  EXPECT_EQ(pads("SAME_UPPER", 2), (Pads{0, 1, 1, 2}));  // outputs 3x4: 1 and 3 missing
  EXPECT_EQ(pads("VALID", 1), (Pads{0, 0, 0, 0}));
  auto model = one_node("Conv", {1, 1, 6, 7}, {{"auto_pad", "SAME"}}, {"w"});
  EXPECT_THAT(model.weights("w", {1, 1, 3, 3}).problem(), HasSubstr("auto_pad 'SAME' is not one of"));
}

TEST(ConvertConv, RefusesWhatDoesNotFit) {
  auto solid = one_node("Conv", {1, 1, 8, 8, 8}, {{"strides", {1, 1, 1}}}, {"w"});
  EXPECT_THAT(solid.weights("w", {1, 1, 3, 3, 3}).problem(),
              AllOf(HasSubstr("'it' (Conv)"), HasSubstr("only 1-D and 2-D windows")));
  auto flat = one_node("Conv", {1, 1, 8, 8}, {}, {"w"});
  EXPECT_THAT(flat.weights("w", {1, 1, 3}).problem(), HasSubstr("weights are 1x1x3: only"));
  auto kernel = one_node("Conv", {1, 1, 8, 8}, {{"kernel_shape", {2, 2}}}, {"w"});
  EXPECT_THAT(kernel.weights("w", {1, 1, 3, 3}).problem(), HasSubstr("kernel_shape 2x2 differs"));
  auto huge = one_node("Conv", {1, 1, 8, 8}, {{"pads", {int64_t{1} << 62, 0, 0, 0}}}, {"w"});
  EXPECT_THAT(huge.weights("w", {1, 1, 3, 3}).problem(), HasSubstr("pads"));
  auto odd = one_node("Conv", {1, 1, 8, 8}, {{"stride", {1, 1}}}, {"w"});
  EXPECT_THAT(odd.weights("w", {1, 1, 3, 3}).problem(), HasSubstr("attribute 'stride' is not supported"));
  auto typed = one_node("Conv", {1, 1, 8, 8}, {{"group", 1.5F}}, {"w"});
  EXPECT_THAT(typed.weights("w", {1, 1, 3, 3}).problem(), HasSubstr("'group' has the wrong type"));
  EXPECT_THAT(one_node("Conv", {1, 1, 8, 8}).problem(), HasSubstr("input 1 is missing"));
}

TEST(ConvertPool, MaxAndAverage) {
  const auto max =
      only_op<Pool>(one_node("MaxPool", {1, 2, 7, 7},
                             {{"kernel_shape", {3, 3}}, {"strides", {2, 2}}, {"ceil_mode", 1}, {"storage_order", 0}}));
  EXPECT_EQ(max.kind, Pool::Kind::kMax);
  EXPECT_TRUE(max.ceil_mode);
  const auto average = only_op<Pool>(one_node(
      "AveragePool", {1, 2, 7, 7}, {{"kernel_shape", {3, 3}}, {"count_include_pad", 1}, {"auto_pad", "SAME_UPPER"}}));
  EXPECT_EQ(average.kind, Pool::Kind::kAverage);
  EXPECT_TRUE(average.count_include_pad);
  EXPECT_EQ(average.pads, (std::array<int64_t, 4>{1, 1, 1, 1}));
  EXPECT_TRUE(only_op<Pool>(one_node("GlobalAveragePool", {1, 2, 7, 7})).global);
  EXPECT_THAT(one_node("MaxPool", {1, 2, 7, 7}).problem(), HasSubstr("'kernel_shape' is missing"));
  EXPECT_THAT(one_node("MaxPool", {1, 2}, {{"kernel_shape", {3, 3}}}).problem(), HasSubstr("only 1-D and 2-D windows"));
  EXPECT_EQ(output_shape(one_node("MaxPool", {1, 2, 7}, {{"kernel_shape", std::vector<int64_t>{3}}}).import()),
            (Shape{1, 2, 5}));
}

TEST(ConvertElementwise, ReluAndClipOfAllOpsets) {
  EXPECT_EQ(only_op<Clip>(one_node("Relu", {1, 2})).clamp.low, 0.0F);
  const auto old = only_op<Clip>(one_node("Clip", {1, 2}, {{"min", 0.0F}, {"max", 6.0F}}, {}, 10));
  EXPECT_EQ(old.clamp.low, 0.0F);
  EXPECT_EQ(old.clamp.high, 6.0F);
  auto recent = one_node("Clip", {1, 2}, {}, {"", "high"}, 11);
  const auto half = only_op<Clip>(recent.initializer(float_tensor("high", {}, {6})));
  EXPECT_EQ(half.clamp.low, -kInfinity);
  EXPECT_EQ(half.clamp.high, 6.0F);
  // Attributes ended with opset 11, inputs did not exist before.
  EXPECT_THAT(one_node("Clip", {1, 2}, {{"min", 0.0F}}, {}, 11).problem(), HasSubstr("'min' is not supported"));
  auto early = one_node("Clip", {1, 2}, {}, {"low"}, 10);
  EXPECT_THAT(early.initializer(float_tensor("low", {}, {6})).problem(), HasSubstr("input 1 ('low') is not supported"));
  EXPECT_EQ(only_op<Clip>(one_node("Clip", {1, 2}, {{"min", 7.0F}, {"max", 6.0F}}, {}, 10)).clamp.low, 6.0F);
  EXPECT_THAT(one_node("Clip", {1, 2}, {}, {"x"}).problem(), HasSubstr("must be a scalar"));
  auto computed = one_node("Clip", {1, 2}, {}, {"", "high"}, 13);
  EXPECT_EQ(only_op<Binary>(computed.input("high", {1})).kind, Binary::Kind::kMin);
}

TEST(ConvertElementwise, AddSumDropoutIdentity) {
  EXPECT_EQ(output_shape(one_node("Add", {2, 3}, {}, {"x"}).import()), (Shape{2, 3}));
  EXPECT_EQ(one_node("Sum", {2, 3}, {}, {"x", "x"}).import().nodes.size(), 2U);
  EXPECT_EQ(one_node("Sum", {2, 3}).import().nodes.size(), 1U);
  only_op<Identity>(one_node("Dropout", {2, 3}, {{"ratio", 0.5F}}, {}, 7));
  auto training = one_node("Dropout", {2, 3}, {}, {"", "t"});
  onnx::TensorProto flag;
  flag.set_name("t");
  flag.set_data_type(onnx::TensorProto::BOOL);
  flag.add_int32_data(1);
  EXPECT_THAT(training.initializer(flag).problem(), HasSubstr("training_mode must be false"));
}

TEST(ConvertNormalisation, BatchNorm) {
  const auto model = [](std::vector<Attribute> attributes, float variance) {
    auto m = one_node("BatchNormalization", {1, 2, 3, 3}, attributes, {"s", "b", "m", "v"}, 9);
    m.weights("s", {2}).weights("b", {2}).weights("m", {2});
    m.initializer(float_tensor("v", {2}, {1, variance}));
    return m;
  };
  EXPECT_EQ(only_op<BatchNorm>(model({{"epsilon", 0.25F}, {"momentum", 0.9F}}, 1)).epsilon, 0.25F);
  EXPECT_THAT(model({{"spatial", 0}}, 1).problem(), HasSubstr("spatial must be 1"));
  EXPECT_THAT(model({{"training_mode", 1}}, 1).problem(), HasSubstr("training_mode must be 0"));
  EXPECT_THAT(model({}, -1).problem(), HasSubstr("variance -1"));
}

TEST(ConvertNormalisation, SoftmaxChangedItsMeaningInOpset13) {
  const auto old = only_op<Softmax>(one_node("Softmax", {2, 3, 4}, {}, {}, 12));
  EXPECT_TRUE(old.flatten_to_2d);
  EXPECT_EQ(old.axis, 1);
  const auto recent = only_op<Softmax>(one_node("Softmax", {2, 3, 4}, {}, {}, 13));
  EXPECT_FALSE(recent.flatten_to_2d);
  EXPECT_EQ(recent.axis, -1);
}

TEST(ConvertNormalisation, Lrn) {
  const auto lrn = only_op<Lrn>(one_node("LRN", {1, 4, 3, 3}, {{"size", 3}, {"alpha", 0.5F}}));
  EXPECT_EQ(lrn.size, 3);
  EXPECT_EQ(lrn.alpha, 0.5F);
  EXPECT_EQ(lrn.beta, 0.75F);
  EXPECT_THAT(one_node("LRN", {1, 4, 3, 3}).problem(), HasSubstr("'size' is missing"));
}

TEST(ConvertMatrix, GemmAndMatMul) {
  auto gemm = one_node("Gemm", {2, 3}, {{"alpha", 0.5F}, {"beta", 2.0F}, {"transB", 1}}, {"w", "c"});
  gemm.weights("w", {5, 3}).weights("c", {5});
  const auto op = only_op<MatMul>(gemm);
  EXPECT_EQ(op.alpha, 0.5F);
  EXPECT_EQ(op.beta, 2.0F);
  EXPECT_TRUE(op.transpose_b);
  EXPECT_EQ(output_shape(gemm.import()), (Shape{2, 5}));
  auto product = one_node("MatMul", {7, 2, 3}, {}, {"w"});
  EXPECT_EQ(output_shape(product.weights("w", {3, 5}).import()), (Shape{7, 2, 5}));
  auto deep = one_node("Gemm", {7, 2, 3}, {}, {"w"});
  EXPECT_THAT(deep.weights("w", {3, 5}).problem(), HasSubstr("expected a matrix"));
}

TEST(ConvertLayout, ReshapeTakesItsTargetFromConstants) {
  auto initializer = one_node("Reshape", {2, 3, 4}, {}, {"s"});
  EXPECT_EQ(output_shape(initializer.initializer(integer_tensor("s", {0, -1})).import()), (Shape{2, 12}));
  TestModel node;
  node.input("x", {2, 3, 4}).node("Constant", {}, {"c"}, {{"value_ints", {4, 6}}});
  node.node("Identity", {"c"}, {"s"}).node("Reshape", {"x", "s"}, {"y"}).output("y");
  EXPECT_EQ(output_shape(node.import()), (Shape{4, 6}));
  auto computed = one_node("Reshape", {2, 3}, {}, {"s"});
  EXPECT_THAT(computed.input("s", {2}, onnx::TensorProto::INT64).problem(), HasSubstr("must be a constant"));
  auto zero = one_node("Reshape", {2, 3}, {{"allowzero", 1}}, {"s"}, 14);
  EXPECT_THAT(zero.initializer(integer_tensor("s", {0, -1})).problem(), HasSubstr("allowzero"));
  auto wrong = one_node("Reshape", {2, 3}, {}, {"s"});
  EXPECT_THAT(wrong.initializer(integer_tensor("s", {7, -1})).problem(), HasSubstr("cannot view 6 elements"));
}

// As x.view(x.size(0), -1) is exported, before and since axes became an input.
TEST(ConvertShapeArithmetic, AComputedReshapeTargetIsKnownAtImport) {
  for (const int64_t opset : {9, 13}) {
    TestModel model(opset);
    model.input("x", {0, 3, 4}).initializer(integer_tensor("minus", {-1})).initializer(integer_tensor("axes", {0}));
    onnx::TensorProto zero = integer_tensor("", {0});
    zero.clear_dims();
    model.node("Shape", {"x"}, {"s"}).node("Constant", {}, {"zero"}, {{"value", zero}});
    model.node("Gather", {"s", "zero"}, {"n"}, {{"axis", 0}});
    if (opset < 13) {
      model.node("Unsqueeze", {"n"}, {"v"}, {{"axes", std::vector<int64_t>{0}}});
    } else {
      model.node("Unsqueeze", {"n", "axes"}, {"u"}).node("Cast", {"u"}, {"v"}, {{"to", onnx::TensorProto::INT64}});
    }
    model.node("Concat", {"v", "minus"}, {"t"}, {{"axis", 0}}).node("Reshape", {"x", "t"}, {"y"}).output("y");
    const Graph graph = model.import({.batch = 5, .input_shapes = {}});
    EXPECT_EQ(graph.nodes.size(), 1U);
    EXPECT_EQ(output_shape(graph), (Shape{5, 12}));
  }
}

TEST(ConvertShapeArithmetic, SlicesAndRefusals) {
  TestModel slice(13);
  slice.input("x", {2, 3, 4}).initializer(integer_tensor("one", {1})).initializer(integer_tensor("all", {-1}));
  slice.initializer(integer_tensor("big", {int64_t{1} << 62})).node("Shape", {"x"}, {"s"});
  slice.node("Slice", {"s", "one", "big"}, {"tail"}).node("Concat", {"all", "tail"}, {"t"}, {{"axis", 0}});
  slice.node("Reshape", {"x", "t"}, {"y"}).output("y");
  EXPECT_EQ(output_shape(slice.import()), (Shape{2, 3, 4}));

  TestModel wild(13);
  wild.input("x", {2, 3}).node("Shape", {"x"}, {"s"}).initializer(integer_tensor("i", {-3}));
  EXPECT_THAT(wild.node("Gather", {"s", "i"}, {"y"}).output("y").problem(), HasSubstr("index -3 is outside"));
  auto gathered = one_node("Gather", {2, 3}, {}, {"i"});
  EXPECT_EQ(output_shape(gathered.initializer(integer_tensor("i", {0})).import()), (Shape{1, 3}));
  EXPECT_EQ(only_op<Cast>(one_node("Cast", {2}, {{"to", onnx::TensorProto::INT8}})).to, DataType::kInt8);
  EXPECT_THAT(one_node("Cast", {2}, {{"to", onnx::TensorProto::STRING}}).problem(), HasSubstr("casting to STRING"));
  // Doubling a vector 60 times must not take the memory that it asks for.
  TestModel bomb(13);
  bomb.initializer(integer_tensor("t0", {1, 1}));
  for (int i = 0; i < 60; ++i) {
    const std::string in = fmt::format("t{}", i);
    bomb.node("Concat", {in, in}, {fmt::format("t{}", i + 1)}, {{"axis", 0}});
  }
  EXPECT_THAT(bomb.output("t60").problem(), HasSubstr("more than 2147483648 elements"));
}

TEST(ConvertLayout, FlattenTransposeConcat) {
  EXPECT_EQ(output_shape(one_node("Flatten", {2, 3, 4}, {{"axis", 2}}).import()), (Shape{6, 4}));
  EXPECT_EQ(output_shape(one_node("Transpose", {2, 3, 4}, {{"perm", {0, 2, 1}}}).import()), (Shape{2, 4, 3}));
  EXPECT_EQ(output_shape(one_node("Transpose", {2, 3, 4}).import()), (Shape{4, 3, 2}));
  EXPECT_EQ(output_shape(one_node("Concat", {2, 3}, {{"axis", -1}}, {"x", "x"}).import()), (Shape{2, 9}));
  EXPECT_THAT(one_node("Concat", {2, 3}, {}, {"x"}).problem(), HasSubstr("'axis' is missing"));
}

TEST(ConvertConstant, AllForms) {
  TestModel model;
  model.input("x", {2}).node("Constant", {}, {"a"}, {{"value", float_tensor("", {2}, {1, 2})}});
  model.node("Constant", {}, {"b"}, {{"value_float", 3.0F}})
      .node("Sum", {"x", "a", "b"}, {"y"})
      .output("y")
      .output("a");
  const Graph graph = model.import();
  EXPECT_EQ(graph.nodes.size(), 2U);
  EXPECT_EQ(graph.tensor(graph.outputs[1]).constant->data<float>()[1], 2.0F);
  TestModel empty;
  EXPECT_THAT(empty.node("Constant", {}, {"y"}).output("y").problem(), HasSubstr("needs one of the attributes"));
}

TEST(Convert, ExtraOutputsAreFineWhileNobodyReadsThem) {
  TestModel model(10);
  model.input("x", {1, 2, 4, 4}).node("MaxPool", {"x"}, {"p", "indices"}, {{"kernel_shape", {2, 2}}});
  model.node("Dropout", {"p"}, {"y", "mask"}).output("y");
  EXPECT_EQ(model.import().nodes.size(), 2U);
  model.output("mask");
  EXPECT_THAT(model.problem(), HasSubstr("output 1 ('mask') is used"));
}

TEST(Convert, FunctionsOfFloatsTakeNoIntegers) {
  TestModel model;
  model.input("x", {2}, onnx::TensorProto::INT64).node("Tanh", {"x"}, {"y"}).output("y");
  EXPECT_THAT(model.problem(), HasSubstr("input 0 ('x') is int64, expected float32"));
}

}  // namespace
}  // namespace arco
