// Each level of --verify must fail when the step it watches is wrong, and say where.
#include "arco/cli/verification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/base/error.h"
#include "arco/onnx/test_model.h"
#include "arco/passes/pass_manager.h"
#include "arco/quant/verify_quantized.h"
#include "arco/runtime/run.h"
#include "arco/runtime/small_network.h"

namespace arco {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <typename Error, typename Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// The small network, layer by layer, with one shift of a layer's requantisation changed.
Executable with_a_wrong_shift(const std::string& layer_name) {
  Executable executable = compile(SmallNetwork::make(), HardwareConfig{}, {}, ChainRule::kNever);
  for (CompiledStep& step : executable.steps) {
    auto* layer = std::get_if<CompiledLayer>(&step);
    if (layer == nullptr || layer->layer.name != layer_name) continue;
    for (Instruction& instruction : layer->program.instructions) {
      if (instruction.opcode != Opcode::kAlu || instruction.loop.alu_op != AluOp::kShr) continue;
      ++instruction.loop.imm;
      return executable;
    }
  }
  ADD_FAILURE() << "no shift in " << layer_name;
  return executable;
}

std::string verify(const Executable& executable, const Verification& verification) {
  return message_of<RunError>([&] { verify_executable(executable, verification, 1); });
}

TEST(Verification, ASoundNetworkPasses) {
  const Executable sound = compile(SmallNetwork::make(), HardwareConfig{});
  EXPECT_EQ(verify(sound, {.passes = true, .layers = true, .final = true}), "no error");
}

TEST(Verification, LayersNamesTheLayerThatIsWrong) {
  const std::string second =
      "layer second: tensor 'second\\.y(\\.int8)?' at \\[0, [0-9]+, [0-9]+, [0-9]+\\]: "
      "expected -?[0-9]+, got -?[0-9]+ \\([0-9]+ of 1280 values differ\\)";
  EXPECT_THAT(verify(with_a_wrong_shift("second"), {.passes = false, .layers = true, .final = false}),
              ContainsRegex(second));
  EXPECT_THAT(verify(with_a_wrong_shift("scores"), {.passes = false, .layers = true, .final = false}),
              HasSubstr("layer scores: tensor 'scores.y"));
}

TEST(Verification, FinalNamesTheOutputThatIsWrong) {
  EXPECT_THAT(verify(with_a_wrong_shift("second"), {.passes = false, .layers = false, .final = true}),
              ContainsRegex("output 'softmax\\.y' at \\[0, [0-9]\\]: expected [0-9.e-]+, got [0-9.e-]+ \\("));
}

TEST(Verification, OnlyWhatIsAskedForIsChecked) {
  EXPECT_EQ(verify(with_a_wrong_shift("second"), {.passes = true, .layers = false, .final = false}), "no error");
}

// x -> relu -> + x
Graph float_network() {
  testing_support::TestModel model;
  model.input("x", {1, 4, 3, 3}).node("Relu", {"x"}, {"a"}, {}, "relu").node("Add", {"a", "x"}, {"y"}, {}, "sum");
  return model.output("y").import();
}

TEST(Verification, PassesNamesThePassAndTheFirstTensorThatIsWrong) {
  Graph graph = float_network();
  const Pass wrong{"break_relu", [](Graph& g) { std::get<Clip>(g.nodes[0].op).clamp.low = -0.5F; }};
  const Pass right{"do_nothing", [](Graph&) {}};
  const std::string text = message_of<InternalError>([&] {
    run_passes(graph, {right, wrong}, {.disabled = {}, .verify = verify_by_reference()});
  });
  EXPECT_THAT(text, ContainsRegex("^pass break_relu changes output 'y' at \\[0, [0-9], [0-9], [0-9]\\]: expected "));
  EXPECT_THAT(text, ContainsRegex("the first tensor that is wrong: tensor 'a' at \\[0, [0-9], [0-9], [0-9]\\]: "
                                  "expected 0, got -0\\.[0-9]+ \\([0-9]+ of 36 values differ\\)$"));
}

TEST(Verification, QuantisationNamesTheOutputThatLostItsSignal) {
  testing_support::TestModel model;
  model.input("x", {1, 2, 4, 4}).initializer(testing_support::float_tensor("w", {2, 2, 1, 1}, {1, -0.5F, 0.25F, 1}));
  model.node("Conv", {"x", "w"}, {"a"}, {}, "conv").node("Relu", {"a"}, {"y"}, {}, "relu");
  Graph graph = model.output("y").import();
  simplify(graph);
  const CalibrationData data = noise_calibration(graph, 3);
  const Graph quantized = quantize(graph, calibrate(graph, data));
  EXPECT_NO_THROW(verify_quantized(graph, quantized, data.sets));
  Graph wrong = quantized;
  for (Tensor& tensor : wrong.tensors) {
    if (!tensor.constant || tensor.type != DataType::kInt8) continue;
    Array negated(DataType::kInt8, tensor.shape);
    for (size_t i = 0; i < negated.bytes().size(); ++i) {
      negated.mutable_data<int8_t>()[i] = static_cast<int8_t>(-tensor.constant->data<int8_t>()[i]);
    }
    tensor.constant = negated;
  }
  const std::string text = message_of<RunError>([&] { verify_quantized(graph, wrong, data.sets); });
  EXPECT_THAT(text,
              ContainsRegex("^quantisation: output 'y' keeps -?[0-9.]+ dB of signal to noise, expected at least 3 "
                            "dB; its largest error is at \\[0, [0-9], [0-9], [0-9]\\]: [0-9.]+ in float, "));
  EXPECT_THAT(text, HasSubstr("the first tensor so low is 'y' of node 'conv'"));
}

TEST(Verification, WordsOfTheFlag) {
  EXPECT_THAT(parse_verification({}).names(), IsEmpty());
  EXPECT_THAT(parse_verification({"true"}).names(), ElementsAre("passes", "layers", "final"));
  EXPECT_THAT(parse_verification({"final,passes"}).names(), ElementsAre("passes", "final"));
  EXPECT_THAT(
      message_of<UserError>([] { parse_verification({"layer"}); }),
      HasSubstr("--verify=layer: there is no such step, did you mean layers?; give some of passes, layers, final"));
  EXPECT_THAT(message_of<UserError>([] { parse_verification({"everything"}); }),
              HasSubstr("there is no such step; give"));
}

}  // namespace
}  // namespace arco
