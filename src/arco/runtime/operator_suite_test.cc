// One suite for all executors: every operator in every variant of hardware and schedule runs through compiler and
// functional simulator and must equal the reference interpreter to the bit; the checker must find nothing. A new
// operator is a row in `layers()`.
#include <gtest/gtest.h>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/isa/checker.h"
#include "arco/runtime/run.h"
#include "arco/schedule/candidates.h"

namespace arco {
namespace {

Array random_int8(const Shape& shape, Random& random, int64_t low = -127) {
  Array array(DataType::kInt8, shape);
  for (int8_t& value : array.mutable_data<int8_t>()) value = static_cast<int8_t>(random.between(low, 127));
  return array;
}

Array random_bias(int64_t channels, Random& random) {
  Array array(DataType::kInt32, {channels});
  for (int32_t& value : array.mutable_data<int32_t>()) value = static_cast<int32_t>(random.between(-20000, 20000));
  return array;
}

struct Layer {
  std::string name;
  Op op;
  Shape input;
  Shape weight;  // Conv, Dense
  bool bias = false;
  bool residual = false;  // Conv: a second input of the output's shape; Add: the second operand
  Requantize numbers;
  std::optional<Op> stage{};  // Conv, Dense: pooled or added to an input in the accumulators
  Requantize stage_numbers{};
  bool is_second_operand = false;  // of the addition
};

TensorId add_input(Graph& graph, const std::string& name, const Shape& shape) {
  Tensor tensor;
  tensor.name = name;
  tensor.type = DataType::kInt8;
  tensor.shape = shape;
  graph.inputs.push_back(graph.add_tensor(tensor));
  return graph.inputs.back();
}

// A graph of one node, or of a convolution and its stage. Its inputs are int8 already.
Graph one_layer(const Layer& layer, Random& random) {
  Graph graph;
  Node node{layer.name, layer.op, {add_input(graph, "x", layer.input)}, {}, layer.numbers};
  if (!layer.weight.empty()) {
    node.inputs.push_back(graph.add_constant("w", random_int8(layer.weight, random)));
    node.inputs.push_back(layer.bias ? graph.add_constant("b", random_bias(layer.weight[0], random)) : kNoTensor);
  }
  Tensor output;
  output.name = "y";
  output.type = DataType::kInt8;
  node.outputs = {graph.add_tensor(output)};
  graph.outputs = node.outputs;
  graph.nodes = {node};
  if (layer.residual && std::holds_alternative<Add>(layer.op)) {
    graph.nodes[0].inputs.push_back(add_input(graph, "r", layer.input));
  } else if (layer.residual) {
    infer_shapes(graph);
    graph.nodes[0].inputs.push_back(add_input(graph, "r", graph.tensor(graph.outputs[0]).shape));
  }
  if (layer.stage) {
    infer_shapes(graph);
    std::vector<TensorId> inputs = graph.outputs;
    if (std::holds_alternative<Add>(*layer.stage)) {
      inputs.push_back(add_input(graph, "a", graph.tensor(inputs[0]).shape));
      if (layer.is_second_operand) std::swap(inputs[0], inputs[1]);
    }
    Tensor result;
    result.name = "z";
    result.type = DataType::kInt8;
    graph.nodes.push_back(
        {layer.name + ".stage", *layer.stage, inputs, {graph.add_tensor(result)}, layer.stage_numbers});
    graph.outputs = graph.nodes.back().outputs;
  }
  infer_shapes(graph);
  return graph;
}

Requantize numbers(int shift, int low = -127, int residual_shift = 0) {
  Requantize r;
  r.shift = shift;
  r.low = low;
  r.residual_shift = residual_shift;
  return r;
}

Conv conv(int64_t stride, std::array<int64_t, 4> pads, int64_t dilation = 1) {
  Conv c;
  c.strides = {stride, stride};
  c.pads = pads;
  c.dilations = {dilation, dilation};
  return c;
}

Conv grouped(int64_t groups, int64_t stride, std::array<int64_t, 4> pads) {
  Conv c = conv(stride, pads);
  c.groups = groups;
  return c;
}

Pool pool(Pool::Kind kind, int64_t kernel, int64_t stride, std::array<int64_t, 4> pads, bool ceil_mode = false) {
  Pool p;
  p.kind = kind;
  p.kernel = {kernel, kernel};
  p.strides = {stride, stride};
  p.pads = pads;
  p.ceil_mode = ceil_mode;
  return p;
}

// A scale for each output channel: random multipliers, and with a residual random ones for it too.
Requantize channels(int64_t count, int shift, int product_shift, int low = -127, int residual_shift = -1) {
  Requantize r = numbers(shift, low, std::max(0, residual_shift));
  Random random(static_cast<uint64_t>(count));
  r.channels.emplace().shift = product_shift;
  for (int64_t c = 0; c < count; ++c) {
    r.channels->multipliers.push_back(static_cast<int32_t>(random.between(1, 1 << random.between(1, 15)) - 1) | 1);
    if (residual_shift >= 0) {
      r.channels->residual_multipliers.push_back(static_cast<int32_t>(random.between(1, 32767)));
    }
  }
  return r;
}

// With multipliers so small that no product wraps.
Requantize few_bits(Requantize r) {
  for (int32_t& m : r.channels->multipliers) m = (m % 64) | 1;
  for (int32_t& m : r.channels->residual_multipliers) m = (m % 64) | 1;
  return r;
}

Requantize average(int32_t multiplier, int shift) {
  Requantize r = numbers(shift);
  r.multiplier = multiplier;
  return r;
}

Requantize sum(int shift_a, int shift_b, int shift) {
  Requantize r = numbers(shift);
  r.add_shifts = {shift_a, shift_b};
  return r;
}

// Between tensors with zero points. `pad`: the integer of a real 0 around the input.
Requantize zeros(Requantize r, const ZeroPoints& zero_points) {
  r.zeros = zero_points;
  r.low = -128;
  return r;
}

Requantize products(int32_t a, int32_t b, int first_shift, int shift) {
  Requantize r = numbers(shift);
  r.add_scales = AddScales{{a, b}, first_shift};
  return r;
}

std::vector<Layer> layers() {
  using Kind = Pool::Kind;
  const std::array<int64_t, 4> none{0, 0, 0, 0};
  const std::array<int64_t, 4> same{1, 1, 1, 1};
  return {
      {"conv3x3", conv(1, same), {1, 32, 8, 8}, {32, 32, 3, 3}, true, false, numbers(9)},
      {"conv3x3_relu_stride2", conv(2, same), {1, 16, 9, 9}, {24, 16, 3, 3}, true, false, numbers(8, 0)},
      {"conv3x3_residual", conv(1, same), {1, 20, 6, 6}, {20, 20, 3, 3}, true, true, numbers(8, 0, 5)},
      {"conv1x1_no_bias", conv(1, none), {2, 48, 5, 5}, {16, 48, 1, 1}, false, false, numbers(7)},
      {"conv1x1_stride2_residual_no_shift", conv(2, none), {1, 16, 6, 6}, {64, 16, 1, 1}, false, true, numbers(8)},
      {"conv7x7_stem", conv(2, {3, 3, 3, 3}), {1, 3, 16, 16}, {16, 3, 7, 7}, true, false, numbers(10, 0)},
      {"conv5x5_asymmetric", conv(1, {2, 1, 0, 2}), {3, 10, 7, 6}, {12, 10, 5, 5}, true, false, numbers(9)},
      {"conv3x3_dilated", conv(1, {2, 2, 2, 2}, 2), {1, 16, 9, 9}, {16, 16, 3, 3}, true, false, numbers(9)},
      {"conv_large_shift", conv(1, none), {1, 16, 4, 4}, {16, 16, 1, 1}, false, false, numbers(17)},
      {"conv_left_shift", conv(1, none), {1, 16, 4, 4}, {16, 16, 1, 1}, true, false, numbers(-2)},
      {"conv_no_shift", conv(1, none), {1, 16, 4, 4}, {16, 16, 1, 1}, true, false, numbers(0)},
      {"channels_conv3x3", conv(1, same), {1, 32, 8, 8}, {40, 32, 3, 3}, true, false, channels(40, 3, 16)},
      {"channels_conv1x1_no_bias", conv(1, none), {2, 48, 5, 5}, {16, 48, 1, 1}, false, false, channels(16, 0, 19, 0)},
      {"channels_conv3x3_residual",
       conv(1, same),
       {1, 20, 6, 6},
       {20, 20, 3, 3},
       true,
       true,
       channels(20, 2, 14, -127, 3)},
      {"channels_conv1x1_residual_no_shift",
       conv(1, none),
       {1, 16, 4, 4},
       {72, 16, 1, 1},
       false,
       true,
       channels(72, 4, 12, 0, 0)},
      {"channels_depthwise3x3", grouped(24, 2, same), {1, 24, 9, 8}, {24, 1, 3, 3}, true, false, channels(24, 1, 15)},
      {"channels_conv3x3_least_pad",
       conv(2, same),
       {1, 20, 9, 9},
       {40, 20, 3, 3},
       true,
       false,
       zeros(channels(40, 3, 16), {.output = -128, .pad = -128})},
      {"channels_conv5x5_least_pad_residual",
       conv(1, {2, 1, 0, 2}),
       {1, 10, 7, 6},
       {12, 10, 5, 5},
       true,
       true,
       zeros(channels(12, 2, 14, -127, 3), {.output = 17, .pad = -128})},
      {"channels_dense", Dense{}, {2, 100}, {10, 100}, true, false, channels(10, 5, 31)},
      {"depthwise3x3", grouped(24, 1, same), {1, 24, 9, 8}, {24, 1, 3, 3}, true, false, numbers(7, 0)},
      {"depthwise3x3_stride2_residual",
       grouped(64, 2, same),
       {2, 64, 8, 8},
       {64, 1, 3, 3},
       true,
       true,
       numbers(6, 0, 3)},
      {"depthwise1x1_no_bias", grouped(40, 1, none), {1, 40, 4, 4}, {40, 1, 1, 1}, false, false, numbers(5)},
      {"depthwise5x5_wide", grouped(128, 1, {2, 2, 2, 2}), {1, 128, 5, 5}, {128, 1, 5, 5}, true, false, numbers(8)},
      {"grouped_of_8", grouped(8, 1, same), {1, 64, 6, 6}, {64, 8, 3, 3}, true, false, numbers(8, 0)},
      {"grouped_of_24", grouped(10, 1, none), {1, 240, 4, 4}, {240, 24, 1, 1}, true, false, numbers(8)},
      {"grouped_of_64", grouped(2, 1, same), {1, 128, 5, 5}, {128, 64, 3, 3}, false, false, numbers(9)},
      {"grouped_unaligned", grouped(3, 1, same), {1, 30, 6, 6}, {12, 10, 3, 3}, true, false, numbers(8)},
      {"grouped_multiplier", grouped(32, 2, same), {1, 32, 6, 6}, {64, 1, 3, 3}, true, false, numbers(7)},
      {"conv3x3_then_maxpool2x2",
       conv(1, same),
       {1, 24, 8, 12},
       {40, 24, 3, 3},
       true,
       false,
       numbers(9),
       pool(Kind::kMax, 2, 2, none),
       numbers(0)},
      {"conv7x7_then_maxpool3x3_padded",
       conv(2, {3, 3, 3, 3}),
       {1, 3, 32, 24},
       {24, 3, 7, 7},
       true,
       false,
       numbers(10, 0),
       pool(Kind::kMax, 3, 2, same),
       numbers(0)},
      {"conv3x3_residual_then_maxpool3x3_stride1",
       conv(1, same),
       {2, 20, 6, 7},
       {20, 20, 3, 3},
       true,
       true,
       numbers(8, -127, 5),
       pool(Kind::kMax, 3, 1, same),
       numbers(0, -20)},
      {"conv1x1_no_bias_then_maxpool_ceil",
       conv(1, none),
       {1, 32, 8, 8},
       {16, 32, 1, 1},
       false,
       false,
       numbers(7),
       pool(Kind::kMax, 3, 2, none, true),
       numbers(0)},
      {"depthwise3x3_then_maxpool2x2",
       grouped(48, 1, same),
       {1, 48, 8, 8},
       {48, 1, 3, 3},
       true,
       false,
       numbers(7),
       pool(Kind::kMax, 2, 2, none),
       numbers(0)},
      {"conv1x1_then_avgpool2x2",
       conv(1, none),
       {1, 40, 6, 6},
       {24, 40, 1, 1},
       true,
       false,
       numbers(8, 0),
       pool(Kind::kAverage, 2, 2, none),
       average(16384, 16)},
      {"conv3x3_residual_then_avgpool_global",
       conv(1, same),
       {2, 24, 7, 7},
       {24, 24, 3, 3},
       true,
       true,
       numbers(8, 0, 3),
       pool(Kind::kAverage, 7, 1, none),
       average(21399, 20)},
      {"channels_conv3x3_then_maxpool3x3",
       conv(1, same),
       {1, 24, 8, 9},
       {40, 24, 3, 3},
       true,
       false,
       zeros(few_bits(channels(40, 4, 11)), {.output = -128, .pad = -128}),
       pool(Kind::kMax, 3, 2, same),
       zeros(numbers(0), {})},
      {"channels_conv1x1_residual_then_maxpool2x2",
       conv(1, none),
       {2, 20, 6, 6},
       {20, 20, 1, 1},
       true,
       true,
       zeros(few_bits(channels(20, 5, 10, -127, 3)), {.output = 17}),
       pool(Kind::kMax, 2, 2, none),
       zeros(numbers(0), {})},
      {"conv3x3_relu_then_add",
       conv(1, same),
       {1, 20, 6, 7},
       {24, 20, 3, 3},
       true,
       false,
       numbers(8, 0),
       Add{},
       sum(0, 3, 4)},
      {"conv1x1_no_bias_then_add_to_the_second",
       conv(2, none),
       {2, 40, 6, 6},
       {72, 40, 1, 1},
       false,
       false,
       numbers(7),
       Add{},
       sum(2, 0, 3),
       true},
      {"depthwise3x3_then_add_unshifted",
       grouped(48, 1, same),
       {1, 48, 5, 5},
       {48, 1, 3, 3},
       true,
       false,
       numbers(7),
       Add{},
       sum(0, 0, 0)},
      {"channels_conv3x3_then_add_products",
       conv(1, same),
       {1, 32, 8, 8},
       {40, 32, 3, 3},
       true,
       false,
       zeros(channels(40, 3, 16), {.output = 11, .pad = -128}),
       Add{},
       zeros(products(12345, 6789, 7, 7), {.offset = -1500})},
      {"channels_conv1x1_then_add_products_to_the_second",
       conv(1, none),
       {1, 32, 8, 8},
       {24, 32, 1, 1},
       true,
       false,
       channels(24, 2, 15),
       Add{},
       zeros(products(300, 22222, 6, 8), {.offset = 99}),
       true},
      {"dense_then_add", Dense{}, {2, 100}, {10, 100}, true, false, numbers(8), Add{}, sum(1, 0, 2)},
      {"dense", Dense{}, {2, 100}, {10, 100}, true, false, numbers(8)},
      {"dense_on_image", Dense{}, {2, 40, 3, 2}, {33, 240}, true, false, numbers(9, 0)},
      {"maxpool3x3", pool(Kind::kMax, 3, 2, same), {1, 24, 9, 9}, {}, false, false, numbers(0)},
      {"maxpool2x2", pool(Kind::kMax, 2, 2, none), {2, 40, 8, 8}, {}, false, false, numbers(0)},
      {"maxpool3x3_ceil", pool(Kind::kMax, 3, 2, none, true), {1, 16, 8, 8}, {}, false, false, numbers(0)},
      {"avgpool_global", pool(Kind::kAverage, 7, 1, none), {1, 40, 7, 7}, {}, false, false, average(21399, 20)},
      {"avgpool2x2", pool(Kind::kAverage, 2, 2, none), {2, 16, 6, 6}, {}, false, false, average(16384, 16)},
      {"clip", Clip{}, {2, 24, 5, 5}, {}, false, false, numbers(0, -20)},
      {"add", Add{}, {2, 24, 5, 5}, {}, false, true, sum(0, 3, 4)},
      {"avgpool_zeros",
       pool(Kind::kAverage, 3, 2, none),
       {2, 40, 7, 7},
       {},
       false,
       false,
       zeros(average(3277, 15), {.offset = -123456})},
      {"avgpool_zeros_least_pad",
       pool(Kind::kAverage, 3, 2, same),
       {1, 40, 8, 7},
       {},
       false,
       false,
       zeros(average(3277, 15), {.offset = 3774874, .pad = -128})},
      {"rescale",
       pool(Kind::kAverage, 1, 1, none),
       {1, 24, 5, 5},
       {},
       false,
       false,
       zeros(average(21000, 14), {.offset = 700000})},
      {"add_products", Add{}, {2, 24, 5, 5}, {}, false, true, zeros(products(12345, 6789, 7, 7), {.offset = -1500})},
      {"add_products_at_once", Add{}, {1, 16, 4, 4}, {}, false, true, products(3, 17, 0, 4)},
      {"add_unshifted", Add{}, {1, 16, 4, 4}, {}, false, true, sum(0, 0, 1)},
  };
}

HardwareConfig chip(int batch, int block_in, int block_out, IsaVariant variant = IsaVariant::kVtaPlus) {
  HardwareConfig hw;
  hw.variant = variant;
  hw.log2_batch = batch;
  hw.log2_block_in = block_in;
  hw.log2_block_out = block_out;
  return hw;
}

std::vector<HardwareConfig> chips() {
  HardwareConfig small = chip(0, 4, 4);
  small.log2_uop_buffer = 8;
  small.log2_inp_buffer = 13;
  small.log2_wgt_buffer = 15;
  small.log2_acc_buffer = 14;
  HardwareConfig wide = chip(0, 5, 5);
  wide.bus_bits = 256;
  HardwareConfig deep = chip(0, 4, 3);
  deep.log2_wgt_buffer = 16;
  deep.log2_acc_buffer = 17;
  deep.log2_inp_buffer = 14;
  return {HardwareConfig{}, chip(0, 4, 4), small,         chip(0, 4, 5), chip(0, 5, 3), deep,
          chip(0, 3, 6),    chip(1, 4, 4), chip(2, 3, 3), chip(1, 5, 4), wide,          chip(0, 5, 5, IsaVariant::kUp)};
}

void expect_exact(const Graph& graph, const HardwareConfig& hw, const ScheduleSource& source, Random& random) {
  const Executable executable =
      compile(graph, hw, source, source ? ChainRule::kWhereScheduled : ChainRule::kWhereFaster);
  std::vector<Array> inputs;
  for (const TensorId input : graph.inputs) inputs.push_back(random_int8(graph.tensor(input).shape, random, -128));
  for (const CompiledStep& step : executable.steps) {
    const auto* layer = std::get_if<CompiledLayer>(&step);
    ASSERT_NE(layer, nullptr) << std::get<HostStep>(step).reason;
    const auto violations = check_program(layer->program, 1);
    ASSERT_TRUE(violations.empty()) << violations[0].rule << " at " << violations[0].instruction << ": "
                                    << violations[0].detail << "\n"
                                    << layer->schedule.to_string();
  }
  RunOptions options;
  options.verify = true;
  const RunResult result = run(executable, inputs, options);
  ASSERT_TRUE(result.mismatches.empty()) << result.mismatches[0].to_string();
}

class OperatorSuite : public testing::TestWithParam<size_t> {};

TEST_P(OperatorSuite, EverySampledScheduleOnEveryChipGivesTheReferenceBits) {
  const Layer layer = layers()[GetParam()];
  Random random(17 + GetParam());
  for (const HardwareConfig& hw : chips()) {
    const bool needs_plus = layer.numbers.channels || layer.numbers.zeros.pad != 0;
    if (needs_plus && hw.variant == IsaVariant::kUp) continue;  // refused: tested on its own
    SCOPED_TRACE(layer.name + " on " + hw.to_string());
    ASSERT_TRUE(hw.violations().empty()) << hw.violations()[0];
    const Graph graph = one_layer(layer, random);
    const auto plan = plan_network(graph);
    ASSERT_EQ(plan.chains.size(), layer.stage ? 1U : 0U);
    const auto* accelerated = layer.stage ? &plan.chains.at(0).layer : std::get_if<AcceleratorLayer>(&plan.steps.at(0));
    ASSERT_NE(accelerated, nullptr) << std::get<HostStep>(plan.steps[0]).reason;
    std::vector<Schedule> legal;
    for_each_legal(accelerated->workload, hw, [&](const Schedule& s) { legal.push_back(s); });
    ASSERT_FALSE(legal.empty()) << why_none_legal(accelerated->workload, hw);
    expect_exact(graph, hw, {}, random);
    for (int i = 0; i < 6; ++i) {
      const Schedule schedule = legal[random.below(legal.size())];
      SCOPED_TRACE(schedule.to_string());
      expect_exact(
          graph, hw,
          [&](const Workload& workload) {
            return workload == accelerated->workload ? std::optional(schedule) : std::nullopt;
          },
          random);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(OperatorSuite, PlainVtaRefusesScalesForEachChannel) {
  Random random(1);
  const Layer layer{"c", conv(1, {0, 0, 0, 0}), {1, 16, 4, 4}, {16, 16, 1, 1}, true, false, channels(16, 2, 14)};
  const Graph graph = one_layer(layer, random);
  try {
    compile(graph, HardwareConfig{});
    FAIL() << "compiled";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("--weight-scales per-tensor"), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(All, OperatorSuite, testing::Range<size_t>(0, layers().size()),
                         [](const auto& row) { return layers()[row.param].name; });

}  // namespace
}  // namespace arco
