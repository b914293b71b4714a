// arco tune: the chip and the schedules for one network or several.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/cli/commands.h"
#include "arco/cli/layer_report.h"
#include "arco/cli/model_pipeline.h"
#include "arco/cli/table.h"
#include "arco/cli/tune_progress.h"
#include "arco/plan/network_plan.h"
#include "arco/search/co_optimiser.h"

namespace arco {

namespace {

struct Options {
  std::vector<std::string> models;
  std::vector<double> weights;
  ModelOptions model;
  std::string output;
  std::string hardware;
  std::string space = "full";
  double area_mm2 = 0;       // 0: the default VTA's
  int64_t buffer_bytes = 0;  // 0: unlimited
  int bus_bits = 64;
  bool resume = false;
  bool no_reference = false;
  std::vector<std::string> tuner;
  CoOptimiserOptions search;
};

// Equal workloads of all models become one task.
std::vector<WeightedTask> gather_tasks(const Options& options, Console& console) {
  std::vector<WeightedTask> tasks;
  for (size_t i = 0; i < options.models.size(); ++i) {
    ModelOptions model = options.model;
    model.model = options.models[i];
    const double weight = options.weights.empty() ? 1 : options.weights[i];
    const QuantizedModel quantized = quantize_model(model, console);
    for (const Task& task : tasks_of(plan_network(quantized.graph))) {
      auto found =
          std::find_if(tasks.begin(), tasks.end(), [&](const WeightedTask& t) { return t.workload == task.workload; });
      if (found == tasks.end()) found = tasks.insert(tasks.end(), WeightedTask{task.workload, 0});
      found->weight += weight * task.count;
    }
  }
  return tasks;
}

SpaceOptions space_options(const Options& options) {
  SpaceOptions space;
  if (!options.hardware.empty()) {
    space.kind = SpaceKind::kSoftware;
    space.hardware = read_hardware(options.hardware);
    return space;
  }
  space.kind = options.space == "paper" ? SpaceKind::kPaper : SpaceKind::kFull;
  space.hardware.variant = IsaVariant::kVtaPlus;
  space.hardware.bus_bits = options.bus_bits;
  space.budget = default_budget();
  space.budget.bus_bits = options.bus_bits;
  if (options.area_mm2 > 0) space.budget.area_mm2 = options.area_mm2;
  if (options.buffer_bytes > 0) space.budget.buffer_bytes = options.buffer_bytes;
  return space;
}

// "name=value" pairs as JSON; numbers and booleans keep their type.
nlohmann::json tuner_options(const std::vector<std::string>& pairs) {
  if (pairs.empty()) return nullptr;
  nlohmann::json options = nlohmann::json::object();
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) fail_user("--option {}: expected NAME=VALUE, for instance episodes=128", pair);
    const nlohmann::json value = nlohmann::json::parse(pair.substr(equals + 1), nullptr, false);
    options[pair.substr(0, equals)] = value.is_discarded() ? nlohmann::json(pair.substr(equals + 1)) : value;
  }
  return options;
}

void check_options(const Options& options) {
  ErrorList errors("arco tune");
  if (!options.weights.empty() && options.weights.size() != options.models.size()) {
    errors.add("--weights: {} given for {} models; give one for each", options.weights.size(), options.models.size());
  }
  if (options.output.empty()) errors.add("--output: the name of a folder is needed, got an empty one");
  if (!std::isfinite(options.area_mm2)) errors.add("--area: {} is not a number of mm^2", options.area_mm2);
  for (const double weight : options.weights) {
    if (!(weight > 0) || weight > 1e9) errors.add("--weights: {} is not a positive number", weight);
  }
  if (!options.hardware.empty() && (options.area_mm2 > 0 || options.buffer_bytes > 0)) {
    errors.add("--hardware fixes the chip, so --area and --buffers have nothing to limit; leave them out");
  }
  const std::filesystem::path records = std::filesystem::path(options.output) / "records.db";
  if (!options.output.empty() && !options.resume && std::filesystem::exists(records)) {
    errors.add("{} exists: give --resume to continue that search, or another folder", records.string());
  }
  errors.throw_if_any();
}

void print_design(const Design& design, Console& console) {
  print_hardware(design.hardware, console);
  TextTable table({{"workload"},
                   {"layers", TextTable::Align::kRight},
                   {"schedule"},
                   {"cycles", TextTable::Align::kRight},
                   {"bound", TextTable::Align::kRight},
                   {"gap", TextTable::Align::kRight}});
  for (const DesignTask& task : design.tasks) {
    table.add({task.workload, fmt::format("{:g}", task.weight), task.schedule.to_string(),
               grouped(static_cast<uint64_t>(task.cycles)), grouped(static_cast<uint64_t>(task.bound)),
               task.bound > 0 ? fmt::format("{:.1f} %", 100 * (task.cycles / task.bound - 1)) : "?"});
  }
  console.print("{}\n", table.to_string());
  console.print("network   {} cycles (rung: cycle)\n", grouped(static_cast<uint64_t>(design.cycles)));
  if (design.network_bound > 0) {
    console.print("optimum   at least {} cycles (rung: bound) on any chip of the space: the gap is at most {:.1f} %\n",
                  grouped(static_cast<uint64_t>(design.network_bound)),
                  100 * (design.cycles / design.network_bound - 1));
  }
  if (design.reference) {
    const Reference& r = *design.reference;
    console.print(
        "default   {} cycles on {} with {} schedules per layer: this design is {:.2f}x as fast on {:.2f}x the area\n",
        grouped(static_cast<uint64_t>(r.cycles)), r.hardware.to_string(), r.proved ? "the optimal" : "the best found",
        r.cycles / design.cycles, design.area_mm2 / r.area_mm2);
  }
}

// The folder of the results. Wrong input that shows only while searching leaves nothing in it, so that the same command
// works once it is right.
class OutputFolder {
 public:
  explicit OutputFolder(const std::filesystem::path& folder) : folder_(folder) {
    std::error_code code;
    made_folder_ = std::filesystem::create_directories(folder, code);
    if (code) throw RunError(fmt::format("{}: cannot be made: {}", folder.string(), code.message()));
    made_records_ = !std::filesystem::exists(folder / "records.db");
  }
  void remove_what_is_new() const {
    std::error_code code;
    if (made_records_) std::filesystem::remove(folder_ / "records.db", code);
    if (made_folder_) std::filesystem::remove(folder_, code);
  }

 private:
  std::filesystem::path folder_;
  bool made_folder_ = false;
  bool made_records_ = false;
};

Design search(const std::vector<WeightedTask>& tasks, const Options& options, Console& console) {
  const OutputFolder folder(options.output);
  try {
    RecordStore records(std::filesystem::path(options.output) / "records.db");
    ProgressLine line(console);
    return co_optimise(tasks, options.search, records, [&](const TuneProgress& p) { line.show(p); });
  } catch (const UserError&) {
    folder.remove_what_is_new();
    throw;
  }
}

void run_tune(Options& options, Console& console) {
  check_options(options);
  options.search.space = space_options(options);
  options.search.seed = options.model.seed;
  options.search.tuner.options = tuner_options(options.tuner);
  options.search.reference = !options.no_reference;
  options.search.command = fmt::format("arco tune {}", fmt::join(options.models, " "));
  const std::vector<WeightedTask> tasks = gather_tasks(options, console);
  catch_interrupts();
  const Design design = search(tasks, options, console);
  const std::filesystem::path folder = options.output;
  write_design(design, folder / "design.json");
  print_design(design, console);
  const std::string path = (folder / "design.json").string();
  if (!design.complete) console.warn("interrupted: {} holds the best so far; go on with --resume", path);
  console.print("wrote     {}\n", path);
  nlohmann::json document = to_json(design);
  document["output"] = path;
  console.print_json(document);
}

void add_budget_options(CLI::App& command, Options& o) {
  command.add_option("--hardware", o.hardware, "Fixed accelerator (vta_config.json): search schedules only");
  command.add_option("--space", o.space, "full: core shape, buffers, all tiles; paper: the paper's seven knobs")
      ->check(CLI::IsMember({"full", "paper"}))
      ->capture_default_str();
  command.add_option("--area", o.area_mm2, "Budget in mm^2 at 45 nm (default: the default VTA's area)")
      ->check(CLI::PositiveNumber);
  command.add_option("--buffers", o.buffer_bytes, "Budget of all scratchpads in bytes (default: unlimited)")
      ->check(CLI::PositiveNumber);
  command.add_option("--bus", o.bus_bits, "Memory interface in bits")
      ->check(CLI::IsMember({64, 128, 256, 512}))
      ->capture_default_str();
}

}  // namespace

void add_tune_command(CLI::App& app, Console& console) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tune", "Search the accelerator and the schedules for ONNX models");
  command->footer(
      "\nExample:\n  arco tune resnet18.onnx -o design\n"
      "  arco tune a.onnx b.onnx --weights 3,1 --area 3.5 -o design\n"
      "  arco tune resnet18.onnx --hardware vta_config.json -o schedules");
  command->add_option("MODEL", o->models, "ONNX files; one accelerator serves them all")->required();
  command->add_option("-o,--output", o->output, "Folder for design.json and records.db")->type_name("DIR")->required();
  command->add_option("--weights", o->weights, "How much each model counts, such as 3,1")->delimiter(',');
  add_budget_options(*command, *o);
  command->add_option("--trials", o->search.trials, "Measured pairs of chip and schedules")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--layer-trials", o->search.layer_trials, "Measured schedules of each layer on the final chip")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--jobs", o->search.jobs, "Threads (0: all cores); the result does not depend on it")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--option", o->tuner, "Hyper-parameter of the tuner as NAME=VALUE (repeat for several)");
  command->add_flag("--resume", o->resume, "Go on with the records in the folder");
  command->add_flag("--no-reference", o->no_reference, "Do not tune the default VTA for comparison");
  add_model_options(*command, o->model);
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([o, &console] { run_tune(*o, console); });
}

}  // namespace arco
