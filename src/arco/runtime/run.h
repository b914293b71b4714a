// Runs an executable on the simulators and says whether it computed what the reference computes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "arco/graph/difference.h"
#include "arco/runtime/executable.h"
#include "arco/sim/cycle.h"

namespace arco {

// A tensor that differs from the reference.
struct Mismatch {
  std::string layer;  // the accelerator layer that made it; empty: an output of the network
  std::string tensor;
  Difference difference;
  std::string to_string() const;
};

struct LayerRun {
  std::string name;
  Workload workload;
  Schedule schedule;
  CycleReport cycles;     // rung "cycle"
  bool verified = false;  // compared and equal
};

struct RunResult {
  std::vector<Array> outputs;    // float32, in the order of the graph's outputs
  std::vector<LayerRun> layers;  // of the accelerator
  std::vector<Mismatch> mismatches;
  uint64_t total_cycles() const;
};

struct RunOptions {
  bool verify = false;  // compare every accelerator layer with the reference; stops at the first layer that differs
  bool verify_outputs = false;  // compare the network's outputs with the reference
  bool cycles = true;
  TimingModel timing;
  // Called around each accelerator layer with its DRAM, before (true) and after (false) it ran.
  std::function<void(const CompiledLayer&, std::span<const uint8_t> dram, bool before)> observe;
};

// Inputs in the order of the graph's inputs; a wrong type or shape is a UserError that names the expected one.
RunResult run(const Executable& executable, const std::vector<Array>& inputs, const RunOptions& options = {});

// Cycles of every accelerator layer without running data through it. Up to `jobs` layers at a time.
std::vector<LayerRun> layer_cycles(const Executable& executable, const TimingModel& timing = {}, int jobs = 1);

}  // namespace arco
