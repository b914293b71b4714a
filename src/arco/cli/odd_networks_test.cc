// Networks as other people write them: every ONNX file here goes through importer, passes (each verified),
// quantisation, compiler, checker and simulators, on chips of several shapes, and must still compute about what its
// floats compute.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "arco/cli/test_net.h"
#include "arco/isa/checker.h"
#include "arco/passes/pass_manager.h"
#include "arco/quant/calibrate.h"
#include "arco/quant/quantize.h"
#include "arco/quant/report.h"
#include "arco/reference/interpreter.h"
#include "arco/runtime/run.h"

namespace arco {
namespace {

using testing_support::Attribute;
using testing_support::Attributes;
using testing_support::integer_tensor;
using testing_support::Ints;
using testing_support::Net;

struct OddNetwork {
  std::string name;
  int64_t opset;
  std::function<void(Net&)> build;
};
void PrintTo(const OddNetwork& network, std::ostream* out) {
  *out << network.name;
}

// A single convolution; its result is the output.
OddNetwork one_conv(const std::string& name, const Shape& input, const Shape& weights,
                    const Attributes& attributes = {}, int64_t opset = 13) {
  return {name, opset, [=](Net& n) { n.output(n.conv(n.input(input), weights, attributes)); }};
}

// A pooling behind a convolution.
OddNetwork one_pool(const std::string& name, const char* op, const Attributes& attributes) {
  return {name, 13, [=](Net& n) {
            n.output(n.node(op, {n.conv(n.input({1, 20, 14, 13}), {18, 20, 1, 1})}, attributes));
          }};
}

Attribute pads(int64_t top, int64_t left, int64_t bottom, int64_t right) {
  return {"pads", Ints{top, left, bottom, right}};
}
Attribute strides(int64_t h, int64_t w) {
  return {"strides", Ints{h, w}};
}
Attribute kernel(int64_t size) {
  return {"kernel_shape", Ints{size, size}};
}

std::vector<OddNetwork> convolutions() {
  const Attribute same = pads(1, 1, 1, 1);
  return {one_conv("one_pixel_17_channels", {1, 17, 1, 1}, {5, 17, 1, 1}),
          one_conv("prime_size", {1, 3, 113, 113}, {17, 3, 3, 3}, {same}),
          one_conv("one_channel", {1, 1, 13, 7}, {1, 1, 3, 3}),
          one_conv("kernel_larger_than_any_tile", {1, 4, 31, 31}, {6, 4, 29, 29}),
          one_conv("kernel_of_the_whole_plane", {1, 16, 9, 5}, {33, 16, 9, 5}),
          one_conv("asymmetric", {1, 5, 11, 9}, {7, 5, 3, 4}, {pads(0, 2, 1, 3), strides(2, 3)}),
          one_conv("padding_beyond_the_kernel", {1, 5, 6, 6}, {7, 5, 2, 2}, {pads(3, 4, 5, 3)}),
          one_conv("padding_beyond_its_field", {1, 5, 6, 6}, {7, 5, 3, 3}, {pads(16, 17, 20, 3)}),
          one_conv("same_upper", {1, 5, 11, 9}, {7, 5, 3, 4}, {{"auto_pad", "SAME_UPPER"}, strides(2, 3)}),
          one_conv("same_lower", {1, 5, 11, 9}, {7, 5, 4, 4}, {{"auto_pad", "SAME_LOWER"}, strides(2, 2)}),
          one_conv("valid", {1, 5, 11, 9}, {7, 5, 4, 4}, {{"auto_pad", "VALID"}}),
          one_conv("dilated", {1, 5, 21, 19}, {7, 5, 3, 3}, {{"dilations", Ints{3, 2}}, pads(3, 2, 3, 2)}),
          one_conv("stride_beyond_the_kernel", {1, 20, 23, 23}, {9, 20, 2, 2}, {strides(5, 7)}),
          one_conv("strided_points", {1, 20, 23, 23}, {9, 20, 1, 1}, {strides(3, 3)}),
          one_conv("groups", {1, 12, 9, 9}, {24, 3, 3, 3}, {{"group", 4}, same}),
          one_conv("depthwise", {1, 19, 9, 9}, {19, 1, 3, 3}, {{"group", 19}, same}),
          one_conv("depthwise_with_multiplier", {1, 6, 9, 9}, {18, 1, 3, 3}, {{"group", 6}, same}),
          one_conv("flat_kernel", {1, 8, 9, 17}, {8, 8, 1, 7}, {pads(0, 3, 0, 3)}),
          one_conv("wide_image", {1, 3, 2, 600}, {8, 3, 2, 3}),
          one_conv("tall_image", {1, 3, 600, 1}, {8, 3, 5, 1}),
          one_conv("three_images", {3, 17, 5, 5}, {18, 17, 3, 3}),
          one_conv("many_channels", {1, 1030, 3, 3}, {1000, 1030, 1, 1}),
          one_conv("oldest_opset", {1, 3, 8, 8}, {4, 3, 3, 3}, {}, 7),
          one_conv("newest_opset", {1, 3, 8, 8}, {4, 3, 3, 3}, {}, 21)};
}

std::vector<OddNetwork> poolings() {
  const Attribute ceil{"ceil_mode", 1};
  const Attribute count{"count_include_pad", 1};
  const Attribute same = pads(1, 1, 1, 1);
  return {one_pool("max_ceil", "MaxPool", {kernel(3), strides(2, 2), ceil}),
          one_pool("max_ceil_padded", "MaxPool", {kernel(3), strides(2, 2), same, ceil}),
          one_pool("max_asymmetric", "MaxPool", {kernel(5), strides(3, 3), pads(2, 1, 0, 2), ceil}),
          one_pool("max_overlapping", "MaxPool", {kernel(3), same}),
          one_pool("max_dilated", "MaxPool", {kernel(3), {"dilations", Ints{2, 2}}}),
          one_pool("max_same", "MaxPool", {kernel(3), strides(2, 2), {"auto_pad", "SAME_UPPER"}}),
          one_pool("average", "AveragePool", {kernel(3), strides(2, 2)}),
          one_pool("average_padded", "AveragePool", {kernel(3), strides(2, 2), same}),
          one_pool("average_counting_pads", "AveragePool", {kernel(3), strides(2, 2), same, count}),
          one_pool("average_ceil_counting_pads", "AveragePool", {kernel(3), strides(2, 2), same, count, ceil}),
          one_pool("average_of_the_plane", "GlobalAveragePool", {})};
}

std::vector<OddNetwork> graphs() {
  const Attribute same = pads(1, 1, 1, 1);
  const Shape image{1, 9, 8, 8};
  return {
      {"residual_of_two_convolutions", 13,
       [=](Net& n) {
         const auto x = n.input(image);
         n.output(n.relu(n.add(n.conv(x, {11, 9, 3, 3}, {same}), n.conv(x, {11, 9, 1, 1}))));
       }},
      {"residual_of_itself", 13,
       [=](Net& n) {
         const auto y = n.conv(n.input(image), {9, 9, 3, 3}, {same});
         n.output(n.add(y, y));
       }},
      {"residual_of_the_input", 13,
       [=](Net& n) {
         const auto x = n.input(image);
         n.output(n.add(x, n.conv(x, {9, 9, 3, 3}, {same})));
       }},
      {"sum_of_inputs", 13, [=](Net& n) { n.output(n.add(n.input(image), n.input(image))); }},
      {"every_result_is_an_output", 13,
       [=](Net& n) {
         const auto y = n.conv(n.input(image), {9, 9, 3, 3});
         n.output(y);
         n.output(n.relu(y));
         n.output(n.node("MaxPool", {y}, {kernel(2)}));
       }},
      {"several_inputs_one_unused", 13,
       [=](Net& n) {
         const auto x = n.input(image);
         n.input({2, 3});
         const auto z = n.input({1, 4, 8, 8});
         n.output(n.conv(n.node("Concat", {x, z}, {{"axis", 1}}), {5, 13, 3, 3}));
         n.output(n.conv(z, {5, 4, 3, 3}));
       }},
      {"input_is_output", 13,
       [=](Net& n) {
         const auto x = n.input(image);
         n.output(n.node("Identity", {x}));
         n.output(n.conv(x, {5, 9, 3, 3}));
       }},
      {"softmax_in_the_middle", 13,
       [=](Net& n) {
         const auto s = n.node("Softmax", {n.conv(n.input(image), {8, 9, 3, 3})}, {{"axis", 1}});
         n.output(n.conv(s, {4, 8, 1, 1}));
       }},
      {"lrn_in_the_middle", 13,
       [=](Net& n) {
         const auto s = n.node("LRN", {n.conv(n.input(image), {8, 9, 3, 3})}, {{"size", 5}, {"bias", 1.5F}});
         n.output(n.conv(s, {4, 8, 1, 1}));
       }},
      {"concatenation_of_branches", 13,
       [=](Net& n) {
         const auto x = n.input(image);
         const auto both = n.node("Concat", {n.conv(x, {5, 9, 1, 1}), n.conv(x, {3, 9, 1, 1}), x}, {{"axis", 1}});
         n.output(n.conv(both, {4, 17, 3, 3}));
       }},
      {"weights_of_zeros", 13,
       [=](Net& n) {
         const auto zero = n.node("Conv", {n.input(image), n.weights({5, 9, 1, 1}, 0), n.weights({5}, 0)});
         n.output(n.conv(n.relu(zero), {4, 5, 3, 3}));
       }},
      {"constant_output", 13,
       [=](Net& n) {
         n.output(n.relu(n.weights({3, 4})));
         n.output(n.conv(n.input(image), {4, 9, 3, 3}));
       }},
      {"dropout", 7,
       [=](Net& n) {
         const auto d = n.node("Dropout", {n.conv(n.input(image), {5, 9, 1, 1})}, {{"ratio", 0.3F}});
         n.output(n.conv(d, {4, 5, 3, 3}));
       }},
      {"clip_on_both_sides", 7,
       [=](Net& n) {
         n.output(n.node("Clip", {n.conv(n.input(image), {5, 9, 1, 1})}, {{"min", -1.0F}, {"max", 1.0F}}));
       }},
      {"very_deep", 13,
       [=](Net& n) {
         auto x = n.input({1, 8, 4, 4});
         for (int i = 0; i < 100; ++i) x = n.add(x, n.relu(n.node("Conv", {x, n.weights({8, 8, 1, 1}, 0.02)})));
         n.output(x);
       }},
      {"four_branches_from_one", 13,
       [=](Net& n) {
         const auto x = n.conv(n.input({1, 16, 8, 8}), {16, 16, 1, 1});
         auto sum = n.conv(x, {16, 16, 1, 1});
         for (int i = 0; i < 3; ++i) sum = n.add(sum, n.conv(x, {16, 16, 1, 1}));
         n.output(sum);
       }},
      {"dense_chain", 13,
       [=](Net& n) {
         const auto flat = n.node("Flatten", {n.conv(n.input({2, 3, 6, 6}), {17, 3, 3, 3})});
         const auto hidden = n.relu(n.node("Gemm", {flat, n.weights({272, 19}), n.weights({19})}));
         n.output(n.node("MatMul", {hidden, n.weights({19, 5})}));
         n.output(n.relu(flat));
       }},
      {"reshape_to_dense", 13,
       [=](Net& n) {
         n.model.initializer(integer_tensor("shape", {0, -1}));
         const auto flat = n.node("Reshape", {n.conv(n.input({1, 3, 4, 5}), {4, 3, 3, 3}), "shape"});
         n.output(n.node("Gemm", {flat, n.weights({24, 5})}));
       }},
      {"nothing_for_the_accelerator", 13,
       [=](Net& n) {
         n.output(n.node("Softmax", {n.input({2, 3, 6})}));
       }},
  };
}

std::vector<OddNetwork> odd_networks() {
  std::vector<OddNetwork> all = convolutions();
  for (const auto& more : {poolings(), graphs()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<HardwareConfig> chips() {
  HardwareConfig batched;
  batched.variant = IsaVariant::kVtaPlus;
  batched.log2_batch = 1;
  batched.log2_block_out = 5;
  HardwareConfig tiny;
  tiny.variant = IsaVariant::kVtaPlus;
  tiny.log2_uop_buffer = 6;
  tiny.log2_inp_buffer = 9;
  tiny.log2_wgt_buffer = 10;
  tiny.log2_acc_buffer = 9;
  return {HardwareConfig{}, batched, tiny};
}

class OddNetworks : public testing::TestWithParam<OddNetwork> {};

TEST_P(OddNetworks, AreExactOnEveryChipAndCloseToTheirFloats) {
  Net net(GetParam().opset);
  GetParam().build(net);
  Graph simplified = net.model.import();
  const Graph imported = simplified;
  PassOptions passes;
  passes.verify = verify_by_reference();
  simplify(simplified, passes);
  const CalibrationData data = noise_calibration(imported, 8, 1);
  const std::vector<Array>& inputs = data.sets[0];
  const Graph quantized = quantize(simplified, calibrate(simplified, data));
  const std::vector<Array> expected = run_reference(imported, inputs);
  for (const HardwareConfig& hardware : chips()) {
    SCOPED_TRACE(hardware.to_string());
    const Executable executable = compile(quantized, hardware);
    for (const CompiledStep& step : executable.steps) {
      const auto* layer = std::get_if<CompiledLayer>(&step);
      if (layer == nullptr) continue;
      for (const Violation& v : check_program(layer->program, 3)) {
        ADD_FAILURE() << layer->layer.name << ": " << v.rule << " at " << v.instruction << ": " << v.detail;
      }
    }
    RunOptions options;
    options.verify = true;
    const RunResult result = run(executable, inputs, options);
    ASSERT_TRUE(result.mismatches.empty()) << result.mismatches[0].to_string();
    ASSERT_EQ(result.outputs.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(result.outputs[i].shape(), expected[i].shape());
      EXPECT_GT(signal_to_noise_db(expected[i].data<float>(), result.outputs[i].data<float>()), 18) << "output " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, OddNetworks, testing::ValuesIn(odd_networks()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace arco
