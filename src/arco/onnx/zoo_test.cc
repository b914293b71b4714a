#include "arco/onnx/zoo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/onnx/importer.h"

namespace arco {
namespace {

using testing::HasSubstr;

class Zoo : public testing::Test {
 protected:
  std::filesystem::path path_ = std::filesystem::path(testing::TempDir()) / "arco_zoo_test.onnx";
  void TearDown() override { std::filesystem::remove(path_); }

  Graph import(const std::string& name, const ZooOptions& options) {
    write_zoo_model(name, path_, options);
    return import_onnx(path_);
  }
  std::string problem(const std::string& name, const ZooOptions& options = {}) {
    try {
      write_zoo_model(name, path_, options);
    } catch (const UserError& error) {
      EXPECT_FALSE(std::filesystem::exists(path_));
      return error.what();
    }
    return "no error";
  }
};

std::map<std::string, int> count_operators(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes) ++counts[op_name(node.op)];
  return counts;
}

int64_t count_parameters(const Graph& graph) {
  int64_t count = 0;
  for (const Tensor& tensor : graph.tensors) {
    const bool statistic = tensor.name.find("running_") != std::string::npos;
    // Bounds of activations are scalars, targets of reshapes integers.
    const bool learned = tensor.constant && tensor.type == DataType::kFloat32 && !tensor.shape.empty() && !statistic;
    if (learned) count += tensor.constant->size();
  }
  return count;
}

// Published parameter counts of torchvision's resnets; at this image size every plane still has a pixel.
TEST_F(Zoo, ResNetsHaveTheirPublishedParameters) {
  const Graph resnet18 = import("resnet18", {.image_size = 32});
  EXPECT_EQ(count_parameters(resnet18), 11689512);
  EXPECT_EQ(count_operators(resnet18), (std::map<std::string, int>{{"Add", 8},
                                                                   {"AveragePool", 1},
                                                                   {"BatchNorm", 20},
                                                                   {"Clip", 17},
                                                                   {"Conv", 20},
                                                                   {"Flatten", 1},
                                                                   {"MatMul", 1},
                                                                   {"MaxPool", 1}}));
  EXPECT_EQ(count_parameters(import("resnet34", {.image_size = 32})), 21797672);
}

TEST_F(Zoo, PlainNetworksHaveTheirLayersAndAdaptTheirClassifier) {
  const std::map<std::string, int> convolutions{{"vgg11", 8}, {"vgg13", 10}, {"vgg16", 13}, {"vgg19", 16}};
  for (const auto& [name, count] : convolutions) {
    const Graph graph = import(name, {.image_size = 32, .batch = 2, .classes = 10});
    EXPECT_EQ(count_operators(graph)["Conv"], count) << name;
    EXPECT_EQ(graph.tensor(graph.outputs[0]).shape, (Shape{2, 10}));
  }
  const Graph alexnet = import("alexnet", {.image_size = 64, .classes = 10});
  EXPECT_EQ(count_operators(alexnet)["Conv"], 5);
  EXPECT_EQ(alexnet.tensor(alexnet.inputs[0]).shape, (Shape{1, 3, 64, 64}));
  // Convolutions 2,469,696, and 256 -> 4096 -> 4096 -> 10 where one pixel is left.
  EXPECT_EQ(count_parameters(alexnet), 2469696 + 257 * 4096 + 4097 * 4096 + 4097 * 10);
}

// Parameters as published: torchvision's documentation, Keras for MobileNet v1, the bvlc_googlenet.caffemodel; ESPCN
// and U-Net by hand.
TEST_F(Zoo, NewerNetworksHaveTheirPublishedParameters) {
  const std::map<std::string, int64_t> parameters{
      {"densenet121", 7978856},  {"espcn", 22729},       {"googlenet", 6998552},    {"mobilenetv1", 4231976},
      {"mobilenetv2", 3504872},  {"resnet50", 25557032}, {"shufflenetv2", 2278604}, {"squeezenet10", 1248424},
      {"squeezenet11", 1235496}, {"unet", 31031810},
  };
  for (const auto& [name, count] : parameters) {
    const Graph graph = import(name, {.image_size = 64});
    EXPECT_EQ(count_parameters(graph), count) << name;
  }
}

TEST_F(Zoo, NetworksFromImagesToImages) {
  const Graph unet = import("U-Net", {.image_size = 48, .batch = 2, .classes = 5});
  EXPECT_EQ(unet.tensor(unet.outputs[0]).shape, (Shape{2, 5, 48, 48}));
  EXPECT_EQ(count_operators(unet)["ConvTranspose"], 4);
  const Graph espcn = import("espcn", {.image_size = 20});
  EXPECT_EQ(espcn.tensor(espcn.inputs[0]).shape, (Shape{1, 1, 20, 20}));
  EXPECT_EQ(espcn.tensor(espcn.outputs[0]).shape, (Shape{1, 1, 60, 60}));
  std::filesystem::remove(path_);
  EXPECT_THAT(problem("unet", {.image_size = 40}), HasSubstr("must be a multiple of 16, but is 40"));
  EXPECT_THAT(problem("espcn", {.classes = 10}), HasSubstr("espcn has no classes"));
}

TEST_F(Zoo, WeightsAreHeNormalAndStatisticsPositive) {
  const Graph graph = import("resnet18", {.image_size = 32});
  for (const Tensor& tensor : graph.tensors) {
    if (tensor.name == "layer2.0.conv2.weight") {
      double sum = 0;
      double squares = 0;
      for (const float w : tensor.constant->data<float>()) {
        sum += w;
        squares += static_cast<double>(w) * w;
      }
      const auto count = static_cast<double>(tensor.constant->size());
      EXPECT_NEAR(sum / count, 0, 1e-3);
      EXPECT_NEAR(std::sqrt(squares / count), std::sqrt(2.0 / (128 * 9)), 5e-4);
    }
    if (tensor.name.find("running_var") != std::string::npos) {
      for (const float v : tensor.constant->data<float>()) EXPECT_GT(v, 0);
    }
  }
}

TEST_F(Zoo, SameSeedSameBytes) {
  const auto bytes = [&](uint64_t seed) {
    write_zoo_model("resnet18", path_, {.seed = seed, .image_size = 32, .classes = 3});
    return read_file(path_);
  };
  const auto first = bytes(1);
  EXPECT_EQ(first, bytes(1));
  EXPECT_NE(first, bytes(2));
}

TEST_F(Zoo, NamesAsPeopleWriteThem) {
  EXPECT_EQ(problem("ResNet-18", {.image_size = 32}), "no error");
  EXPECT_EQ(problem("SqueezeNet 1.1", {.image_size = 64}), "no error");
  EXPECT_EQ(problem("Inception v1", {.image_size = 64}), "no error");
  std::filesystem::remove(path_);
  EXPECT_THAT(problem("resnet19"), HasSubstr("did you mean 'resnet18'?"));
  EXPECT_THAT(problem("transformer"), HasSubstr("choose one of alexnet, densenet121, espcn, googlenet, mobilenetv1"));
}

TEST_F(Zoo, SizesThatCannotBe) {
  EXPECT_THAT(problem("vgg11", {.image_size = 16}), HasSubstr("image size 16 is too small for vgg11"));
  EXPECT_THAT(problem("vgg11", {.image_size = 2048}), HasSubstr("2 GiB"));
  EXPECT_THAT(problem("vgg11", {.image_size = 0, .batch = -1}), HasSubstr("2 problems"));
}

TEST_F(Zoo, AnUnwritablePathIsARunError) {
  EXPECT_THROW(write_zoo_model("resnet18", "/proc/nothing/model.onnx", {.image_size = 32}), RunError);
}

}  // namespace
}  // namespace arco
