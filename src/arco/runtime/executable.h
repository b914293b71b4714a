// A compiled network: the quantised graph, the accelerator, a program for every accelerator layer, and the map of the
// DRAM they share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "arco/graph/graph.h"
#include "arco/hardware/hardware_config.h"
#include "arco/isa/program.h"
#include "arco/plan/network_plan.h"
#include "arco/schedule/geometry.h"
#include "arco/schedule/schedule.h"

namespace arco {

// An activation in DRAM, in one of the layouts it is read or written in.
struct DeviceBuffer {
  TensorId tensor = kNoTensor;
  ActivationLayout layout;
  uint64_t address = 0;
  uint64_t bytes = 0;
  bool host_packs = false;  // the host writes it; otherwise accelerator layers do
  int first_step = 0;       // alive from here ...
  int last_step = 0;        // ... to here
  int whole = -1;           // the buffer of which this is a part (channel_views.h), before this one
  uint64_t offset = 0;      // in the whole
};

struct CompiledLayer {
  AcceleratorLayer layer;
  Schedule schedule;
  Program program;       // in the addresses of the shared DRAM
  int input_buffer = 0;  // indices in Executable::buffers
  int residual_buffer = -1;
  int output_buffer = 0;
};

using CompiledStep = std::variant<CompiledLayer, HostStep>;

struct Executable {
  Graph graph;  // quantised
  HardwareConfig hardware;
  std::vector<CompiledStep> steps;
  std::vector<DeviceBuffer> buffers;
  uint64_t dram_bytes = 0;  // end of the last segment
  // Tensors that the accelerator reads or writes in DRAM, in its layouts and whole pages; copies that only the host
  // holds are not counted.
  uint64_t activation_bytes = 0;           // their peak: what the activation area takes
  uint64_t activation_bytes_unshared = 0;  // with a place for each of them, and for those that chains keep out of DRAM
};

// The schedule for a workload, or nothing to take the best estimated one.
using ScheduleSource = std::function<std::optional<Schedule>(const Workload&)>;

// Whether convolutions run as one layer with the pooling or addition behind them (NetworkPlan::chains).
enum class ChainRule {
  kNever,
  kWhereScheduled,  // where the source has a schedule for the chain
  kWhereFaster,     // there, and where the best estimated one beats the two layers, by the cycle simulator
};

// A layer that no schedule fits (or whose given schedule is illegal: UserError) runs on the host, with the reason.
Executable compile(Graph quantized, const HardwareConfig& hardware, const ScheduleSource& schedules = {},
                   ChainRule chains = ChainRule::kWhereFaster);

// Packed weights, biases, micro-ops and instructions in place; activations zero.
std::vector<uint8_t> initial_dram(const Executable& executable);

// Bytes of a layer's constant segments (weight, bias), as packed.
std::vector<uint8_t> constant_bytes(const Executable& executable, const CompiledLayer& layer, SegmentKind kind);

// .arco files. Loading checks everything: UserError names what is wrong.
void save_executable(const Executable& executable, const std::filesystem::path& path);
Executable load_executable(const std::filesystem::path& path);
// The same for a file in memory, and for what is inside its compressed frame; `source` is how errors call it.
Executable parse_executable(std::span<const uint8_t> file, const std::string& source);
Executable parse_executable_content(std::span<const uint8_t> content, const std::string& source);

}  // namespace arco
