// arco compile: an ONNX file becomes an .arco file.
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/cli/accuracy.h"
#include "arco/cli/commands.h"
#include "arco/cli/layer_report.h"
#include "arco/cli/model_pipeline.h"
#include "arco/cli/table.h"
#include "arco/quant/calibrate.h"

namespace arco {

namespace {

struct Options {
  ModelOptions model;
  TargetOptions target;
  AccuracyOptions accuracy;
  std::string output;
  bool verify = false;
};

// Runs the executable on noise; throws RunError at the first wrong bit.
void verify_executable(const Executable& executable, uint64_t seed) {
  RunOptions options;
  options.verify = true;
  options.cycles = false;
  const RunResult result = run(executable, noise_calibration(executable.graph, seed, 1).sets.at(0), options);
  if (!result.mismatches.empty()) throw RunError(result.mismatches.front().to_string());
}

void run_compile(const Options& options, Console& console) {
  std::error_code ignored;
  if (std::filesystem::equivalent(options.model.model, options.output, ignored)) {
    fail_user("{}: is the model itself; choose another file to write", options.output);
  }
  const Target target = read_target(options.target, console);
  QuantizedModel model = quantize_model(options.model, console);
  std::optional<AccuracyReport> accuracy;
  if (!options.accuracy.inputs.empty()) accuracy = accuracy_of(model, options.accuracy);
  model.float_graph.reset();
  const Executable executable = compile(std::move(model.graph), target.hardware, target.schedules, target.chains);
  if (options.verify) verify_executable(executable, options.model.seed);
  save_executable(executable, options.output);
  const std::vector<LayerRun> runs = layer_cycles(executable, {}, 0);
  const auto bytes = std::filesystem::file_size(options.output);

  if (accuracy) print_accuracy(*accuracy, console);
  print_executable(executable, runs, console);
  if (options.verify) console.print("verified  every pass and every accelerator layer equals the reference\n");
  console.print("wrote     {} ({})\n", options.output, human_bytes(bytes));
  nlohmann::json document = executable_to_json(executable, runs);
  document["model"] = options.model.model;
  document["output"] = options.output;
  document["bytes"] = bytes;
  document["verified"] = options.verify;
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
  command->add_flag("--verify", options->verify,
                    "Check every graph pass, and every accelerator layer on noise, against the reference");
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([options, &console] {
    options->model.verify_passes = options->verify;
    options->model.keep_float_graph = !options->accuracy.inputs.empty();
    run_compile(*options, console);
  });
}

}  // namespace arco
