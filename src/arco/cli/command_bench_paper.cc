// arco bench paper: ARCO against the other tuners, in the paper's tables.
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/base/interrupt.h"
#include "arco/cli/commands.h"
#include "arco/cli/paper_table.h"
#include "arco/cli/tune_options.h"
#include "arco/cli/tune_progress.h"
#include "arco/cli/validators.h"
#include "arco/onnx/zoo.h"
#include "arco/search/tuners/registry.h"

namespace arco {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> networks{"alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "resnet18", "resnet34"};
  std::vector<std::string> modes{"software", "layers", "chip", "paper"};
  std::vector<int64_t> whole_batches{1, 4};
  std::string output;
  BenchOptions bench;
};

// A folder that goes away with everything in it.
class ScratchFolder {
 public:
  ScratchFolder() : path_(fs::temp_directory_path() / fmt::format("arco-bench-{}", getpid())) {
    fs::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// A dense layer is a convolution of one pixel.
bool is_convolution(const Workload& w) {
  return w.kind == WorkloadKind::kConv2d && !(w.h == 1 && w.w == 1 && w.kh == 1 && w.kw == 1);
}

// A network by its name in the zoo, or an ONNX file. What calibrates the weights does not matter here.
std::vector<WeightedTask> tasks_of_network(const std::string& network, int64_t batch, const fs::path& scratch) {
  std::ostream nowhere(nullptr);
  Console quiet{nowhere, nowhere};
  ModelOptions model;
  model.batch = batch;
  if (network.ends_with(".onnx")) return tasks_of_model(network, model, IsaVariant::kUp, quiet).tasks;
  const fs::path file = scratch / "network.onnx";
  write_zoo_model(network, file, {.batch = batch});
  std::vector<WeightedTask> tasks = tasks_of_model(file, model, IsaVariant::kUp, quiet).tasks;
  fs::remove(file);
  return tasks;
}

BenchMode mode_of(const std::string& name) {
  std::vector<std::string> names;
  for (const BenchMode mode : bench_modes()) {
    if (name == to_string(mode)) return mode;
    names.emplace_back(to_string(mode));
  }
  fail_user("--modes {}: modes are {}", name, fmt::join(names, ", "));
}

SpaceOptions joint_space() {
  return space_options(TuneOptions());
}

std::vector<WholeNetwork> tune_whole_networks(const Options& options, const fs::path& scratch, ProgressLine& line) {
  std::vector<WholeNetwork> whole;
  for (const std::string& network : options.networks) {
    for (const int64_t batch : options.whole_batches) {
      if (interrupted()) return whole;
      const std::vector<WeightedTask> tasks = tasks_of_network(network, batch, scratch);
      CoOptimiserOptions search;
      search.space = joint_space();
      search.jobs = options.bench.jobs;
      const fs::path file = scratch / "whole.db";
      const auto start = std::chrono::steady_clock::now();
      Design design;
      {
        RecordStore records(file);
        design = co_optimise(tasks, search, records, [&](const TuneProgress& p) { line.show(p); });
      }
      fs::remove(file);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      if (design.complete) whole.push_back({network, batch, std::move(design), seconds.count()});
    }
  }
  return whole;
}

std::vector<BenchNetwork> convolutions_of(const Options& options, const fs::path& scratch) {
  std::vector<BenchNetwork> networks;
  for (const std::string& name : options.networks) {
    BenchNetwork network{name, tasks_of_network(name, 1, scratch)};
    std::erase_if(network.tasks, [](const WeightedTask& task) { return !is_convolution(task.workload); });
    if (network.tasks.empty()) fail_user("{} has no convolutions", name);
    networks.push_back(std::move(network));
  }
  return networks;
}

void refuse_doubles(const char* flag, const std::vector<std::string>& names) {
  for (size_t i = 1; i < names.size(); ++i) {
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(names.begin(), end, names[i]) != end) fail_user("{}: {} is there twice", flag, names[i]);
  }
}

void run_bench(Options& options, Console& console) {
  refuse_doubles("--networks", options.networks);
  refuse_doubles("--tuners", options.bench.tuners);
  refuse_doubles("--modes", options.modes);
  for (const std::string& tuner : options.bench.tuners) resolve_options(tuner, nullptr);
  options.bench.modes.clear();
  for (const std::string& mode : options.modes) options.bench.modes.push_back(mode_of(mode));
  options.bench.joint = joint_space();
  const ScratchFolder scratch;
  options.bench.scratch = scratch.path();
  catch_interrupts();
  BenchResults results;
  std::vector<WholeNetwork> whole;
  {
    ProgressLine line(console);
    const std::vector<BenchNetwork> networks = convolutions_of(options, scratch.path());
    results = run_paper_bench(networks, options.bench, [&](size_t done, size_t all) {
      TuneProgress progress;
      progress.phase = "searches";
      progress.done = done;
      progress.planned = all;
      line.show(progress);
    });
    whole = tune_whole_networks(options, scratch.path(), line);
  }
  if (interrupted()) console.warn("interrupted: the tables have only what was finished");
  const std::string text = bench_text(results, whole);
  const nlohmann::json document = bench_json(results, whole);
  if (!options.output.empty()) {
    const fs::path folder = options.output;
    write_file(folder / "paper.txt", text);
    write_file(folder / "paper.json", document.dump() + "\n");
    write_file(folder / "paper.csv", bench_csv(results));
  }
  console.print("{}", text);
  console.print_json(document);
}

}  // namespace

void add_bench_command(CLI::App& app, Console& console) {
  auto o = std::make_shared<Options>();
  o->bench.tuners = {"autotvm", "chameleon", "genetic", "random", "arco"};
  CLI::App* bench = app.add_subcommand("bench", "Compare the tuners");
  bench->require_subcommand(1);
  CLI::App* command = bench->add_subcommand("paper", "The paper's tables: every tuner, software-only and joint");
  command->footer("\nExample:\n  arco bench paper --networks resnet18 --seeds 3 --trials 128 -o results");
  command->add_option("--networks", o->networks, "Names of the zoo, or ONNX files")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--tuners", o->bench.tuners, "Tuners by name")->delimiter(',')->capture_default_str();
  command
      ->add_option("--modes", o->modes,
                   "software: default VTA; layers: a chip for each layer; chip: one chip;\npaper: layers with the "
                   "paper's seven knobs, against the exhaustive optimum")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--seeds", o->bench.seeds, "Seeds 0, 1, ...")
      ->check(number_between(1, 1000))
      ->capture_default_str();
  command->add_option("--trials", o->bench.trials, "Measurements of each layer; in mode chip of the chip")
      ->check(number_between(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--paper-trials", o->bench.paper_trials, "Measurements of each layer in mode paper")
      ->check(number_between(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--whole", o->whole_batches, "Batch sizes of the table of whole networks; 0: no such table")
      ->delimiter(',')
      ->check(number_between(0, 1024))
      ->capture_default_str();
  command->add_option("--jobs", o->bench.jobs, "Searches at a time (0: one a core)")
      ->check(number_between(0, 1024))
      ->capture_default_str();
  command->add_option("-o,--output", o->output, "Folder for paper.txt, paper.json and paper.csv")->type_name("DIR");
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([o, &console] {
    std::erase(o->whole_batches, 0);
    run_bench(*o, console);
  });
}

}  // namespace arco
