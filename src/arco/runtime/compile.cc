// Lowers every layer in an address space of its own, then gives each segment its place in the shared DRAM: activations
// first (reused by liveness), then constants, micro-ops and instructions.
#include <algorithm>

#include "arco/base/error.h"
#include "arco/lower/lower.h"
#include "arco/plan/memory_plan.h"
#include "arco/plan/packing.h"
#include "arco/runtime/executable.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/legality.h"

namespace arco {

namespace {

class Compiler {
 public:
  Compiler(Executable& executable, const ScheduleSource& schedules) : e_(executable), schedules_(schedules) {}

  void run() {
    for (Step& step : plan_network(e_.graph).steps) {
      if (auto* layer = std::get_if<AcceleratorLayer>(&step)) {
        e_.steps.push_back(lower_layer(*layer));
      } else {
        e_.steps.emplace_back(std::get<HostStep>(step));
      }
    }
    assign_buffers();
    place();
  }

 private:
  CompiledStep lower_layer(AcceleratorLayer& layer) {
    // A producer that fell back to the host leaves its readers a packed input.
    const bool made_by_host = std::find(host_made_.begin(), host_made_.end(), layer.input) != host_made_.end();
    if (made_by_host && layer.workload.kind == WorkloadKind::kConv2d) layer.workload.host_input = true;
    std::optional<Schedule> schedule = schedules_ ? schedules_(layer.workload) : std::nullopt;
    if (schedule) {
      const std::string why = why_illegal(layer.workload, *schedule, e_.hardware);
      if (!why.empty()) fail_user("layer {}: schedule {} is illegal: {}", layer.name, schedule->to_string(), why);
    } else {
      schedule = default_schedule(layer.workload);
    }
    if (!schedule) {
      host_made_.push_back(layer.output);
      return HostStep{layer.node, "no schedule fits: " + why_none_legal(layer.workload, e_.hardware)};
    }
    CompiledLayer compiled;
    compiled.layer = layer;
    compiled.schedule = *schedule;
    compiled.program = lower(layer.workload, *schedule, e_.hardware, layer.numbers);
    return compiled;
  }

  std::optional<Schedule> default_schedule(const Workload& workload) {
    for (const auto& [known, schedule] : defaults_) {
      if (known == workload) return schedule;
    }
    defaults_.emplace_back(workload, best_estimated(workload, e_.hardware));
    return defaults_.back().second;
  }

  void assign_buffers() {
    for (size_t i = 0; i < e_.steps.size(); ++i) {
      const int step = static_cast<int>(i);
      if (auto* compiled = std::get_if<CompiledLayer>(&e_.steps[i])) {
        const Workload& workload = compiled->layer.workload;
        const ActivationLayout in = input_layout(workload, e_.hardware);
        const ActivationLayout out = output_layout(e_.hardware);
        compiled->input_buffer = read_buffer(compiled->layer.input, in, step);
        if (compiled->layer.residual != kNoTensor) {
          compiled->residual_buffer = read_buffer(compiled->layer.residual, out, step);
        }
        compiled->output_buffer = add_buffer(compiled->layer.output, out, step, false);
      } else {
        for (const TensorId input : e_.graph.nodes[static_cast<size_t>(std::get<HostStep>(e_.steps[i]).node)].inputs) {
          keep_alive(input, step);
        }
      }
    }
    for (const TensorId output : e_.graph.outputs) keep_alive(output, static_cast<int>(e_.steps.size()));
  }

  int add_buffer(TensorId tensor, const ActivationLayout& layout, int step, bool host_packs) {
    const auto [n, c, h, w] = as_image(e_.graph.tensor(tensor).shape);
    e_.buffers.push_back({tensor, layout, 0, static_cast<uint64_t>(layout.bytes(n, c, h, w)), host_packs, step, step});
    return static_cast<int>(e_.buffers.size()) - 1;
  }

  // The buffer that holds the tensor in this layout; a new one for the host to fill if there is none.
  int read_buffer(TensorId tensor, const ActivationLayout& layout, int step) {
    for (size_t i = 0; i < e_.buffers.size(); ++i) {
      DeviceBuffer& buffer = e_.buffers[i];
      if (buffer.tensor != tensor || !buffer.layout.same_bytes(layout)) continue;
      buffer.last_step = step;
      return static_cast<int>(i);
    }
    keep_alive(tensor, step);
    return add_buffer(tensor, layout, step, true);
  }

  // The host reads a tensor at this step.
  void keep_alive(TensorId tensor, int step) {
    for (DeviceBuffer& buffer : e_.buffers) {
      if (buffer.tensor == tensor && !buffer.host_packs) buffer.last_step = std::max(buffer.last_step, step);
    }
  }

  void place() {
    std::vector<BufferLife> lives;
    for (const DeviceBuffer& buffer : e_.buffers) {
      lives.push_back({buffer.bytes, buffer.first_step, buffer.last_step});
      e_.activation_bytes_unshared += (buffer.bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    }
    const Placement placement = place_buffers(lives, kPageBytes, kPageBytes);
    for (size_t i = 0; i < lives.size(); ++i) e_.buffers[i].address = placement.addresses[i];
    e_.activation_bytes = placement.end - kPageBytes;
    uint64_t next = placement.end;
    for (CompiledStep& step : e_.steps) {
      auto* compiled = std::get_if<CompiledLayer>(&step);
      if (compiled != nullptr) next = place_layer(*compiled, next);
    }
    e_.dram_bytes = next;
  }

  uint64_t place_layer(CompiledLayer& compiled, uint64_t next) {
    std::vector<uint64_t> addresses;
    for (const Segment& segment : compiled.program.segments) {
      const int buffer = segment.kind == SegmentKind::kInput      ? compiled.input_buffer
                         : segment.kind == SegmentKind::kResidual ? compiled.residual_buffer
                         : segment.kind == SegmentKind::kOutput   ? compiled.output_buffer
                                                                  : -1;
      if (buffer >= 0) {
        const DeviceBuffer& placed = e_.buffers[static_cast<size_t>(buffer)];
        ARCO_CHECK(placed.bytes == segment.bytes, "{}: {} has {} bytes, its buffer {}", compiled.layer.name,
                   segment.name, segment.bytes, placed.bytes);
        addresses.push_back(placed.address);
      } else {
        addresses.push_back(next);
        next += (segment.bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
      }
    }
    compiled.program = relocate(compiled.program, addresses);
    compiled.program.name = compiled.layer.name;
    return next;
  }

  Executable& e_;
  const ScheduleSource& schedules_;
  std::vector<std::pair<Workload, std::optional<Schedule>>> defaults_;
  std::vector<TensorId> host_made_;
};

}  // namespace

Executable compile(Graph quantized, const HardwareConfig& hardware, const ScheduleSource& schedules) {
  ErrorList errors("hardware " + hardware.to_string());
  for (const std::string& violation : hardware.violations()) errors.add("{}", violation);
  errors.throw_if_any();
  Executable executable;
  executable.graph = std::move(quantized);
  executable.hardware = hardware;
  Compiler(executable, schedules).run();
  return executable;
}

std::vector<uint8_t> constant_bytes(const Executable& executable, const CompiledLayer& compiled, SegmentKind kind) {
  const AcceleratorLayer& layer = compiled.layer;
  const auto constant = [&](TensorId id) -> const Array& { return *executable.graph.tensor(id).constant; };
  if (kind == SegmentKind::kWeight) return pack_weights(constant(layer.weight), layer.workload, executable.hardware);
  ARCO_CHECK(kind == SegmentKind::kBias, "{} is not constant", to_string(kind));
  const int32_t rounding = rounding_of(layer.numbers.shift);
  if (layer.workload.kind != WorkloadKind::kConv2d) return pack_constant(rounding, executable.hardware);
  const Array* bias = layer.bias == kNoTensor ? nullptr : &constant(layer.bias);
  return pack_bias(bias, rounding, layer.workload, executable.hardware);
}

namespace {
void write_at(std::vector<uint8_t>& dram, uint64_t address, std::span<const uint8_t> bytes) {
  ARCO_CHECK(address + bytes.size() <= dram.size(), "segment beyond the DRAM");
  std::copy(bytes.begin(), bytes.end(), dram.begin() + static_cast<int64_t>(address));
}
}  // namespace

std::vector<uint8_t> initial_dram(const Executable& executable) {
  std::vector<uint8_t> dram(executable.dram_bytes, 0);
  for (const CompiledStep& step : executable.steps) {
    const auto* compiled = std::get_if<CompiledLayer>(&step);
    if (compiled == nullptr) continue;
    for (const Segment& segment : compiled->program.segments) {
      if (segment.kind == SegmentKind::kWeight || segment.kind == SegmentKind::kBias) {
        write_at(dram, segment.address, constant_bytes(executable, *compiled, segment.kind));
      } else if (segment.kind == SegmentKind::kInstruction) {
        write_at(dram, segment.address, instruction_bytes(compiled->program));
      } else if (segment.kind == SegmentKind::kUop) {
        const auto& uops = compiled->program.micro_ops;
        write_at(dram, segment.address, {reinterpret_cast<const uint8_t*>(uops.data()), uops.size() * 4});
      }
    }
  }
  return dram;
}

}  // namespace arco
