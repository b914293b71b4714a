// Quantised ONNX models (QuantizeLinear and DequantizeLinear around float operators, weights as integers) through the
// program as a user runs it. `arco reference` computes what the file says, in float with its own quantisers; the
// integers of `arco run` on a chip of variant vta++ must be the same, but for roundings at a half.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "arco/base/file.h"
#include "arco/cli/test_command.h"
#include "arco/cli/test_net.h"
#include "arco/graph/npy.h"
#include "arco/hardware/hardware_config.h"

namespace arco {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::Attributes;
using testing_support::float_tensor;
using testing_support::Ints;
using testing_support::Net;

struct Scale {
  float step = 1;
  int zero = 0;
  bool is_uint8 = false;
};

class QuantisedNet : public Net {
 public:
  QuantisedNet() : Net(14) {}  // the first with HardSwish
  std::string integers_of(int type, const Shape& shape, const std::vector<int32_t>& values) {
    onnx::TensorProto tensor;
    tensor.set_data_type(type);
    for (const int64_t extent : shape) tensor.add_dims(extent);
    for (const int32_t value : values) tensor.add_int32_data(value);
    return constant(tensor);
  }
  // An input of the network as int8 or uint8 and back.
  std::string input_pair(const Shape& shape, const Scale& scale) { return pair(input(shape), scale); }
  // x as int8 or uint8 and back.
  std::string pair(const std::string& x, const Scale& scale) {
    last = scale;
    const std::string step = scalar(scale.step);
    const int type = scale.is_uint8 ? onnx::TensorProto::UINT8 : onnx::TensorProto::INT8;
    const std::string zero = integers_of(type, {}, {scale.zero});
    return node("DequantizeLinear", {node("QuantizeLinear", {x, step, zero}), step, zero});
  }
  // int8 weights whose steps along `axis` differ by up to a factor of 3; every channel holds a 127.
  std::string levels(const Shape& shape, float step, int axis = 0) {
    std::vector<float> steps;
    const auto channels = static_cast<size_t>(shape[static_cast<size_t>(axis)]);
    for (size_t c = 0; c < channels; ++c) steps.push_back(step * static_cast<float>(1 + 2 * random.uniform()));
    std::vector<int32_t> values(static_cast<size_t>(element_count(shape)));
    for (int32_t& value : values) value = static_cast<int32_t>(random.between(-127, 127));
    const std::string w = integers_of(onnx::TensorProto::INT8, shape, values);
    const std::string zeros =
        integers_of(onnx::TensorProto::INT8, {shape[static_cast<size_t>(axis)]}, std::vector<int32_t>(channels, 0));
    return node("DequantizeLinear", {w, constant(float_tensor("", {static_cast<int64_t>(channels)}, steps)), zeros},
                {{"axis", axis}});
  }
  std::string quantised_conv(const std::string& x, const Shape& shape, const Attributes& attributes = {}) {
    const auto fan_in = static_cast<float>(shape[1] * shape[2] * shape[3]);
    return node("Conv", {x, levels(shape, 0.007F / std::sqrt(fan_in)), weights({shape[0]}, 0.1)}, attributes);
  }

  Scale last;  // of the pair made last: that of the output
  Random random{7};
};

struct Row {
  std::string name;
  std::function<void(QuantisedNet&)> build;
  std::string not_kept = {};  // what the warning says; empty: none
  int most_steps = 1;         // that a result may be off
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

const Ints kOnes{1, 1, 1, 1};
const Attributes kSame{{"pads", kOnes}};
const Attributes kCounted{{"kernel_shape", Ints{3, 3}}, {"pads", kOnes}, {"count_include_pad", 1}};
const Scale kImage{0.0253F, 0};
const Scale kRelu{0.0117F, -128};
const Scale kRelu8{0.0117F, 0, true};
const Scale kOdd{0.0191F, 11};

std::vector<Row> layer_rows() {
  return {
      {"conv_around_0",
       [](QuantisedNet& n) {
         n.output(n.pair(n.quantised_conv(n.input_pair({1, 20, 9, 9}, kImage), {24, 20, 3, 3}, kSame), {0.0203F}));
       }},
      {"conv_stem_unfolds_its_input",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 3, 17, 15}, {0.0271F, 114, true});
         n.output(n.pair(n.quantised_conv(x, {16, 3, 3, 7}, {{"pads", Ints{0, 3, 0, 3}}}), kOdd));
       }},
      {"relu_is_in_the_zero_point",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 20, 9, 9}, kRelu);
         n.output(n.pair(n.quantised_conv(x, {24, 20, 3, 3}, kSame), kRelu));
       }},
      {"relu_as_uint8",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 20, 9, 9}, kRelu8);
         n.output(n.pair(n.relu(n.quantised_conv(x, {24, 20, 3, 3}, kSame)), kRelu8));
       }},
      {"depthwise",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 24, 9, 9}, kRelu8);
         Attributes attributes = kSame;
         attributes.emplace_back("group", 24);
         n.output(n.pair(n.quantised_conv(x, {24, 1, 3, 3}, attributes), kOdd));
       }},
      {"conv1x1_around_odd_zeros",
       [](QuantisedNet& n) {
         n.output(n.pair(n.quantised_conv(n.input_pair({2, 20, 5, 5}, kOdd), {24, 20, 1, 1}), {0.0187F, 97, true}));
       }},
      {"channels_of_very_different_widths",
       [](QuantisedNet& n) {
         std::vector<float> steps;
         for (int c = 0; c < 24; ++c) steps.push_back(0.0015F * std::pow(0.6F, static_cast<float>(c)));
         std::vector<int32_t> values(24 * 20);
         for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i * 37 % 255) - 127;
         const std::string zeros = n.integers_of(onnx::TensorProto::INT8, {24}, std::vector<int32_t>(24, 0));
         const std::string w = n.node("DequantizeLinear",
                                      {n.integers_of(onnx::TensorProto::INT8, {24, 20, 1, 1}, values),
                                       n.constant(float_tensor("", {24}, steps)), zeros},
                                      {{"axis", 0}});
         const auto x = n.input_pair({1, 20, 9, 9}, kOdd);
         n.output(n.pair(n.node("Conv", {x, w, n.weights({24}, 0.5)}), {0.0203F}));
       }},
      {"padding_around_an_odd_zero",
       [](QuantisedNet& n) {
         n.output(n.pair(n.quantised_conv(n.input_pair({1, 20, 9, 9}, kOdd), {24, 20, 3, 3}, kSame), {0.0203F}));
       }},
      {"padded_conv_stem_of_a_uint8_image",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 3, 17, 15}, {0.0271F, 114, true});
         n.output(
             n.pair(n.quantised_conv(x, {16, 3, 7, 7}, {{"pads", Ints{3, 3, 3, 3}}, {"strides", Ints{2, 2}}}), kOdd));
       }},
      {"padded_conv_stem_without_strides",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 3, 9, 11}, {0.0271F, 114, true});
         n.output(n.pair(n.quantised_conv(x, {16, 3, 3, 5}, {{"pads", Ints{1, 2, 1, 2}}}), kOdd));
       }},
      {"padded_depthwise_around_an_odd_zero",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 24, 9, 9}, kOdd);
         n.output(n.pair(n.quantised_conv(x, {24, 1, 5, 5}, {{"pads", Ints{2, 1, 0, 2}}, {"group", 24}}), kOdd));
       }},
      {"transposed_conv_around_an_odd_zero",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 16, 5, 5}, kOdd);
         const auto w = n.levels({16, 12, 4, 4}, 0.0008F, 1);
         n.output(n.pair(n.node("ConvTranspose", {x, w}, {{"strides", Ints{2, 2}}, {"pads", kOnes}}), {0.0203F, -17}));
       }},
      {"readers_share_a_border",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 16, 7, 7}, kOdd);
         const auto a = n.pair(n.quantised_conv(x, {16, 16, 3, 3}, kSame), kOdd);
         const auto b = n.pair(n.quantised_conv(x, {16, 16, 3, 3}, kSame), kRelu);
         n.output(n.pair(n.add(a, b), {0.0271F, 5}));
       },
       "", 2},
      {"hard_swish",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 16, 9, 9}, {0.0253F, 114, true});
         const Scale swish{0.0137F, -101};
         const auto a = n.pair(n.quantised_conv(x, {24, 16, 3, 3}, kSame), {0.0241F, -3});
         const auto b = n.pair(n.node("HardSwish", {a}), swish);
         const auto c = n.pair(n.quantised_conv(b, {24, 1, 3, 3}, {{"pads", kOnes}, {"group", 24}}), {0.0241F, -3});
         const auto d = n.pair(n.node("HardSwish", {c}), swish);
         n.output(n.pair(n.quantised_conv(d, {16, 24, 1, 1}), kOdd));
       },
       "", 2},
      {"matmul_keeps_its_steps",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({3, 40}, kOdd);
         n.output(n.pair(n.node("MatMul", {x, n.levels({40, 12}, 0.001F, 1)}), {0.0151F, -5}));
       }},
      {"gemm",
       [](QuantisedNet& n) {
         const auto x = n.pair(n.node("Flatten", {n.input_pair({3, 10, 2, 2}, kOdd)}), kOdd);
         n.output(n.pair(n.node("Gemm", {x, n.levels({12, 40}, 0.001F), n.weights({12})}, {{"transB", 1}}),
                         {0.0151F, 130, true}));
       }},
      {"add",
       [](QuantisedNet& n) {
         n.output(
             n.pair(n.add(n.input_pair({1, 20, 5, 5}, kOdd), n.input_pair({1, 20, 5, 5}, kRelu8)), {0.0317F, -63}));
       }},
      {"residual_block",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 16, 7, 7}, kRelu8);
         const auto a = n.pair(n.quantised_conv(x, {16, 16, 3, 3}, kSame), kRelu8);
         const auto b = n.pair(n.quantised_conv(a, {16, 16, 3, 3}, kSame), kOdd);
         n.output(n.pair(n.add(b, x), kRelu));
       },
       "", 2},  // a step of b is 1.6 steps of the sum
      {"residual_in_the_accumulator",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 16, 7, 7}, kRelu);
         n.output(n.pair(n.add(n.quantised_conv(x, {16, 16, 3, 3}, kSame), x), kOdd));
       }},
      {"max_pool",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 20, 9, 9}, kOdd);
         n.output(n.pair(n.node("MaxPool", {x}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}}), kOdd));
       }},
      {"max_pool_to_another_scale",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 20, 9, 9}, kOdd);
         n.output(n.pair(n.node("MaxPool", {x}, {{"kernel_shape", Ints{2, 2}}}), {0.0223F, -40}));
       }},
      {"average_pool",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 20, 9, 9}, kOdd);
         n.output(n.pair(n.node("AveragePool", {x}, {{"kernel_shape", Ints{3, 3}}}), {0.0089F, 140, true}));
       }},
      {"average_pool_counts_its_padding",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 20, 9, 9}, {0.0191F, -17});
         n.output(n.pair(n.node("AveragePool", {x}, kCounted), {0.0089F, 140, true}));
       }},
      {"average_pool_counts_padding_of_relu",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 20, 9, 9}, kRelu8);
         n.output(n.pair(n.node("AveragePool", {x}, kCounted), {0.0089F, 3, true}));
       }},
      {"mean",
       [](QuantisedNet& n) {
         n.output(n.pair(n.node("GlobalAveragePool", {n.input_pair({1, 20, 9, 9}, kRelu8)}), {0.0037F, -128}));
       }},
      {"concat",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 16, 5, 5}, kOdd);
         const auto a = n.pair(n.quantised_conv(x, {16, 16, 1, 1}), kOdd);
         const auto b = n.pair(n.quantised_conv(x, {32, 16, 1, 1}), kRelu8);
         n.output(n.pair(n.node("Concat", {a, b}, {{"axis", 1}}), {0.0229F, -17}));
       }},
      {"concat_of_vectors_shares_one_scale",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({3, 40}, kOdd);
         const auto a = n.pair(n.node("MatMul", {x, n.levels({40, 12}, 0.001F, 1)}), {0.0151F, -5});
         const auto b = n.pair(n.node("MatMul", {x, n.levels({40, 12}, 0.001F, 1)}), {0.0187F, 97, true});
         n.output(n.pair(n.node("Concat", {a, b}, {{"axis", 1}}), {0.0229F, -17}));
       },
       "tensors that are joined share one scale", 3},
      {"relu_between_scales",
       [](QuantisedNet& n) {
         n.output(
             n.pair(n.relu(n.pair(n.quantised_conv(n.input_pair({1, 20, 5, 5}, kOdd), {8, 20, 1, 1}), kOdd)), kRelu));
       }},
      {"input_is_an_activation",
       [](QuantisedNet& n) {
         n.output(n.pair(n.quantised_conv(n.input_pair({1, 20, 5, 5}, kRelu8), {8, 20, 1, 1}), kOdd));
       }},
      {"relu_in_the_zero_point_of_a_transposed_conv",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 16, 5, 5}, kOdd);
         const auto y = n.node("ConvTranspose", {x, n.levels({16, 8, 2, 2}, 0.0009F, 1)}, {{"strides", Ints{2, 2}}});
         n.output(n.pair(n.quantised_conv(n.pair(y, kRelu8), {8, 8, 1, 1}), {0.0301F, -9}));
       }},
      {"relu_in_the_zero_point_of_a_concatenation",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 16, 5, 5}, kOdd);
         const auto a = n.quantised_conv(x, {16, 16, 1, 1});
         const auto b = n.quantised_conv(x, {32, 16, 1, 1});
         const auto y = n.pair(n.node("Concat", {a, b}, {{"axis", 1}}), kRelu8);
         n.output(n.pair(n.quantised_conv(y, {8, 48, 1, 1}), {0.0301F, 5}));
       }},
      {"relu_in_the_zero_point_of_depth_to_space",
       [](QuantisedNet& n) {
         const auto y = n.quantised_conv(n.input_pair({1, 16, 5, 5}, kOdd), {16, 16, 3, 3}, kSame);
         const auto z = n.pair(n.node("DepthToSpace", {y}, {{"blocksize", 2}}), kRelu8);
         n.output(n.pair(n.quantised_conv(z, {8, 4, 1, 1}), {0.0301F, 5}));
       }},
      {"relu_in_the_zero_point_of_a_product",
       [](QuantisedNet& n) {
         const auto x = n.input_pair({1, 16, 5, 5}, kOdd);
         const auto a = n.pair(n.quantised_conv(x, {16, 16, 1, 1}), kOdd);
         const auto b = n.pair(n.quantised_conv(x, {16, 16, 1, 1}), kOdd);
         const auto y = n.pair(n.node("Mul", {a, b}), kRelu8);
         n.output(n.pair(n.quantised_conv(y, {8, 16, 1, 1}), {0.0301F, 5}));
       }},
      {"sigmoid",
       [](QuantisedNet& n) {
         const auto x = n.pair(n.quantised_conv(n.input_pair({1, 20, 5, 5}, kOdd), {8, 20, 1, 1}), kOdd);
         const auto y = n.pair(n.node("Sigmoid", {x}), {1.0F / 255, 0, true});
         n.output(n.pair(n.quantised_conv(y, {8, 8, 1, 1}), {0.0093F, 3}));
       }},
  };
}

class QuantisedModels : public testing::TestWithParam<Row> {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    HardwareConfig plus;
    plus.variant = IsaVariant::kVtaPlus;
    write_file(path("plus.json"), to_json(plus));
    GetParam().build(net_);
    write_file(path("model.onnx"), net_.model.bytes());
    const Graph graph = net_.model.import();
    Random random(3);
    for (const TensorId id : graph.inputs) {
      Array x(DataType::kFloat32, graph.tensor(id).shape);
      // Some beyond what the model's integers hold.
      for (float& value : x.mutable_data<float>()) value = static_cast<float>(random.normal());
      write_npy(path(graph.tensor(id).name + ".npy"), x);
      inputs_.insert(inputs_.end(), {"--input", graph.tensor(id).name + "=" + path(graph.tensor(id).name + ".npy")});
    }
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // The command's messages; it must succeed.
  static std::string arco(const std::vector<std::string>& arguments) {
    const testing_support::Result result = testing_support::arco(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.err;
  }
  // The network's output as integers.
  std::vector<int> outcome(std::vector<std::string> command) const {
    command.insert(command.end(), inputs_.begin(), inputs_.end());
    command.insert(command.end(), {"--output", path("y.npy")});
    arco(command);
    const Array y = read_npy(path("y.npy"));
    std::vector<int> integers;
    for (const float value : y.data<float>()) integers.push_back(static_cast<int>(std::lround(value / net_.last.step)));
    return integers;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("arco_quantised_{}", getpid());
  QuantisedNet net_;
  std::vector<std::string> inputs_;
};

TEST_P(QuantisedModels, GiveTheirOwnIntegersOnVtaPlus) {
  const std::string said =
      arco({"compile", path("model.onnx"), "-o", path("model.arco"), "--hardware", path("plus.json"), "--verify"});
  if (GetParam().not_kept.empty()) {
    EXPECT_EQ(said, "");
  } else {
    EXPECT_THAT(said, HasSubstr(GetParam().not_kept));
  }
  const std::vector<int> expected = outcome({"reference", path("model.onnx")});
  const std::vector<int> actual = outcome({"run", path("model.arco"), "--verify"});
  ASSERT_EQ(actual.size(), expected.size());
  size_t different = 0;
  int worst = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    worst = std::max(worst, std::abs(actual[i] - expected[i]));
    different += actual[i] != expected[i] ? 1 : 0;
  }
  const auto [low, high] = std::minmax_element(expected.begin(), expected.end());
  EXPECT_GT(*high - *low, 40) << "the network computes too little to compare";
  EXPECT_LE(worst, GetParam().most_steps);
  RecordProperty("different_per_mille", static_cast<int>(1000 * different / expected.size()));
  if (GetParam().not_kept.empty()) {
    EXPECT_LE(different, expected.size() / 20) << "of " << expected.size();
  }
}

// Chips without multipliers take powers of two and say so. Results keep 13 dB: steps are up to four times as large, and
// only activations saturate as in the model.
TEST_P(QuantisedModels, StayCloseOnPlainVta) {
  const std::string said = arco({"compile", path("model.onnx"), "-o", path("model.arco"), "--verify"});
  EXPECT_THAT(said, HasSubstr("chips of variant vta++ keep"));
  const std::vector<int> expected = outcome({"reference", path("model.onnx")});
  const std::vector<int> actual = outcome({"run", path("model.arco"), "--verify"});
  double signal = 0;
  double noise = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    signal += expected[i] * expected[i];
    noise += (expected[i] - actual[i]) * (expected[i] - actual[i]);
  }
  EXPECT_LT(noise, signal / 20);
}

INSTANTIATE_TEST_SUITE_P(Layers, QuantisedModels, testing::ValuesIn(layer_rows()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace arco
