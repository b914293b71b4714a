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
  console.print("network   {} cycles (rung: cycle)\n", cycles_text(design.cycles));
  if (design.network_bound > 0) {
    console.print("optimum   at least {} cycles (rung: bound) on any chip of the space: the gap is at most {}\n",
                  cycles_text(design.network_bound), gap_text(design.cycles, design.network_bound));
  }
  if (!design.reference) return;
  print_reference(design.reference, design.cycles,
                  fmt::format(" on {:.2f}x the area", design.area_mm2 / design.reference->area_mm2), console);
}

void print_layer_designs(const LayerDesigns& designs, Console& console) {
  TextTable table({{"workload"},
                   {"layers", kRight},
                   {"chip of its own"},
                   {"mm^2", kRight},
                   {"schedule"},
                   {"cycles", kRight},
                   {"proven", kRight}});
  for (const LayerDesign& layer : designs.layers) {
    table.add({layer.workload, fmt::format("{:g}", layer.weight), layer.hardware.to_string(),
               fmt::format("{:.3f}", layer.area_mm2), layer.schedule.to_string(), cycles_text(layer.cycles),
               layer.proven_bound > 0 ? cycles_text(layer.proven_bound) : "?"});
  }
  console.print("{}\n", table.to_string());
  console.print("network   {} cycles (rung: cycle) if every layer had a chip of its own; this is no design to build\n",
                cycles_text(designs.cycles));
  print_reference(designs.reference, designs.cycles, "", console);
}

void print_holdout(const std::string& model, const Design& design, double own_bound, Console& console) {
  console.print("holdout   {}: {} cycles (rung: cycle) on this chip", model, cycles_text(design.cycles));
  if (own_bound > 0) {
    console.print("; a chip of its own would need at least {} (rung: bound): the loss is at most {}",
                  cycles_text(own_bound), gap_text(design.cycles, own_bound));
  }
  console.print("\n");
  print_reference(design.reference, design.cycles, "", console);
}

}  // namespace arco
