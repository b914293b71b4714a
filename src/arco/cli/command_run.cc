// arco run: an .arco file on the simulators.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/cli/commands.h"
#include "arco/cli/layer_report.h"
#include "arco/cli/network_inputs.h"
#include "arco/cli/table.h"
#include "arco/cli/validators.h"
#include "arco/graph/npy.h"
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

constexpr size_t kShownValues = 5;

// Indices of the largest values of the first row (all but the first dimension), largest first.
std::vector<size_t> largest(const Array& output) {
  const auto values = output.data<float>();
  std::vector<size_t> order(values.size() /
                            static_cast<size_t>(std::max<int64_t>(1, output.shape().empty() ? 1 : output.shape()[0])));
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t shown = std::min(kShownValues, order.size());
  // Total order even with NaN among the values: those go last.
  const auto key = [&](size_t i) {
    return std::make_pair(values[i] == values[i], values[i] == values[i] ? values[i] : 0);
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    [&](size_t a, size_t b) { return key(a) > key(b) || (key(a) == key(b) && a < b); });
  order.resize(shown);
  return order;
}

void print_outputs(const Graph& graph, const std::vector<Array>& outputs, Console& console) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    console.print("output    {} {} {}", graph.tensor(graph.outputs[i]).name, to_string(outputs[i].type()),
                  to_string(outputs[i].shape()));
    if (outputs[i].type() == DataType::kFloat32) {
      std::string text;
      for (const size_t index : largest(outputs[i])) {
        text += fmt::format("{}[{}] {:.5g}", text.empty() ? "" : ", ", index, outputs[i].data<float>()[index]);
      }
      console.print(", largest: {}", text);
    }
    console.print("\n");
  }
}

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
  Json outputs = Json::array();
  for (size_t i = 0; i < result.outputs.size(); ++i) {
    Json entry{{"name", executable.graph.tensor(executable.graph.outputs[i]).name},
               {"shape", result.outputs[i].shape()}};
    if (result.outputs[i].type() == DataType::kFloat32) entry["largest"] = largest(result.outputs[i]);
    outputs.push_back(entry);
  }
  return {{"file", options.file}, {"layers", layers},         {"total_cycles", result.total_cycles()},
          {"rung", "cycle"},      {"verify", options.verify}, {"mismatches", mismatches},
          {"outputs", outputs}};
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
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].empty()) continue;
    write_npy(files[i], result.outputs[i]);
    console.print("wrote     {}\n", files[i]);
  }
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
  command
      ->add_option("--input", options->inputs,
                   "Array for an input: in order, or NAME=X.npy (repeat for several; none: noise)")
      ->type_name("[NAME=]X.npy")
      ->expected(1)
      ->take_all();
  command->add_option("--output", options->outputs, "Where to write an output: in order, or NAME=Y.npy")
      ->type_name("[NAME=]Y.npy")
      ->expected(1)
      ->take_all();
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
