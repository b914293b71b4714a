// arco compile: an ONNX file becomes an .arco file.
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/cli/accuracy.h"
#include "arco/cli/commands.h"
#include "arco/cli/layer_report.h"
#include "arco/cli/model_pipeline.h"
#include "arco/cli/network_inputs.h"
#include "arco/cli/table.h"
#include "arco/cli/verification.h"

namespace arco {

namespace {

struct Options {
  ModelOptions model;
  TargetOptions target;
  AccuracyOptions accuracy;
  std::string output;
  std::vector<std::string> verify;  // words of --verify
};

void run_compile(Options options, Console& console) {
  check_keeps(options.model.model, "the model", {options.output});
  check_keeps(options.target.hardware, "the hardware file", {options.output});
  check_keeps(options.target.design, "the design", {options.output});
  for (const std::string& inputs : {options.model.calibrate, options.accuracy.inputs, options.accuracy.labels}) {
    check_keeps(inputs, "the input", {options.output});
  }
  const Verification verification = parse_verification(options.verify);
  options.model.verify_passes = verification.passes;
  options.model.keep_float_graph = !options.accuracy.inputs.empty();
  const Target target = read_target(options.target, console);
  check_model_options(options.model, target.hardware);
  QuantizedModel model = quantize_model(options.model, target.hardware.variant, console);
  std::optional<AccuracyReport> accuracy;
  if (!options.accuracy.inputs.empty()) accuracy = accuracy_of(model, options.accuracy);
  model.float_graph.reset();
  const Executable executable = compile(std::move(model.graph), target.hardware, target.schedules, target.chains);
  verify_executable(executable, verification, options.model.seed);
  save_executable(executable, options.output);
  const std::vector<LayerRun> runs = layer_cycles(executable, {}, 0);
  const auto bytes = std::filesystem::file_size(options.output);

  if (accuracy) print_accuracy(*accuracy, console);
  print_executable(executable, runs, console);
  verification.print(console);
  console.print("wrote     {} ({})\n", options.output, human_bytes(bytes));
  nlohmann::json document = executable_to_json(executable, runs);
  document["model"] = options.model.model;
  document["output"] = options.output;
  document["bytes"] = bytes;
  document["verified"] = verification.names();
  if (accuracy) document["accuracy"] = to_json(*accuracy);
  document["calibrated_on_noise"] = model.calibrated_on_noise;
  console.print_json(document);
}

}  // namespace

void add_compile_command(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("compile", "Compile an ONNX model for an accelerator");
  command->footer(
      "\nExample:\n  arco compile resnet18.onnx -o resnet18.arco --calibrate images/\n"
      "  arco compile resnet18.onnx --design design/design.json -o resnet18.arco --verify\n"
      "  arco compile digits.onnx -o digits.arco --calibrate images/ --ranges mse --accuracy held_out.npz --labels "
      "y.npy");
  command->add_option("MODEL", options->model.model, "ONNX file")->required();
  command->add_option("-o,--output", options->output, "File to write")->type_name("FILE.arco")->required();
  add_target_options(*command, options->target);
  add_model_options(*command, options->model);
  add_accuracy_options(*command, options->accuracy);
  add_verify_option(*command, options->verify);
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([options, &console] { run_compile(*options, console); });
}

}  // namespace arco
