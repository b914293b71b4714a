// arco pretrain: the agents that ARCO ships, made anew.
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/base/interrupt.h"
#include "arco/cli/commands.h"
#include "arco/cli/network_inputs.h"
#include "arco/cli/table.h"
#include "arco/cli/tune_options.h"
#include "arco/cli/validators.h"
#include "arco/onnx/zoo.h"
#include "arco/search/pretraining.h"

namespace arco {

namespace {

struct Options {
  std::string output;
  std::vector<std::string> networks;  // empty: the zoo
  PretrainingOptions training;
};

// The distinct workloads of networks by name. What calibrates their weights does not matter here.
std::vector<Workload> workloads_of(const std::vector<std::string>& networks, const std::filesystem::path& file) {
  std::ostream nowhere(nullptr);
  Console quiet{nowhere, nowhere};
  std::vector<Workload> workloads;
  for (const std::string& network : networks) {
    if (interrupted()) break;
    write_zoo_model(network, file);
    const std::vector<WeightedTask> tasks = tasks_of_model(file, {}, IsaVariant::kUp, quiet).tasks;
    std::filesystem::remove(file);
    for (const WeightedTask& task : tasks) {
      if (std::ranges::find(workloads, task.workload) == workloads.end()) workloads.push_back(task.workload);
    }
  }
  return workloads;
}

void run_pretrain(Options& options, Console& console) {
  if (options.output.empty()) fail_user("-o FILE is missing: where to write the agents");
  check_is_no_folder(options.output);
  if (options.networks.empty()) options.networks = zoo_names();
  catch_interrupts();
  const std::vector<Workload> workloads = workloads_of(options.networks, options.output + ".network.onnx");
  const AgentLibrary agents = pretrain_agents(workloads, options.training, [&](int done, int all) {
    if (done % 100 == 0) console.err << fmt::format("{} of {} updates\n", done, all) << std::flush;
  });
  if (interrupted()) throw RunError("interrupted: half-trained agents are not worth keeping; nothing was written");
  const std::vector<uint8_t> bytes = agents.bytes();
  write_file(options.output, bytes);
  console.print("wrote {} ({}): agents for {} kinds of spaces, trained on {} workloads and as many random ones\n",
                options.output, human_bytes(bytes.size()), agents.sets().size(), workloads.size());
  console.print_json({{"output", options.output},
                      {"bytes", bytes.size()},
                      {"seed", options.training.seed},
                      {"updates", options.training.updates},
                      {"workloads", workloads.size()}});
}

}  // namespace

void add_pretrain_command(CLI::App& app, Console& console) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("pretrain", "Train the agents on the closed form, as those that ARCO ships");
  command->footer(
      "\nThe same seed and networks give the same bytes. `arco tune --agents FILE` uses them.\n"
      "\nExample:\n  arco pretrain -o agents.bin\n"
      "  arco pretrain --networks resnet18,vgg16 --updates 100 --seed 7 -o mine.bin");
  command->add_option("-o,--output", o->output, "File to write")->type_name("FILE");
  command->add_option("--seed", o->training.seed, "Seed of worlds and networks")
      ->check(whole_number())
      ->capture_default_str();
  command->add_option("--updates", o->training.updates, "Updates of the agents of each kind of space")
      ->check(number_between(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--networks", o->networks, "Networks of the zoo to train on (default: all)")->delimiter(',');
  command->add_option("--jobs", o->training.jobs, "Threads (0: all cores); the result does not depend on it")
      ->check(number_between(0, 1024))
      ->capture_default_str();
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([o, &console] { run_pretrain(*o, console); });
}

}  // namespace arco
