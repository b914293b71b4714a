// arco tune: the chip and the schedules for one network or several.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/base/interrupt.h"
#include "arco/cli/commands.h"
#include "arco/cli/tune_front.h"
#include "arco/cli/tune_options.h"
#include "arco/cli/tune_progress.h"
#include "arco/cli/tune_report.h"
#include "arco/cli/validators.h"
#include "arco/search/layer_designs.h"
#include "arco/search/schedule_tuning.h"

namespace arco {

namespace {

struct Options : TuneOptions {
  std::string output;
  bool resume = false;
  bool no_reference = false;
  bool per_layer = false;
  std::vector<std::string> holdout;
  std::vector<std::string> pareto;
  size_t points = 12;
  CoOptimiserOptions search;
};

void check_options(const Options& options) {
  ErrorList errors("arco tune");
  if (!options.weights.empty() && options.weights.size() != options.models.size()) {
    errors.add("--weights: {} given for {} models; give one for each", options.weights.size(), options.models.size());
  }
  for (const double weight : options.weights) {
    if (!(weight > 0) || weight > 1e9) errors.add("--weights: {} is not a number above 0 and up to 1e9", weight);
  }
  const char* fixing = options.hardware.empty() ? "--ablation software-only" : "--hardware";
  if (gives_hardware(options) && limits_hardware(options)) {
    errors.add(
        "{} fixes the chip, so --area, --buffers, --dsp, --bram36 and --lut have nothing to limit; leave them out",
        fixing);
  }
  if (options.per_layer && gives_hardware(options)) {
    errors.add("--per-layer searches a chip for each layer, {} fixes it; leave one out", fixing);
  }
  if (options.per_layer && options.energy_uj > 0) {
    errors.add("--energy limits a run of the whole network, --per-layer looks at layers alone; leave one out");
  }
  if (options.per_layer && !options.holdout.empty()) {
    errors.add("--holdout needs one chip, --per-layer finds one for each layer; leave one out");
  }
  if (!options.pareto.empty()) {
    const auto refuse = [&](bool given, const char* flag, const char* why) {
      if (given) errors.add("--pareto and {}: {}; leave one out", flag, why);
    };
    refuse(options.per_layer, "--per-layer", "a front has one chip a point");
    refuse(gives_hardware(options), fixing, "a front needs chips to choose from");
    refuse(!options.holdout.empty(), "--holdout", "which of the chips should it run on?");
    refuse(options.objective != "latency", "--objective", "the front has objectives of its own");
  }
  if (options.output.empty()) errors.add("--output: the name of the folder is empty");
  std::error_code code;
  if (std::filesystem::exists(options.output, code) && !std::filesystem::is_directory(options.output, code)) {
    errors.add("--output: {} is a file, expected a folder; choose another name", options.output);
  }
  const std::filesystem::path records = std::filesystem::path(options.output) / "records.db";
  if (!options.resume && std::filesystem::exists(records)) {
    errors.add("{} exists: give --resume to continue that search, or another folder", records.string());
  }
  errors.throw_if_any();
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
  void clear_unless_finished() const {
    std::error_code code;
    if (!made_records_ || std::filesystem::exists(folder_ / "design.json")) return;
    std::filesystem::remove(folder_ / "records.db", code);
    if (made_folder_) std::filesystem::remove(folder_, code);
  }

 private:
  std::filesystem::path folder_;
  bool made_folder_ = false;
  bool made_records_ = false;
};

// Another network on the finished chip: its schedules tuned, and what a chip of its own could reach at best.
nlohmann::json try_holdout(const std::string& model, const NetworkTasks& network, const Design& made,
                           const Options& options, RecordStore& records, Console& console) {
  CoOptimiserOptions search = options.search;
  search.space = schedules_on(made.hardware, options.search.space);
  search.samples = network.samples;
  search.chains = network.chains;
  const std::vector<WeightedTask>& tasks = network.tasks;
  search.learned = nullptr;
  const Design design = co_optimise(tasks, search, records, {});
  double own_bound = 0;
  if (options.search.space.kind != SpaceKind::kSoftware && !interrupted()) {
    const TaskSplit split = split_tasks(tasks, options.search.space, search.jobs);
    if (split.table && split.host.size() == design.host_tasks.size()) {
      own_bound =
          least_cost(*split.table, chip_bounds(*split.table, network.chains, options.search.space, search.jobs));
    }
  }
  warn_host_tasks(design.host_tasks, console);
  print_holdout(model, design, own_bound, console);
  nlohmann::json document = to_json(design);
  document["model"] = model;
  document["own_bound"] = own_bound;
  return document;
}

// What the agents have learned, for --agents of another run.
void write_agents(const AgentLibrary& learned, const std::filesystem::path& folder) {
  if (!learned.sets().empty()) write_file(folder / "agents.bin", learned.bytes());
}

void tune_one_chip(const std::vector<WeightedTask>& tasks, const Options& options, Console& console) {
  // Read before hours of search, so that a wrong file is found at once.
  std::vector<NetworkTasks> holdouts;
  const IsaVariant variant = options.search.space.hardware.variant;
  for (const std::string& model : options.holdout) {
    holdouts.push_back(tasks_of_model(model, options.model, variant, console));
  }
  const std::filesystem::path folder = options.output;
  RecordStore records(folder / "records.db");
  Design design;
  {
    ProgressLine line(console);
    design = co_optimise(tasks, options.search, records, [&](const TuneProgress& p) { line.show(p); });
  }
  const std::string path = (folder / "design.json").string();
  write_design(design, path);
  write_agents(*options.search.learned, folder);
  warn_host_tasks(design.host_tasks, console);
  print_design(design, console);
  nlohmann::json document = to_json(design);
  document["holdout"] = nlohmann::json::array();
  for (size_t i = 0; i < holdouts.size() && !interrupted(); ++i) {
    document["holdout"].push_back(try_holdout(options.holdout[i], holdouts[i], design, options, records, console));
  }
  if (!design.complete) console.warn("interrupted: {} holds the best so far; go on with --resume", path);
  console.print("wrote     {}\n", path);
  document["output"] = path;
  console.print_json(document);
}

void tune_layers(const std::vector<WeightedTask>& tasks, const Options& options, Console& console) {
  const std::filesystem::path folder = options.output;
  RecordStore records(folder / "records.db");
  LayerDesigns designs;
  {
    ProgressLine line(console);
    designs = optimise_layers(tasks, options.search, records, [&](const TuneProgress& p) { line.show(p); });
  }
  const std::string path = (folder / "layers.json").string();
  nlohmann::json document = to_json(designs);
  write_file(path, document.dump(2) + "\n");
  write_agents(*options.search.learned, folder);
  warn_host_tasks(designs.host_tasks, console);
  print_layer_designs(designs, console);
  if (!designs.complete) console.warn("interrupted: {} holds the best so far; go on with --resume", path);
  console.print("wrote     {}\n", path);
  document["output"] = path;
  console.print_json(document);
}

void run_tune(Options& options, Console& console) {
  check_options(options);
  options.search.tuner = tuner_choice(options);
  options.search.space = space_options(options);
  check_model_options(options.model, options.search.space.hardware);
  options.search.seed = options.model.seed;
  options.search.reference = !options.no_reference;
  options.search.command = fmt::format("arco tune {}", fmt::join(options.models, " "));
  for (const std::string& ablation : options.ablations) options.search.command += " --ablation " + ablation;
  AgentLibrary learned;
  options.search.learned = &learned;
  if (!options.pareto.empty()) parse_front_objectives(options.pareto);  // names every mistake before any work is done
  const NetworkTasks network = gather_tasks(options, options.search.space.hardware.variant, console);
  options.search.samples = network.samples;
  if (!options.per_layer) options.search.chains = network.chains;
  const OutputFolder folder(options.output);
  catch_interrupts();
  try {
    if (!options.pareto.empty()) {
      tune_front(network.tasks, parse_front_objectives(options.pareto), options.points, options.search, options.output,
                 console);
    } else if (options.per_layer) {
      tune_layers(network.tasks, options, console);
    } else {
      tune_one_chip(network.tasks, options, console);
    }
  } catch (const UserError&) {
    folder.clear_unless_finished();
    throw;
  }
}

void add_search_options(CLI::App& command, Options& o) {
  command.add_option("--trials", o.search.trials, "Measured pairs of chip and schedules")
      ->check(number_between(1, 10'000'000))
      ->capture_default_str();
  command.add_option("--layer-trials", o.search.layer_trials, "Measured schedules of each layer on the final chip")
      ->check(number_between(1, 10'000'000))
      ->capture_default_str();
  command.add_flag(
      "--per-layer", o.per_layer,
      "A chip for each layer, --trials measurements each, as single-layer tuning reports it: an upper bound");
  command.add_option("--holdout", o.holdout, "Also report this network, not tuned for, on the chip found")
      ->type_name("MODEL")
      ->expected(1)
      ->take_all();
  command
      .add_option("--pareto", o.pareto,
                  "Two or three objectives, such as latency,area: designs of which none is better in all of them")
      ->delimiter(',')
      ->type_name("NAMES");
  command.add_option("--points", o.points, "Chips of the front, at most")
      ->check(number_between(1, 1000))
      ->capture_default_str();
  command.add_option("--jobs", o.search.jobs, "Threads (0: all cores); the result does not depend on it")
      ->check(number_between(0, 1024))
      ->capture_default_str();
}

}  // namespace

void add_tune_command(CLI::App& app, Console& console) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tune", "Search the accelerator and the schedules for ONNX models");
  command->footer(
      "\nExample:\n  arco tune resnet18.onnx -o design\n"
      "  arco tune a.onnx b.onnx --weights 3,1 --area 3.5 --holdout c.onnx -o design\n"
      "  arco tune resnet18.onnx --pareto latency,area,energy -o front\n"
      "  arco tune resnet18.onnx --hardware vta_config.json --tuner autotvm -o schedules");
  command->add_option("MODEL", o->models, "ONNX files; one accelerator serves them all")->required();
  command
      ->add_option("-o,--output", o->output,
                   "Folder for records.db, agents.bin and design.json (--per-layer: layers.json; --pareto: front.json)")
      ->type_name("DIR")
      ->required();
  command->add_option("--weights", o->weights, "How much each model counts, such as 3,1")->delimiter(',');
  add_space_options(*command, *o);
  add_tuner_options(*command, *o);
  add_search_options(*command, *o);
  command->add_flag("--resume", o->resume, "Go on with the records in the folder");
  command->add_flag("--no-reference", o->no_reference, "Do not tune the default VTA for comparison");
  add_model_options(*command, o->model);
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([o, &console] { run_tune(*o, console); });
}

}  // namespace arco
