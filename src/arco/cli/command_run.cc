// arco run: an .arco file on the simulators.
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/cli/commands.h"
#include "arco/cli/layer_report.h"
#include "arco/cli/network_inputs.h"
#include "arco/cli/table.h"
#include "arco/cli/validators.h"
#include "arco/runtime/run.h"
#include "arco/sim/trace.h"

namespace arco {

using Json = nlohmann::json;
using enum TextTable::Align;

namespace {

struct Options {
  std::string file;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::string trace;
  uint64_t seed = 0;
  bool verify = false;
};

void print_runs(const RunResult& result, bool verify, Console& console) {
  TextTable table({{"layer", kLeft}, {"workload", kLeft}, {"cycles", kRight}, {verify ? "verified" : "", kLeft}});
  for (const LayerRun& layer : result.layers) {
    table.add({layer.name, layer.workload.to_string(), grouped(layer.cycles.cycles), layer.verified ? "yes" : ""});
  }
  console.print("{}\ntotal     {} cycles in {} accelerator layers (rung: cycle)\n", table.to_string(),
                grouped(result.total_cycles()), result.layers.size());
}

Json result_to_json(const Executable& executable, const RunResult& result, const Options& options) {
  Json layers = Json::array();
  for (const LayerRun& layer : result.layers) {
    Json entry{{"name", layer.name}, {"workload", layer.workload.to_string()}, {"cycles", layer.cycles.cycles}};
    if (options.verify) entry["verified"] = layer.verified;
    layers.push_back(entry);
  }
  Json mismatches = Json::array();
  for (const Mismatch& wrong : result.mismatches) {
    mismatches.push_back({{"layer", wrong.layer},
                          {"tensor", wrong.tensor},
                          {"position", wrong.difference.position},
                          {"expected", wrong.difference.expected},
                          {"actual", wrong.difference.actual},
                          {"wrong_values", wrong.difference.count}});
  }
  return {{"file", options.file},
          {"layers", layers},
          {"total_cycles", result.total_cycles()},
          {"rung", "cycle"},
          {"verify", options.verify},
          {"mismatches", mismatches},
          {"outputs", outputs_to_json(executable.graph, result.outputs)}};
}

// All layers one after the other on one time axis.
void write_trace(const Executable& executable, const std::string& path) {
  std::vector<Instruction> instructions;
  std::vector<TraceEvent> events;
  uint64_t start = 0;
  for (const CompiledStep& step : executable.steps) {
    const auto* compiled = std::get_if<CompiledLayer>(&step);
    if (compiled == nullptr) continue;
    std::vector<TraceEvent> layer;
    const auto& program = compiled->program.instructions;
    const CycleReport report = simulate_cycles(executable.hardware, program, {}, &layer);
    for (TraceEvent event : layer) {
      event.instruction += instructions.size();
      event.start += start;
      event.end += start;
      events.push_back(event);
    }
    instructions.insert(instructions.end(), program.begin(), program.end());
    start += report.cycles;
  }
  write_file(path, trace_json(instructions, events, executable.graph.name));
}

void run_run(const Options& options, Console& console) {
  const Executable executable = load_executable(options.file);
  const Graph& graph = executable.graph;
  const auto files = files_by_tensor(graph, graph.outputs, "--output", options.outputs);
  std::vector<std::string> written = files;
  written.push_back(options.trace);
  check_keeps(options.file, "the compiled network", written);
  for (const std::string& file : files_by_tensor(graph, graph.inputs, "--input", options.inputs)) {
    check_keeps(file, "the input", written);
  }
  const std::vector<Array> inputs = network_inputs(graph, options.inputs, options.seed, console);
  RunOptions run_options;
  run_options.verify = options.verify;
  const RunResult result = run(executable, inputs, run_options);
  print_hardware(executable.hardware, console);
  console.print("\n");
  print_runs(result, options.verify, console);
  console.print_json(result_to_json(executable, result, options));
  if (!result.mismatches.empty()) throw RunError(result.mismatches.front().to_string());

  if (options.verify) {
    console.print("verified  all {} accelerator layers equal the reference to the bit\n", result.layers.size());
  }
  print_outputs(graph, result.outputs, console);
  write_outputs(files, result.outputs, console);
  if (!options.trace.empty()) {
    write_trace(executable, options.trace);
    console.print("wrote     {} (open it in chrome://tracing or ui.perfetto.dev)\n", options.trace);
  }
}

}  // namespace

void add_run_command(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run a compiled network on the simulators");
  command->footer(
      "\nExample:\n  arco run resnet18.arco --input cat.npy --output scores.npy --verify\n"
      "  arco run two_inputs.arco --input left=a.npy --input right=b.npy");
  command->add_option("FILE", options->file, "File that `arco compile` wrote")->required();
  add_array_options(*command, options->inputs, options->outputs);
  command->add_flag("--verify", options->verify,
                    "Compare every accelerator layer with the reference; ends with 1 at the first wrong bit");
  command->add_option("--trace", options->trace, "Write a timeline of all instructions (Chrome trace JSON)")
      ->type_name("FILE");
  command->add_option("--seed", options->seed, "Seed of the noise used without --input")
      ->check(whole_number())
      ->capture_default_str();
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([options, &console] { run_run(*options, console); });
}

}  // namespace arco
