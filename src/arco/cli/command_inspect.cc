// arco inspect: what is in an .arco file, or what would become of the nodes of an ONNX file.
#include <array>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/cli/commands.h"
#include "arco/cli/layer_report.h"
#include "arco/cli/model_pipeline.h"
#include "arco/cli/network_inputs.h"
#include "arco/cli/table.h"
#include "arco/isa/assembler.h"
#include "arco/runtime/raw_dump.h"

namespace arco {

using Json = nlohmann::json;
using enum TextTable::Align;

namespace {

struct Options {
  ModelOptions model;
  TargetOptions target;
  std::string raw;
  std::vector<std::string> inputs;
  bool disassemble = false;
};

bool is_executable_file(const std::string& path) {
  constexpr std::string_view kMagic = "ARCO";
  std::array<char, kMagic.size()> start{};
  std::ifstream in(path, std::ios::binary);
  in.read(start.data(), start.size());
  return in && std::string_view(start.data(), start.size()) == kMagic;
}

Json disassembly(const Executable& executable, Console& console) {
  Json programs = Json::object();
  for (const CompiledStep& step : executable.steps) {
    const auto* compiled = std::get_if<CompiledLayer>(&step);
    if (compiled == nullptr) continue;
    const std::string text = disassemble(compiled->program);
    console.print("\n{}", text);
    if (console.json) programs[compiled->layer.name] = text;
  }
  return programs;
}

Json raw_layers(const Executable& executable, const Options& options, Console& console) {
  const std::vector<Array> inputs = network_inputs(executable.graph, options.inputs, options.model.seed, console);
  const std::vector<RawLayer> layers = write_raw_layers(executable, inputs, options.raw);
  uint64_t bytes = 0;
  Json files = Json::array();
  for (const RawLayer& layer : layers) {
    bytes += 2 * layer.bytes;
    files.push_back({{"name", layer.name}, {"before", layer.before}, {"after", layer.after}, {"bytes", layer.bytes}});
  }
  console.print("wrote     {} layers to {} ({}); layers.json says where things are\n", layers.size(), options.raw,
                human_bytes(bytes));
  return files;
}

// Flags of a model, and of the chip to compile it for, say nothing of what is compiled.
void check_no_model_options(const CLI::App& command, const std::string& file) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    const bool fits = name == "FILE" || name == "--raw" || name == "--input" || name == "--disassemble" ||
                      name == "--json" || name == "--seed";
    if (option->count() > 0 && !fits) {
      fail_user("{}: is a compiled network, {} says nothing of it; give the ONNX model instead", file, name);
    }
  }
}

void inspect_executable(const Options& options, Console& console) {
  const Executable executable = load_executable(options.model.model);
  const std::vector<LayerRun> runs = layer_cycles(executable, {}, 0);
  Json document = executable_to_json(executable, runs);
  print_executable(executable, runs, console);
  console.print("\n{}", dram_map(executable));
  if (options.disassemble) document["disassembly"] = disassembly(executable, console);
  if (!options.raw.empty()) document["raw"] = raw_layers(executable, options, console);
  console.print_json(document);
}

void inspect_model(const Options& options, Console& console) {
  if (!options.raw.empty() || options.disassemble || !options.inputs.empty()) {
    fail_user("{}: is no .arco file; --raw, --input and --disassemble need one (`arco compile` makes it)",
              options.model.model);
  }
  const Target target = read_target(options.target, console);
  check_model_options(options.model, target.hardware);
  QuantizedModel model = quantize_model(options.model, target.hardware.variant, console);
  const Executable executable = compile(std::move(model.graph), target.hardware, target.schedules, target.chains);
  const std::vector<LayerRun> runs = layer_cycles(executable, {}, 0);
  TextTable table({{"node", kLeft}, {"operator", kLeft}, {"runs on", kLeft}, {"workload, or why", kLeft}});
  Json nodes = Json::array();
  const std::vector<Place> places = places_of(model.nodes, executable);
  for (size_t i = 0; i < places.size(); ++i) {
    const NodeFate& fate = model.nodes[i];
    const Place& place = places[i];
    table.add({fate.name, fate.op, place.runs_on, place.detail});
    nodes.push_back({{"name", fate.name}, {"operator", fate.op}, {"runs_on", place.runs_on}, {"detail", place.detail}});
  }
  console.print("{}: {} node{}\n\n{}\n", options.model.model, places.size(), places.size() == 1 ? "" : "s",
                table.to_string());
  print_executable(executable, runs, console);
  Json document = executable_to_json(executable, runs);
  document["model"] = options.model.model;
  document["nodes"] = nodes;
  console.print_json(document);
}

}  // namespace

void add_inspect_command(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "inspect", "Show what is in a compiled network, or where the nodes of an ONNX model would run");
  command->footer(
      "\nExample:\n  arco inspect resnet18.arco\n  arco inspect resnet18.arco --raw layers/ --input cat.npy\n"
      "  arco inspect resnet18.onnx --hardware vta_config.json");
  command->add_option("FILE", options->model.model, "A compiled network (.arco) or an ONNX model")->required();
  command
      ->add_option("--raw", options->raw, "Write for each accelerator layer its DRAM before and after, and layers.json")
      ->type_name("DIR");
  command->add_option("--input", options->inputs, "Array for an input, as for `arco run` (with --raw; none: noise)")
      ->type_name("[NAME=]X.npy")
      ->expected(1)
      ->take_all();
  command->add_flag("--disassemble", options->disassemble, "Print the programs as assembler text");
  add_target_options(*command, options->target);
  add_model_options(*command, options->model);
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([options, command, &console] {
    if (is_executable_file(options->model.model)) {
      check_no_model_options(*command, options->model.model);
      inspect_executable(*options, console);
    } else {
      inspect_model(*options, console);
    }
  });
}

}  // namespace arco
