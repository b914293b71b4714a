// arco explain: where the cycles of a compiled network go, layer by layer, and what would help.
#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/cli/commands.h"
#include "arco/cli/layer_report.h"
#include "arco/cli/table.h"
#include "arco/cli/validators.h"
#include "arco/hardware/area.h"
#include "arco/hardware/fpga.h"
#include "arco/runtime/explain.h"

namespace arco {

using Json = nlohmann::json;
using enum TextTable::Align;

namespace {

struct Options {
  std::string file;
  bool modules = false;
  bool fpga = false;
  int jobs = 0;
};

constexpr double kPicojoulesPerMicrojoule = 1e6;

std::string percent(double share) {
  return fmt::format("{:.1f}", 100 * share);
}

// Who a module's tokens come from: the one before it and the one after it.
struct Neighbours {
  const char* prev;
  const char* next;
};
constexpr std::array<Neighbours, 3> kNeighbours{{{"", "compute"}, {"load", "store"}, {"compute", ""}}};

Json module_to_json(const ModuleCycles& m, const Neighbours& from) {
  Json json{{"busy", m.busy}, {"waits_for_memory", m.wait_memory}, {"waits_for_fetch", m.wait_fetch}, {"idle", m.idle}};
  if (*from.prev != '\0') json[fmt::format("waits_for_{}", from.prev)] = m.wait_token_prev;
  if (*from.next != '\0') json[fmt::format("waits_for_{}", from.next)] = m.wait_token_next;
  return json;
}

Json layer_to_json(const LayerRun& run, const LayerExplanation& e) {
  Json modules = Json::object();
  for (size_t m = 0; m < run.cycles.modules.size(); ++m) {
    modules[to_string(static_cast<Module>(m))] = module_to_json(run.cycles.modules[m], kNeighbours[m]);
  }
  return {{"name", run.name},
          {"workload", run.workload.to_string()},
          {"schedule", run.schedule.to_string()},
          {"cycles", run.cycles.cycles},
          {"modules", modules},
          {"gemm_cycles", run.cycles.gemm_cycles},
          {"alu_cycles", run.cycles.alu_cycles},
          {"compute_roof", e.compute_roof ? Json(*e.compute_roof) : Json(nullptr)},
          {"memory_roof", {{"read", e.read_roof}, {"write", e.write_roof}}},
          {"nearer_roof", e.memory_is_nearer() ? "memory" : "compute"},
          {"binding", to_string(e.binding)},
          {"advice", e.advice},
          {"energy_pj", e.energy.total()}};
}

Json fpga_to_json(const HardwareConfig& hardware) {
  const FpgaResources fpga = fpga_of(hardware);
  return {{"dsp48e2", fpga.dsp}, {"bram36", fpga.bram36}, {"lut_estimate", fpga.lut}};
}

void print_layers(const std::vector<LayerRun>& runs, const std::vector<LayerExplanation>& explained, Console& console) {
  TextTable table({{"layer", kLeft},
                   {"cycles", kRight},
                   {"GEMM", kRight},
                   {"ALU", kRight},
                   {"acc. loads", kRight},
                   {"wait load", kRight},
                   {"wait store", kRight},
                   {"wait fetch", kRight},
                   {"load", kRight},
                   {"store", kRight},
                   {"MAC roof", kRight},
                   {"memory roof", kRight},
                   {"energy uJ", kRight},
                   {"bound by", kLeft}});
  for (size_t i = 0; i < runs.size(); ++i) {
    const LayerExplanation& e = explained[i];
    table.add({runs[i].name, grouped(runs[i].cycles.cycles), percent(e.gemm), percent(e.alu), percent(e.accumulators),
               percent(e.waits_for_load), percent(e.waits_for_store), percent(e.waits_for_fetch), percent(e.load),
               percent(e.store), e.compute_roof ? percent(*e.compute_roof) : "-", percent(e.memory_roof()),
               fmt::format("{:.1f}", e.energy.total() / kPicojoulesPerMicrojoule), to_string(e.binding)});
  }
  console.print(
      "\n% of the layer's cycles. GEMM to wait fetch: the compute module; load, store: the other modules.\n\n{}",
      table.to_string());
}

void print_modules(const std::vector<LayerRun>& runs, Console& console) {
  TextTable table({{"layer", kLeft},
                   {"module", kLeft},
                   {"busy", kRight},
                   {"waits for load", kRight},
                   {"for compute", kRight},
                   {"for store", kRight},
                   {"for memory", kRight},
                   {"for fetch", kRight},
                   {"idle", kRight}});
  for (const LayerRun& run : runs) {
    const auto& [load, compute, store] = run.cycles.modules;
    const auto row = [&](const std::string& name, const char* module, const ModuleCycles& m,
                         const std::string& from_load, const std::string& from_compute, const std::string& from_store) {
      table.add({name, module, grouped(m.busy), from_load, from_compute, from_store, grouped(m.wait_memory),
                 grouped(m.wait_fetch), grouped(m.idle)});
    };
    row(run.name, "load", load, "-", grouped(load.wait_token_next), "-");
    row("", "compute", compute, grouped(compute.wait_token_prev), "-", grouped(compute.wait_token_next));
    row("", "store", store, "-", grouped(store.wait_token_prev), "-");
  }
  console.print("\ncycles by cause\n\n{}", table.to_string());
}

// Layers with the same advice share a line.
void print_advice(const std::vector<LayerRun>& runs, const std::vector<LayerExplanation>& explained, Console& console) {
  console.print("\nwhat would help\n");
  std::vector<std::string> said;
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::string& advice = explained[i].advice;
    if (std::find(said.begin(), said.end(), advice) != said.end()) continue;
    said.push_back(advice);
    std::string names = runs[i].name;
    for (size_t j = i + 1; j < runs.size(); ++j) {
      if (explained[j].advice == advice) names += ", " + runs[j].name;
    }
    console.print("  {}\n      {}\n", names, advice);
  }
}

void print_fpga(const HardwareConfig& hardware, Console& console) {
  const FpgaResources fpga = fpga_of(hardware);
  console.print("FPGA      {} DSP48E2, {} BRAM36, about {} LUT (an estimate, no synthesis)\n",
                grouped(static_cast<uint64_t>(fpga.dsp)), grouped(static_cast<uint64_t>(fpga.bram36)),
                grouped(static_cast<uint64_t>(fpga.lut)));
}

void explain(const Options& options, Console& console) {
  const Executable executable = load_executable(options.file);
  const std::vector<LayerRun> runs = layer_cycles(executable, {}, options.jobs);
  std::vector<LayerExplanation> explained;
  Json layers = Json::array();
  double energy = 0;
  for (const LayerRun& run : runs) {
    explained.push_back(explain_layer(run, executable.hardware));
    energy += explained.back().energy.total();
    layers.push_back(layer_to_json(run, explained.back()));
  }
  print_hardware(executable.hardware, console);
  if (options.fpga) print_fpga(executable.hardware, console);
  print_layers(runs, explained, console);
  if (options.modules) print_modules(runs, console);
  print_advice(runs, explained, console);
  console.print("\ntotal     {} cycles in {} accelerator layers (rung: cycle), {:.1f} uJ at 45 nm (switching energy)\n",
                grouped(total_cycles(runs)), runs.size(), energy / kPicojoulesPerMicrojoule);
  Json document{{"file", options.file},
                {"hardware", executable.hardware.to_string()},
                {"area_mm2", area_of(executable.hardware).total()},
                {"layers", layers},
                {"total_cycles", total_cycles(runs)},
                {"energy_pj", energy},
                {"rung", "cycle"}};
  if (options.fpga) document["fpga"] = fpga_to_json(executable.hardware);
  console.print_json(document);
}

}  // namespace

void add_explain_command(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("explain", "Show where the cycles of a compiled network go and what would help");
  command->footer("\nExample:\n  arco explain resnet18.arco\n  arco explain resnet18.arco --modules --fpga");
  command->add_option("FILE", options->file, "File that `arco compile` wrote")->required();
  command->add_flag("--modules", options->modules, "Also the cycles of each module by cause");
  command->add_flag("--fpga", options->fpga, "Also what the hardware would take of an FPGA");
  command->add_option("--jobs", options->jobs, "Layers simulated at a time (0: all cores)")
      ->check(whole_number())
      ->capture_default_str();
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([options, &console] { explain(*options, console); });
}

}  // namespace arco
