// Files as a whole: order, names, types of data, external data, and everything that can be broken.
#include "arco/onnx/importer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "arco/base/file.h"
#include "arco/base/random.h"
#include "arco/onnx/test_model.h"

namespace arco {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_support::float_tensor;
using testing_support::TestModel;

std::span<const uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string problem_of(const std::string& bytes) {
  try {
    import_onnx(as_bytes(bytes), "test.onnx");
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

// y = relu(x + w)
TestModel small_model(const onnx::TensorProto& w) {
  TestModel model;
  model.input("x", {2}).initializer(w).node("Add", {"x", "w"}, {"s"}).node("Relu", {"s"}, {"y"}).output("y");
  return model;
}

std::vector<float> imported_weights(const TestModel& model) {
  for (const Tensor& tensor : model.import().tensors) {
    if (tensor.name == "w") {
      const auto values = tensor.constant->data<float>();
      return {values.begin(), values.end()};
    }
  }
  return {};
}

// Outputs are missing because of what has been told.
TEST(Import, DoesNotRepeatAProblemForEachOutput) {
  TestModel model;
  model.input("x", {3}).initializer(testing_support::integer_tensor("parts", {3, 0}));
  model.node("Split", {"x", "parts"}, {"a", "b"}, {{"axis", 0}}).node("Add", {"a", "b"}, {"y"}).output("y");
  EXPECT_THAT(model.problem(), AllOf(HasSubstr("a part of 0 does not fit"), Not(HasSubstr("only the first output"))));
}

TEST(Import, SortsNodesAndAcceptsInitializersAmongInputs) {
  TestModel model(7);
  model.input("w", {2}).input("x", {2}).initializer(float_tensor("w", {2}, {1, 2}));
  model.node("Relu", {"s"}, {"y"}).node("Add", {"x", "w"}, {"s"}).output("y");
  const Graph graph = model.import();
  EXPECT_EQ(to_text(graph),
            "graph net(x 2)\n  Add_1: Add(x 2, w 2) -> s 2\n  Relu_0: Clip(s 2) clamp=0..inf -> y 2\n  return y 2\n");
}

TEST(Import, AllOpsetsFrom7To21) {
  for (int64_t opset = kOldestOpset; opset <= kNewestOpset; ++opset) {
    TestModel model(opset);
    model.input("x", {1, 2}).node("Relu", {"x"}, {"y"}).output("y");
    EXPECT_EQ(model.problem(), "no error") << opset;
  }
  EXPECT_THAT(TestModel(6).output("y").problem(), HasSubstr("opset 6 is not supported, only 7 to 21"));
  EXPECT_THAT(TestModel(22).output("y").problem(), HasSubstr("opset 22"));
  TestModel none;
  none.proto.clear_opset_import();
  EXPECT_THAT(none.problem(), HasSubstr("does not say which ONNX opset"));
}

TEST(Import, BatchAndShapesOfInputs) {
  TestModel model;
  model.input("image", {0, 3}).node("Relu", {"image"}, {"y"}).output("y");
  EXPECT_EQ(model.import().tensors[0].shape, (Shape{1, 3}));
  EXPECT_EQ(model.import({.batch = 4, .input_shapes = {}}).tensors[0].shape, (Shape{4, 3}));
  EXPECT_EQ(model.import({.batch = 4, .input_shapes = {{"image", {2, 7}}}}).tensors[0].shape, (Shape{2, 7}));
  EXPECT_THAT(model.problem({.batch = 1, .input_shapes = {{"imag", {2}}}}), HasSubstr("did you mean 'image'?"));
  EXPECT_THAT(model.problem({.batch = -1, .input_shapes = {}}), HasSubstr("must be positive"));
  EXPECT_THAT(model.problem({.batch = 1, .input_shapes = {{"image", {int64_t{1} << 40, int64_t{1} << 40}}}}),
              HasSubstr("must be positive, with at most"));
  TestModel unknown;
  unknown.input("x", {1, 0}).node("Relu", {"x"}, {"y"}).output("y");
  EXPECT_THAT(unknown.problem(),
              HasSubstr("dimension 1 (unnamed) must be a positive number; give the whole shape, as in --shape x=1x?"));
  TestModel zero;
  zero.input("x", {1, 0, 4}).node("Relu", {"x"}, {"y"}).output("y");
  zero.proto.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(1)
      ->set_dim_value(0);
  EXPECT_THAT(zero.problem(),
              HasSubstr("dimension 1 (0) must be a positive number; give the whole shape, as in --shape x=1x?x4"));
  TestModel negative;
  negative.input("x", {1, -5}).node("Relu", {"x"}, {"y"}).output("y");
  EXPECT_THAT(negative.problem(), HasSubstr("dimension 1 (-5) must be a positive number"));
}

TEST(Import, WeightsOfEveryFloatType) {
  onnx::TensorProto raw = float_tensor("w", {2}, {});
  const std::vector<float> values{1.5F, -2};
  raw.set_raw_data(values.data(), 8);
  EXPECT_EQ(imported_weights(small_model(raw)), values);
  EXPECT_EQ(imported_weights(small_model(float_tensor("w", {2}, values))), values);

  onnx::TensorProto half = float_tensor("w", {2}, {});
  half.set_data_type(onnx::TensorProto::FLOAT16);
  half.add_int32_data(0x3E00);
  half.add_int32_data(0xC000);
  EXPECT_EQ(imported_weights(small_model(half)), values);
  half.set_int32_data(0, 0x0001);  // the smallest subnormal
  half.set_int32_data(1, 0xFC00);  // minus infinity
  EXPECT_EQ(imported_weights(small_model(half)),
            (std::vector<float>{0x1p-24F, -std::numeric_limits<float>::infinity()}));

  onnx::TensorProto brain = float_tensor("w", {2}, {});
  brain.set_data_type(onnx::TensorProto::BFLOAT16);
  brain.set_raw_data(std::string("\xC0\x3F\x00\xC0", 4));
  EXPECT_EQ(imported_weights(small_model(brain)), values);

  onnx::TensorProto wide = float_tensor("w", {2}, {});
  wide.set_data_type(onnx::TensorProto::DOUBLE);
  wide.add_double_data(1.5);
  wide.add_double_data(-2);
  EXPECT_EQ(imported_weights(small_model(wide)), values);
}

TEST(Import, WeightsWhoseDataDoesNotMatchTheirDimensions) {
  EXPECT_THAT(small_model(float_tensor("w", {2}, {1})).problem(), HasSubstr("need 8 bytes of data, but there are 4"));
  EXPECT_THAT(small_model(float_tensor("w", {-2}, {1})).problem(), HasSubstr("[-2] are impossible"));
  EXPECT_THAT(small_model(float_tensor("w", {int64_t{1} << 62, 64}, {1})).problem(), HasSubstr("impossible"));
  EXPECT_THAT(small_model(float_tensor("w", {1 << 30}, {1})).problem(), HasSubstr("but there are 4"));
  onnx::TensorProto text = float_tensor("w", {2}, {});
  text.set_data_type(onnx::TensorProto::STRING);
  EXPECT_THAT(small_model(text).problem(), HasSubstr("element type STRING is not supported"));
  text.set_data_type(99);
  EXPECT_THAT(small_model(text).problem(), HasSubstr("number 99"));
}

class ExternalData : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / "arco_external_data" / "models";
    std::filesystem::create_directories(folder_);
    const std::vector<float> values{9, 1.5F, -2};
    const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
    write_file(folder_ / "w.bin", std::span<const uint8_t>(bytes, 12));
    write_file(folder_.parent_path() / "secret.bin", std::span<const uint8_t>(bytes, 12));
  }
  void TearDown() override { std::filesystem::remove_all(folder_.parent_path()); }

  std::string import(const std::string& location, const std::string& offset = "4", const std::string& length = "8") {
    onnx::TensorProto w = float_tensor("w", {2}, {});
    w.set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] :
         std::map<std::string, std::string>{{"location", location}, {"offset", offset}, {"length", length}}) {
      auto* entry = w.add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    write_file(folder_ / "m.onnx", small_model(w).bytes());
    try {
      graph_ = import_onnx(folder_ / "m.onnx");
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
  Graph graph_;
};

TEST_F(ExternalData, IsReadFromTheModelsFolder) {
  EXPECT_EQ(import("w.bin"), "no error");
  EXPECT_EQ(graph_.tensors[0].constant->data<float>()[0], 1.5F);
}

TEST_F(ExternalData, NeverLeavesTheFolder) {
  std::filesystem::create_symlink(folder_.parent_path() / "secret.bin", folder_ / "link.bin");
  for (const std::string& location :
       {std::string("../secret.bin"), (folder_.parent_path() / "secret.bin").string(), std::string("link.bin"),
        std::string("a/../../secret.bin"), std::string(""), std::string("w.bin\0", 6)}) {
    EXPECT_THAT(import(location), HasSubstr("must be a file inside the model's folder")) << location;
  }
  EXPECT_THAT(import("."), HasSubstr("does not exist"));
}

TEST_F(ExternalData, ChecksOffsetAndLength) {
  EXPECT_THAT(import("other.bin"), HasSubstr("does not exist"));
  EXPECT_THAT(import("w.bin", "8"), HasSubstr("has 12 bytes, but offset 8 and length 8"));
  EXPECT_THAT(import("w.bin", "18446744073709551615"), HasSubstr("but offset"));
  EXPECT_THAT(import("w.bin", "-4"), HasSubstr("offset is no number"));
  EXPECT_THAT(import("w.bin", "4", "4"), HasSubstr("length 4, but the dimensions need 8"));
}

TEST(Import, MissingEmptyAndDamagedFiles) {
  const auto folder = std::filesystem::path(testing::TempDir());
  EXPECT_THROW(import_onnx(folder / "does_not_exist.onnx"), UserError);
  EXPECT_THROW(import_onnx(folder), UserError);
  EXPECT_THAT(problem_of(""), HasSubstr("is empty"));
  EXPECT_THAT(problem_of("this is no model"), HasSubstr("a truncated or damaged ONNX model"));
  const std::string whole = small_model(float_tensor("w", {2}, {1, 2})).bytes();
  for (size_t length = 1; length < whole.size(); ++length) {
    EXPECT_NE(problem_of(whole.substr(0, length)), "no error") << length;
  }
}

TEST(Import, EveryDamagedByteGivesAModelOrOneError) {
  const std::string whole = small_model(float_tensor("w", {2}, {1, 2})).bytes();
  Random random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = whole;
    for (uint64_t i = 0; i <= random.below(3); ++i) {
      damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    }
    problem_of(damaged);  // anything but a UserError ends the test
  }
}

TEST(Import, NamesThatDoNotFitTogether) {
  TestModel model;
  model.input("x", {2}).node("Relu", {"ghost"}, {"a"}, {}, "r1").node("Relu", {"x"}, {"a"}, {}, "r2");
  model.node("Relu", {"x"}, {"x"}, {}, "r3").output("nowhere").output("a").output("a");
  model.initializer(float_tensor("w", {1}, {1})).initializer(float_tensor("w", {1}, {1})).input("x", {2});
  EXPECT_THAT(model.problem(), AllOf(HasSubstr("'r1' reads 'ghost'"), HasSubstr("'r1' and 'r2' both make 'a'"),
                                     HasSubstr("'r3' makes 'x', which is already"), HasSubstr("'nowhere' is made by"),
                                     HasSubstr("output 'a' is listed twice"), HasSubstr("'w' is defined twice"),
                                     HasSubstr("input 'x' is listed twice")));
}

TEST(Import, NamesTheCycle) {
  TestModel model;
  model.input("x", {2}).node("Add", {"x", "c"}, {"a"}, {}, "n1").node("Relu", {"a"}, {"b"}, {}, "n2");
  model.node("Relu", {"b"}, {"c"}, {}, "n3").node("Relu", {"c"}, {"y"}, {}, "behind").output("y");
  EXPECT_THAT(model.problem(), HasSubstr("cycle: 'n1' -> 'n2' -> 'n3' -> 'n1'"));
  TestModel self;
  self.node("Relu", {"y"}, {"y"}, {}, "me").output("y");
  EXPECT_THAT(self.problem(), HasSubstr("cycle: 'me' -> 'me'"));
}

TEST(Import, ListsEveryProblemWithItsNode) {
  TestModel model;
  model.input("x", {1, 2, 4, 4}).node("Foo", {"x"}, {"a"}, {}, "first").node("Convv", {"a"}, {"b"}, {}, "second");
  model.node("LRN", {"b"}, {"c"}, {}, "third").node("Relu", {"c"}, {"y"}, {{"slope", 1}}, "fourth").output("y");
  model.proto.mutable_graph()->mutable_node(0)->set_domain("com.example");
  const std::string text = model.problem();
  EXPECT_THAT(text,
              AllOf(HasSubstr("test.onnx: 5 problems"), HasSubstr("'first': operator 'Foo' of domain com.example"),
                    HasSubstr("'second': operator 'Convv' is not supported; did you mean 'Conv'?"),
                    HasSubstr("'third' (LRN): attribute 'size' is missing"),
                    HasSubstr("'fourth' (Relu): attribute 'slope' is not supported")));
  EXPECT_THAT(text, HasSubstr("supported operators: Abs, Add, AveragePool,"));
}

TEST(Import, LongListsOfProblemsAreCut) {
  TestModel model;
  for (int i = 0; i < 100; ++i) model.node("Foo", {}, {fmt::format("t{}", i)});
  EXPECT_THAT(model.output("t0").problem(), AllOf(HasSubstr("... and 61 more"), Not(HasSubstr("Foo_50"))));
}

TEST(Import, NamesAreFitForTerminalsAndDistinct) {
  TestModel model;
  model.input("x", {2}).node("Relu", {"x"}, {"a"}, {}, "bad\x1b[31m\xff").node("Relu", {"a"}, {"b"}, {}, "same");
  model.node("Relu", {"b"}, {"y"}, {}, "same").output("y");
  const Graph graph = model.import();
  EXPECT_EQ(graph.nodes[0].name, "bad_[31m_");
  EXPECT_EQ(graph.nodes[1].name, "same");
  EXPECT_EQ(graph.nodes[2].name, "same_2");
}

TEST(Import, AGraphWithoutOutputs) {
  TestModel model;
  EXPECT_THAT(model.input("x", {2}).node("Relu", {"x"}, {"y"}).problem(), HasSubstr("no output"));
}

}  // namespace
}  // namespace arco
