#include "arco/cli/layer_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "arco/cli/table.h"
#include "arco/hardware/area.h"
#include "arco/runtime/layer_json.h"

namespace arco {

using Json = nlohmann::json;
using enum TextTable::Align;

namespace {

const Node& node_of(const Executable& executable, const HostStep& step) {
  return executable.graph.nodes[static_cast<size_t>(step.node)];
}

Json layer_to_json(const CompiledLayer& compiled, const LayerRun& run) {
  const CycleReport& cycles = run.cycles;
  Json busy;
  for (size_t m = 0; m < cycles.modules.size(); ++m) {
    busy[to_string(static_cast<Module>(m))] = cycles.modules[m].busy;
  }
  return {{"name", compiled.layer.name},
          {"runs_on", "accelerator"},
          {"workload", workload_to_json(compiled.layer.workload)},
          {"schedule", schedule_to_json(compiled.schedule)},
          {"cycles", cycles.cycles},
          {"busy_cycles", busy},
          {"read_bytes", cycles.read_bytes},
          {"written_bytes", cycles.written_bytes},
          {"instructions", compiled.program.instructions.size()},
          {"micro_ops", compiled.program.micro_ops.size()}};
}

void print_layers(const Executable& executable, const std::vector<LayerRun>& runs, Console& console) {
  TextTable table({{"layer", kLeft},
                   {"runs on", kLeft},
                   {"workload", kLeft},
                   {"schedule, or why the host", kLeft},
                   {"cycles", kRight}});
  size_t next = 0;
  for (const CompiledStep& step : executable.steps) {
    if (const auto* compiled = std::get_if<CompiledLayer>(&step)) {
      table.add({compiled->layer.name, "accelerator", compiled->layer.workload.to_string(),
                 compiled->schedule.to_string(), grouped(runs[next++].cycles.cycles)});
    } else {
      const auto& host = std::get<HostStep>(step);
      const Node& node = node_of(executable, host);
      table.add({node.name, "host", op_name(node.op), host.reason, ""});
    }
  }
  console.print("{}", table.to_string());
}

}  // namespace

DramUse dram_use(const Executable& executable) {
  DramUse use;
  for (const CompiledStep& step : executable.steps) {
    const auto* compiled = std::get_if<CompiledLayer>(&step);
    if (compiled == nullptr) continue;
    for (const Segment& segment : compiled->program.segments) {
      const uint64_t pages = (segment.bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
      const bool constant = segment.kind == SegmentKind::kWeight || segment.kind == SegmentKind::kBias;
      const bool program = segment.kind == SegmentKind::kUop || segment.kind == SegmentKind::kInstruction;
      if (constant) use.constants += pages;
      if (program) use.programs += pages;
    }
  }
  return use;
}

uint64_t total_cycles(const std::vector<LayerRun>& runs) {
  uint64_t total = 0;
  for (const LayerRun& run : runs) total += run.cycles.cycles;
  return total;
}

void print_hardware(const HardwareConfig& hardware, Console& console) {
  console.print("hardware  {} ({}), {:.3f} mm^2, {:.2f} x the default VTA\n", hardware.to_string(),
                to_string(hardware.variant), area_of(hardware).total(), relative_area(hardware));
}

void print_executable(const Executable& executable, const std::vector<LayerRun>& runs, Console& console) {
  print_hardware(executable.hardware, console);
  console.print("\n");
  print_layers(executable, runs, console);
  console.print("\ntotal     {} cycles in {} accelerator layers (rung: cycle)\n", grouped(total_cycles(runs)),
                runs.size());
  const auto channels = std::ranges::count_if(runs, [](const LayerRun& run) {
    return run.workload.channel_scales && run.workload.kind == WorkloadKind::kConv2d;
  });
  if (channels > 0) console.print("weights   a scale for each output channel in {} layers\n", channels);
  const DramUse use = dram_use(executable);
  console.print("DRAM      {} in all: activations {} at their peak, constants {}, programs {}\n",
                human_bytes(executable.dram_bytes), human_bytes(executable.activation_bytes),
                human_bytes(use.constants), human_bytes(use.programs));
  console.print("          activations would take {} without reuse; what only the host holds is not counted\n",
                human_bytes(executable.activation_bytes_unshared));
}

Json executable_to_json(const Executable& executable, const std::vector<LayerRun>& runs) {
  const DramUse use = dram_use(executable);
  Json layers = Json::array();
  size_t next = 0;
  for (const CompiledStep& step : executable.steps) {
    if (const auto* compiled = std::get_if<CompiledLayer>(&step)) {
      layers.push_back(layer_to_json(*compiled, runs[next++]));
    } else {
      const auto& host = std::get<HostStep>(step);
      const Node& node = node_of(executable, host);
      layers.push_back(
          {{"name", node.name}, {"runs_on", "host"}, {"operator", op_name(node.op)}, {"reason", host.reason}});
    }
  }
  return {{"network", executable.graph.name},
          {"hardware", hardware_to_json(executable.hardware)},
          {"variant", to_string(executable.hardware.variant)},
          {"area_mm2", area_of(executable.hardware).total()},
          {"relative_area", relative_area(executable.hardware)},
          {"layers", layers},
          {"total_cycles", total_cycles(runs)},
          {"rung", "cycle"},
          {"dram",
           {{"bytes", executable.dram_bytes},
            {"activation_peak_bytes", executable.activation_bytes},
            {"activation_bytes_without_reuse", executable.activation_bytes_unshared},
            {"constant_bytes", use.constants},
            {"program_bytes", use.programs}}}};
}

std::string dram_map(const Executable& executable) {
  struct Range {
    uint64_t address, bytes;
    std::string what;
  };
  std::vector<Range> ranges;
  for (const DeviceBuffer& buffer : executable.buffers) {
    ranges.push_back({buffer.address, buffer.bytes,
                      fmt::format("activation {} (steps {} to {}, {})", executable.graph.tensor(buffer.tensor).name,
                                  buffer.first_step, buffer.last_step,
                                  buffer.host_packs ? "written by the host" : "written by the accelerator")});
  }
  for (const CompiledStep& step : executable.steps) {
    const auto* compiled = std::get_if<CompiledLayer>(&step);
    if (compiled == nullptr) continue;
    for (const Segment& segment : compiled->program.segments) {
      const bool shared = segment.kind == SegmentKind::kInput || segment.kind == SegmentKind::kResidual ||
                          segment.kind == SegmentKind::kOutput;
      if (shared) continue;
      ranges.push_back(
          {segment.address, segment.bytes, fmt::format("{} of {}", to_string(segment.kind), compiled->layer.name)});
    }
  }
  std::stable_sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.address < b.address; });
  TextTable table({{"address", kRight}, {"bytes", kRight}, {"what", kLeft}});
  for (const Range& range : ranges) {
    table.add({fmt::format("{:#x}", range.address), grouped(range.bytes), range.what});
  }
  return table.to_string();
}

}  // namespace arco
