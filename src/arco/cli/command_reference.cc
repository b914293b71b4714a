// arco reference: an ONNX model in float, on the interpreter that everything else is compared with.
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/cli/commands.h"
#include "arco/cli/model_pipeline.h"
#include "arco/cli/network_inputs.h"
#include "arco/cli/validators.h"
#include "arco/reference/interpreter.h"

namespace arco {

namespace {

struct Options {
  ModelOptions model;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

void run_reference_command(const Options& options, Console& console) {
  const Graph graph = import_model(options.model).graph;
  const auto files = files_by_tensor(graph, graph.outputs, "--output", options.outputs);
  check_keeps(options.model.model, "the model", files);
  for (const std::string& file : files_by_tensor(graph, graph.inputs, "--input", options.inputs)) {
    check_keeps(file, "the input", files);
  }
  const std::vector<Array> inputs = network_inputs(graph, options.inputs, options.model.seed, console);
  const std::vector<Array> outputs = naming_file(options.model.model, [&] { return run_reference(graph, inputs); });
  warn_of_not_finite(graph, outputs, console);
  print_outputs(graph, outputs, console);
  write_outputs(files, outputs, console);
  console.print_json({{"model", options.model.model}, {"outputs", outputs_to_json(graph, outputs)}});
}

}  // namespace

void add_reference_command(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("reference", "Run an ONNX model in float, on the reference interpreter");
  command->footer(
      "\nExample:\n  arco reference resnet18.onnx --input cat.npy --output scores.npy\n\n"
      "Compare it with the int8 program: `arco compile`, then `arco run`.");
  command->add_option("MODEL", options->model.model, "ONNX file")->required();
  add_array_options(*command, options->inputs, options->outputs);
  add_shape_options(*command, options->model);
  command->add_option("--seed", options->model.seed, "Seed of the noise used without --input")
      ->check(whole_number())
      ->capture_default_str();
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([options, &console] { run_reference_command(*options, console); });
}

}  // namespace arco
