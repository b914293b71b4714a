#include "arco/cli/tune_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/plan/network_plan.h"
#include "arco/search/ablation.h"
#include "arco/search/tuners/registry.h"

namespace arco {

void add_space_options(CLI::App& command, TuneOptions& o) {
  command.add_option("--hardware", o.hardware, "Fixed accelerator (vta_config.json): search schedules only")
      ->type_name("FILE");
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

void add_tuner_options(CLI::App& command, TuneOptions& o) {
  std::string help = "Search algorithm:";
  for (const TunerInfo& info : tuner_infos()) help += fmt::format("\n  {}: {}", info.name, info.summary);
  command.add_option("--tuner", o.tuner, help)->type_name("NAME")->capture_default_str();
  command
      .add_option("--option", o.options,
                  "Hyper-parameter of the tuner as NAME=VALUE (repeat for several); a wrong name lists them")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  std::string parts = "Leave out a part of ARCO (repeat for several):";
  for (const Ablation& ablation : ablations()) parts += fmt::format("\n  {}: {}", ablation.name, ablation.summary);
  command.add_option("--ablation", o.ablations, parts)->type_name("NAME")->expected(1)->take_all();
}

namespace {

// "name=value" pairs as JSON; numbers and booleans keep their type.
nlohmann::json parse_options(const std::vector<std::string>& pairs) {
  if (pairs.empty()) return nullptr;
  nlohmann::json options = nlohmann::json::object();
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      fail_user("--option {}: expected NAME=VALUE, for instance episodes=128", pair);
    }
    const nlohmann::json value = nlohmann::json::parse(pair.substr(equals + 1), nullptr, false);
    options[pair.substr(0, equals)] = value.is_discarded() ? nlohmann::json(pair.substr(equals + 1)) : value;
  }
  return options;
}

}  // namespace

TunerChoice tuner_choice(const TuneOptions& options) {
  TunerChoice choice{options.tuner, parse_options(options.options)};
  for (const std::string& ablation : options.ablations) apply_ablation(ablation, choice);
  resolve_options(choice.name, choice.options);  // names every mistake before any work is done
  return choice;
}

SpaceOptions space_options(const TuneOptions& options) {
  SpaceOptions space;
  const auto& ablations = options.ablations;
  const bool software_only = std::ranges::find(ablations, "software-only") != ablations.end();
  if (!options.hardware.empty() || software_only) {
    space.kind = SpaceKind::kSoftware;
    if (!options.hardware.empty()) space.hardware = read_hardware(options.hardware);
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

namespace {

void add_task(std::vector<WeightedTask>& tasks, const Workload& workload, double weight) {
  auto found = std::ranges::find(tasks, workload, &WeightedTask::workload);
  if (found == tasks.end()) found = tasks.insert(tasks.end(), WeightedTask{workload, 0});
  found->weight += weight;
}

}  // namespace

std::vector<WeightedTask> tasks_of_model(const std::string& path, const ModelOptions& options, Console& console) {
  ModelOptions model = options;
  model.model = path;
  std::vector<WeightedTask> tasks;
  for (const Task& task : tasks_of(plan_network(quantize_model(model, console).graph))) {
    add_task(tasks, task.workload, task.count);
  }
  return tasks;
}

std::vector<WeightedTask> gather_tasks(const TuneOptions& options, Console& console) {
  std::vector<WeightedTask> tasks;
  for (size_t i = 0; i < options.models.size(); ++i) {
    const double weight = options.weights.empty() ? 1 : options.weights[i];
    for (const WeightedTask& task : tasks_of_model(options.models[i], options.model, console)) {
      add_task(tasks, task.workload, weight * task.weight);
    }
  }
  return tasks;
}

}  // namespace arco
