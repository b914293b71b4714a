#include "arco/cli/tune_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/cli/validators.h"
#include "arco/plan/network_plan.h"
#include "arco/search/ablation.h"
#include "arco/search/tuners/registry.h"

namespace arco {

void add_space_options(CLI::App& command, TuneOptions& o) {
  command.add_option("--hardware", o.hardware, "Fixed accelerator (vta_config.json): search schedules only")
      ->type_name("FILE");
  command.add_option("--space", o.space, "full: core shape, buffers, all tiles; paper: the paper's seven knobs")
      ->check(one_of({"full", "paper"}))
      ->capture_default_str();
  command.add_option("--objective", o.objective, "latency, throughput, energy, edp (energy * delay) or area")
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--area", o.area_mm2, "Budget in mm^2 at 45 nm (default: the default VTA's area)")
      ->check(positive_real());
  command.add_option("--buffers", o.buffer_bytes, "Budget of all scratchpads in bytes (default: unlimited)")
      ->check(positive_number());
  command.add_option("--dsp", o.dsp, "Budget of an FPGA: DSP48E2 (default: unlimited)")->check(positive_number());
  command.add_option("--bram36", o.bram36, "Budget of an FPGA: BRAM36")->check(positive_number());
  command.add_option("--lut", o.lut, "Budget of an FPGA: LUT, a rough estimate")->check(positive_number());
  command.add_option("--energy", o.energy_uj, "Budget of one run in uJ, batch included (default: unlimited)")
      ->check(positive_real());
  command.add_option("--bus", o.bus_bits, "Memory interface in bits")
      ->check(one_of({"64", "128", "256", "512"}))
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
  command.add_option("--agents", o.agents, "ARCO's agents to start with: of an earlier run or of `arco pretrain`")
      ->type_name("FILE");
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
  if (!options.agents.empty()) {
    if (!choice.name.starts_with("arco")) fail_user("--agents: tuner {} has no agents; leave it out", choice.name);
    choice.agents = std::make_shared<AgentLibrary>(read_file(options.agents), options.agents);
  }
  for (const std::string& ablation : options.ablations) apply_ablation(ablation, choice);
  resolve_options(choice.name, choice.options);  // names every mistake before any work is done
  return choice;
}

bool gives_hardware(const TuneOptions& options) {
  const auto& ablations = options.ablations;
  return !options.hardware.empty() || std::ranges::find(ablations, "software-only") != ablations.end();
}

bool limits_hardware(const TuneOptions& o) {
  return o.area_mm2 > 0 || o.buffer_bytes > 0 || o.dsp > 0 || o.bram36 > 0 || o.lut > 0;
}

SpaceOptions space_options(const TuneOptions& options) {
  SpaceOptions space;
  space.objective = parse_objective(options.objective, "--objective");
  if (options.energy_uj > 0) space.budget.energy_pj = options.energy_uj * 1e6;
  if (gives_hardware(options)) {
    space.kind = SpaceKind::kSoftware;
    space.paper_schedules = options.space == "paper";
    if (!options.hardware.empty()) space.hardware = read_hardware(options.hardware);
    return space;
  }
  space.kind = options.space == "paper" ? SpaceKind::kPaper : SpaceKind::kFull;
  space.hardware.variant = IsaVariant::kVtaPlus;
  space.hardware.bus_bits = options.bus_bits;
  Budget& budget = space.budget;
  budget.area_mm2 = options.area_mm2 > 0 ? options.area_mm2 : default_budget().area_mm2;
  budget.bus_bits = options.bus_bits;
  if (options.buffer_bytes > 0) budget.buffer_bytes = options.buffer_bytes;
  if (options.dsp > 0) budget.dsp = options.dsp;
  if (options.bram36 > 0) budget.bram36 = options.bram36;
  if (options.lut > 0) budget.lut = options.lut;
  return space;
}

namespace {

void add_task(std::vector<WeightedTask>& tasks, const Workload& workload, double weight) {
  auto found = std::ranges::find(tasks, workload, &WeightedTask::workload);
  if (found == tasks.end()) found = tasks.insert(tasks.end(), WeightedTask{workload, 0});
  found->weight += weight;
}

void add_chain(std::vector<ChainTask>& chains, const ChainTask& chain, double weight) {
  auto found = std::ranges::find_if(chains, [&](const ChainTask& known) {
    return known.both == chain.both && known.convolution == chain.convolution && known.follower == chain.follower;
  });
  if (found == chains.end()) found = chains.insert(chains.end(), {chain.both, chain.convolution, chain.follower, 0});
  found->weight += weight;
}

}  // namespace

NetworkTasks tasks_of_model(const std::string& path, const ModelOptions& options, IsaVariant variant,
                            Console& console) {
  ModelOptions model = options;
  model.model = path;
  const Graph graph = quantize_model(model, variant, console).graph;
  NetworkTasks network;
  const NetworkPlan plan = plan_network(graph);
  for (const Task& task : tasks_of(plan)) add_task(network.tasks, task.workload, task.count);
  const auto workload = [&](int step) {
    return std::get<AcceleratorLayer>(plan.steps[static_cast<size_t>(step)]).workload;
  };
  for (const Chain& chain : plan.chains) {
    add_chain(network.chains, {chain.layer.workload, workload(chain.convolution), workload(chain.follower)}, 1);
  }
  if (!graph.inputs.empty() && !graph.tensor(graph.inputs[0]).shape.empty()) {
    network.samples = static_cast<double>(graph.tensor(graph.inputs[0]).shape[0]);
  }
  return network;
}

NetworkTasks gather_tasks(const TuneOptions& options, IsaVariant variant, Console& console) {
  NetworkTasks all{{}, {}, 0};
  for (size_t i = 0; i < options.models.size(); ++i) {
    const double weight = options.weights.empty() ? 1 : options.weights[i];
    const NetworkTasks network = tasks_of_model(options.models[i], options.model, variant, console);
    for (const WeightedTask& task : network.tasks) add_task(all.tasks, task.workload, weight * task.weight);
    for (const ChainTask& chain : network.chains) add_chain(all.chains, chain, weight * chain.weight);
    all.samples += weight * network.samples;
  }
  return all;
}

}  // namespace arco
