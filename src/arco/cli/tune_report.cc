#include "arco/cli/tune_report.h"

#include "arco/cli/layer_report.h"
#include "arco/cli/table.h"

namespace arco {
namespace {

constexpr auto kRight = TextTable::Align::kRight;

std::string cycles_text(double cycles) {
  return grouped(static_cast<uint64_t>(cycles));
}

std::string gap_text(double cycles, double bound) {
  return bound > 0 ? fmt::format("{:.1f} %", 100 * (cycles / bound - 1)) : "?";
}

void print_reference(const std::optional<Reference>& reference, double cycles, const std::string& area,
                     Console& console) {
  if (!reference) return;
  console.print("default   {} cycles on {} with {} schedules per layer: this design is {:.2f}x as fast{}\n",
                cycles_text(reference->cycles), reference->hardware.to_string(),
                reference->proved ? "the optimal" : "the best found", reference->cycles / cycles, area);
}

// What was searched for, and how far from it the best chip of the space could be.
void print_objective(const Design& design, Console& console) {
  const Objective objective = parse_objective(design.objective, "design");
  console.print("objective {}: {:.6g} {}\n", design.objective, value_of(objective, design.metrics(), design.samples),
                unit_of(objective));
  if (design.network_bound <= 0) return;
  const double cost = cost_of(objective, design.metrics());
  if (cost <= design.network_bound) return console.print("optimum   proven: nothing in the space is better\n");
  const bool cycles = objective == Objective::kLatency || objective == Objective::kThroughput;
  const std::string least = cycles ? fmt::format("at least {} cycles (rung: bound) on any chip of the space",
                                                 cycles_text(design.network_bound))
                                   : fmt::format("at least {:.6g} {} (rung: bound) on any chip of the space",
                                                 value_of_cost(objective, design.network_bound), unit_of(objective));
  console.print("optimum   {}: the gap is at most {}\n", least, gap_text(cost, design.network_bound));
}

}  // namespace

void warn_host_tasks(const std::vector<DesignHostTask>& tasks, Console& console) {
  for (const DesignHostTask& task : tasks) {
    console.warn("{} stays on the host ({:g} layers, not part of the cycles): {}", task.workload, task.weight,
                 task.why);
  }
}

void print_design(const Design& design, Console& console) {
  print_hardware(design.hardware, console);
  TextTable table(
      {{"workload"}, {"layers", kRight}, {"schedule"}, {"cycles", kRight}, {"bound", kRight}, {"gap", kRight}});
  for (const DesignTask& task : design.tasks) {
    table.add({task.workload, fmt::format("{:g}", task.weight), task.schedule.to_string(), cycles_text(task.cycles),
               cycles_text(task.bound), gap_text(task.cycles, task.bound)});
  }
  console.print("{}\n", table.to_string());
  console.print("network   {} cycles, {:.2f} uJ, {:.3f} mm^2 (rung: cycle)\n", cycles_text(design.cycles),
                design.energy_pj * 1e-6, design.area_mm2);
  print_objective(design, console);
  if (!design.reference) return;
  print_reference(
      design.reference, design.cycles,
      fmt::format(" on {:.2f}x the area with {:.2f}x the energy", design.area_mm2 / design.reference->area_mm2,
                  design.energy_pj / design.reference->energy_pj),
      console);
}

void print_layer_designs(const LayerDesigns& designs, Console& console) {
  TextTable table({{"workload"},
                   {"layers", kRight},
                   {"chip of its own"},
                   {"mm^2", kRight},
                   {"schedule"},
                   {"cycles", kRight},
                   {"uJ", kRight},
                   {"gap", kRight}});
  for (const LayerDesign& layer : designs.layers) {
    table.add({layer.workload, fmt::format("{:g}", layer.weight), layer.hardware.to_string(),
               fmt::format("{:.3f}", layer.area_mm2), layer.schedule.to_string(), cycles_text(layer.cycles),
               fmt::format("{:.2f}", layer.energy_pj * 1e-6), gap_text(layer.cost, layer.proven_bound)});
  }
  console.print("{}\n", table.to_string());
  console.print(
      "network   {} cycles, {:.2f} uJ (rung: cycle) if every layer had a chip of its own, best in {}; this is no "
      "design to build\n",
      cycles_text(designs.cycles), designs.energy_pj * 1e-6, designs.objective);
  print_reference(designs.reference, designs.cycles, "", console);
}

void print_holdout(const std::string& model, const Design& design, double own_bound, Console& console) {
  const Objective objective = parse_objective(design.objective, "design");
  console.print("holdout   {}: {} cycles, {:.2f} uJ (rung: cycle) on this chip", model, cycles_text(design.cycles),
                design.energy_pj * 1e-6);
  if (own_bound > 0) {
    console.print("; no chip of its own would be better by more than {} in {} (rung: bound)",
                  gap_text(cost_of(objective, design.metrics()), own_bound), design.objective);
  }
  console.print("\n");
  print_reference(design.reference, design.cycles, "", console);
}

}  // namespace arco
