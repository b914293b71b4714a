// Lowers every layer in an address space of its own, then gives each segment its place in the shared DRAM: activations
// first (reused by liveness, parts inside of what they belong to), then constants, micro-ops and instructions.
//
// A convolution and the pooling or addition behind it are lowered both ways, as two layers and as one; the cycle
// simulator says which is faster. One layer saves a store and a load of the tensor between them and some ALU work; with
// a pooling it multiplies again what the windows of neighbouring tiles share.
#include <algorithm>
#include <array>

#include "arco/base/error.h"
#include "arco/lower/lower.h"
#include "arco/plan/channel_views.h"
#include "arco/plan/memory_plan.h"
#include "arco/plan/packing.h"
#include "arco/runtime/executable.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/legality.h"
#include "arco/sim/cycle.h"

namespace arco {

namespace {

class Compiler {
 public:
  Compiler(Executable& executable, const ScheduleSource& schedules, ChainRule rule)
      : e_(executable), schedules_(schedules), rule_(rule) {}

  void run() {
    const NetworkPlan plan = plan_network(e_.graph);
    // By step: the chain that takes its place, for the first of two with nothing in it.
    std::vector<std::optional<CompiledStep>> chained(plan.steps.size());
    std::vector<bool> is_chained(plan.steps.size());
    for (size_t i = 0; i < plan.steps.size(); ++i) {
      if (const Chain* chain = chain_at(plan, i)) {
        const auto follower = static_cast<size_t>(chain->follower);
        chained[follower] = lower_chain(chain->layer, std::get<AcceleratorLayer>(plan.steps[i]),
                                        std::get<AcceleratorLayer>(plan.steps[follower]));
        is_chained[i] = is_chained[follower] = chained[follower].has_value();
      }
      if (!is_chained[i]) {
        e_.steps.push_back(lower_step(plan.steps[i]));
      } else if (chained[i]) {
        e_.steps.push_back(std::move(*chained[i]));
      }
    }
    find_views();
    assign_buffers();
    place();
  }

 private:
  const Chain* chain_at(const NetworkPlan& plan, size_t step) const {
    if (rule_ == ChainRule::kNever) return nullptr;
    const auto found = std::find_if(plan.chains.begin(), plan.chains.end(),
                                    [&](const Chain& chain) { return static_cast<size_t>(chain.convolution) == step; });
    return found == plan.chains.end() ? nullptr : &*found;
  }

  CompiledStep lower_step(const Step& step) {
    const auto* layer = std::get_if<AcceleratorLayer>(&step);
    if (layer == nullptr) return std::get<HostStep>(step);
    CompiledStep compiled = lower_layer(*layer);
    if (std::holds_alternative<HostStep>(compiled)) host_made_.push_back(layer->output);
    return compiled;
  }

  // The chain as one layer, if that is to be taken instead of the convolution and what follows it.
  std::optional<CompiledStep> lower_chain(const AcceleratorLayer& chain, const AcceleratorLayer& conv,
                                          const AcceleratorLayer& follower) {
    const Workload workload = as_it_is_read(chain).workload;
    // The input is what it is: one more copy of it would cost more than a chain saves.
    const ActivationLayout input = input_layout(as_it_is_read(conv).workload, e_.hardware);
    if (!input_layout(workload, e_.hardware).same_bytes(input)) return std::nullopt;
    const bool scheduled = schedules_ && schedules_(workload);
    if (rule_ == ChainRule::kWhereScheduled && !scheduled) return std::nullopt;
    CompiledStep both = lower_layer(chain);
    if (std::holds_alternative<HostStep>(both)) return std::nullopt;
    if (scheduled) return both;
    const std::array<CompiledStep, 2> parts{lower_layer(conv), lower_layer(follower)};
    uint64_t apart = 0;
    for (const CompiledStep& part : parts) {
      if (std::holds_alternative<HostStep>(part)) return both;
      apart += cycles(part);
    }
    return cycles(both) < apart ? std::optional(std::move(both)) : std::nullopt;
  }

  uint64_t cycles(const CompiledStep& step) const {
    return simulate_cycles(e_.hardware, std::get<CompiledLayer>(step).program.instructions, {}).cycles;
  }

  // A producer that fell back to the host leaves its readers a packed input.
  AcceleratorLayer as_it_is_read(AcceleratorLayer layer) const {
    const bool made_by_host = std::find(host_made_.begin(), host_made_.end(), layer.input) != host_made_.end();
    if (made_by_host && layer.workload.kind == WorkloadKind::kConv2d) layer.workload.host_input = true;
    return layer;
  }

  CompiledStep lower_layer(const AcceleratorLayer& planned) {
    const AcceleratorLayer layer = as_it_is_read(planned);
    std::optional<Schedule> schedule = schedules_ ? schedules_(layer.workload) : std::nullopt;
    if (schedule) {
      const std::string why = why_illegal(layer.workload, *schedule, e_.hardware);
      if (!why.empty()) fail_user("layer {}: schedule {} is illegal: {}", layer.name, schedule->to_string(), why);
    } else {
      schedule = default_schedule(layer.workload);
    }
    if (!schedule) return HostStep{layer.node, "no schedule fits: " + why_none_legal(layer.workload, e_.hardware)};
    CompiledLayer compiled;
    compiled.layer = layer;
    compiled.schedule = *schedule;
    compiled.program = lower(layer.workload, *schedule, e_.hardware, {layer.numbers, layer.stage_numbers});
    return compiled;
  }

  std::optional<Schedule> default_schedule(const Workload& workload) {
    for (const auto& [known, schedule] : defaults_) {
      if (known == workload) return schedule;
    }
    defaults_.emplace_back(workload, best_estimated(workload, e_.hardware));
    return defaults_.back().second;
  }

  // Concatenations and slices whose parts lie in the larger tensor leave nothing to do.
  void find_views() {
    std::vector<bool> written(e_.graph.tensors.size(), false);
    for (const CompiledStep& step : e_.steps) {
      const auto* compiled = std::get_if<CompiledLayer>(&step);
      if (compiled != nullptr) written[static_cast<size_t>(compiled->layer.output)] = true;
    }
    views_ = channel_views(e_.graph, written, output_layout(e_.hardware));
    producers_ = e_.graph.producers();
    std::erase_if(e_.steps, [&](const CompiledStep& step) {
      const auto* host = std::get_if<HostStep>(&step);
      return host != nullptr && views_.in_place[static_cast<size_t>(host->node)];
    });
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
        compiled->output_buffer = device_buffer(compiled->layer.output, step);
      } else {
        for (const TensorId input : e_.graph.nodes[static_cast<size_t>(std::get<HostStep>(e_.steps[i]).node)].inputs) {
          if (input != kNoTensor) device_buffer(input, step);
        }
      }
    }
    for (const TensorId output : e_.graph.outputs) device_buffer(output, static_cast<int>(e_.steps.size()));
  }

  int add_buffer(TensorId tensor, const ActivationLayout& layout, int step, bool host_packs) {
    const auto [n, c, h, w] = as_image(e_.graph.tensor(tensor).shape);
    DeviceBuffer buffer{tensor, layout, 0, static_cast<uint64_t>(layout.bytes(n, c, h, w)), host_packs, step, step};
    const ChannelView& view = views_.views[static_cast<size_t>(tensor)];
    const bool is_part = view.whole != kNoTensor && layout.same_bytes(output_layout(e_.hardware));
    if (is_part) {
      buffer.whole = device_buffer(view.whole, step);
      buffer.offset = static_cast<uint64_t>(view.first_channel * h * w * layout.batch);
      const DeviceBuffer& whole = e_.buffers[static_cast<size_t>(buffer.whole)];
      ARCO_CHECK(buffer.offset + buffer.bytes <= whole.bytes, "{} ends behind the tensor it belongs to",
                 e_.graph.tensor(tensor).name);
    }
    e_.buffers.push_back(buffer);
    return static_cast<int>(e_.buffers.size()) - 1;
  }

  int find_buffer(TensorId tensor, const ActivationLayout& layout) const {
    const auto found = std::find_if(e_.buffers.begin(), e_.buffers.end(), [&](const DeviceBuffer& buffer) {
      return buffer.tensor == tensor && buffer.layout.same_bytes(layout);
    });
    return found == e_.buffers.end() ? -1 : static_cast<int>(found - e_.buffers.begin());
  }

  // The buffer that accelerator layers write the tensor or parts of it into, alive at this step; -1 if only the host
  // has it.
  int device_buffer(TensorId tensor, int step) {
    if (!views_.on_device[static_cast<size_t>(tensor)]) return -1;
    int index = find_buffer(tensor, output_layout(e_.hardware));
    if (index < 0) {
      index = add_buffer(tensor, output_layout(e_.hardware), step, false);
      add_host_parts(tensor, step);
    }
    keep_alive(index, step);
    return index;
  }

  // The parts of a concatenation in place that the host has to write.
  void add_host_parts(TensorId tensor, int step) {
    const int producer = producers_[static_cast<size_t>(tensor)];
    const Node& node = e_.graph.nodes[static_cast<size_t>(producer)];
    if (!views_.in_place[static_cast<size_t>(producer)] || !std::holds_alternative<Concat>(node.op)) return;
    for (const TensorId part : node.inputs) {
      if (!views_.on_device[static_cast<size_t>(part)]) add_buffer(part, output_layout(e_.hardware), step, true);
    }
  }

  // The buffer that holds the tensor in this layout; a new one for the host to fill if there is none.
  int read_buffer(TensorId tensor, const ActivationLayout& layout, int step) {
    const TensorId whole = views_.views[static_cast<size_t>(tensor)].whole;
    if (whole != kNoTensor) device_buffer(whole, step);
    device_buffer(tensor, step);
    const int index = find_buffer(tensor, layout);
    if (index < 0) return add_buffer(tensor, layout, step, true);
    keep_alive(index, step);
    return index;
  }

  void keep_alive(int index, int step) {
    for (; index >= 0; index = e_.buffers[static_cast<size_t>(index)].whole) {
      int& last = e_.buffers[static_cast<size_t>(index)].last_step;
      last = std::max(last, step);
    }
  }

  // What the tensor between the layers of a chain would take in DRAM; 0 for a single layer.
  uint64_t bytes_between(const CompiledStep& step) const {
    const auto* compiled = std::get_if<CompiledLayer>(&step);
    if (compiled == nullptr || compiled->layer.stage_node < 0) return 0;
    const Workload& w = compiled->layer.workload;
    return static_cast<uint64_t>(output_layout(e_.hardware).bytes(w.n, w.co, w.conv_oh(), w.conv_ow()));
  }

  void place() {
    const auto pages = [](uint64_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; };
    std::vector<BufferLife> lives;
    for (const DeviceBuffer& buffer : e_.buffers) {
      e_.activation_bytes_unshared += pages(buffer.bytes);
      if (buffer.whole < 0) lives.push_back({buffer.bytes, buffer.first_step, buffer.last_step});
    }
    for (const CompiledStep& step : e_.steps) e_.activation_bytes_unshared += pages(bytes_between(step));
    const Placement placement = place_buffers(lives, kPageBytes, kPageBytes);
    auto address = placement.addresses.begin();
    for (DeviceBuffer& buffer : e_.buffers) {
      buffer.address =
          buffer.whole < 0 ? *address++ : e_.buffers[static_cast<size_t>(buffer.whole)].address + buffer.offset;
    }
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
  const ChainRule rule_;
  std::vector<std::pair<Workload, std::optional<Schedule>>> defaults_;
  std::vector<TensorId> host_made_;
  ChannelViews views_;
  std::vector<int> producers_;
};

}  // namespace

Executable compile(Graph quantized, const HardwareConfig& hardware, const ScheduleSource& schedules, ChainRule chains) {
  ErrorList errors("hardware " + hardware.to_string());
  for (const std::string& violation : hardware.violations()) errors.add("{}", violation);
  const auto needs_plus = [](const Node& node) {
    return node.requantize && (node.requantize->channels || node.requantize->zeros.pad != 0);
  };
  if (hardware.variant == IsaVariant::kUp && std::ranges::any_of(quantized.nodes, needs_plus)) {
    errors.add(
        "there is a scale for each channel of weights, or padding other than 0: multiplication by a vector and padding "
        "with the minimum are of chips of variant vta++. Quantise with --weight-scales per-tensor, or take such "
        "hardware");
  }
  errors.throw_if_any();
  Executable executable;
  executable.graph = std::move(quantized);
  executable.hardware = hardware;
  Compiler(executable, schedules, chains).run();
  return executable;
}

std::vector<uint8_t> constant_bytes(const Executable& executable, const CompiledLayer& compiled, SegmentKind kind) {
  const AcceleratorLayer& layer = compiled.layer;
  const auto constant = [&](TensorId id) -> const Array& { return *executable.graph.tensor(id).constant; };
  if (kind == SegmentKind::kWeight) return pack_weights(constant(layer.weight), layer.workload, executable.hardware);
  ARCO_CHECK(kind == SegmentKind::kBias, "{} is not constant", to_string(kind));
  if (layer.workload.kind != WorkloadKind::kConv2d) {
    return pack_constant(rounding_of(layer.numbers.shift) + layer.numbers.zeros.offset, executable.hardware);
  }
  const Array* bias = layer.bias == kNoTensor ? nullptr : &constant(layer.bias);
  return pack_bias(bias_rows(bias, layer.numbers, layer.workload.co), executable.hardware);
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
