// ARCO against the other tuners on equal terms: the same tasks, simulator, features and random numbers. The modes are
//
//     software  schedules on the default VTA, each layer tuned by itself
//     layers    chip and schedule of each layer, a chip for every layer (what single-layer tuning reports)
//     chip      one chip for the whole network
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arco/search/co_optimiser.h"

namespace arco {

enum class BenchMode : uint8_t { kSoftware, kLayers, kChip };
const char* to_string(BenchMode mode);

struct BenchNetwork {
  std::string name;
  std::vector<WeightedTask> tasks;
};

struct BenchOptions {
  std::vector<std::string> tuners;  // by name; all of them in all modes
  std::vector<BenchMode> modes{BenchMode::kSoftware, BenchMode::kLayers, BenchMode::kChip};
  size_t seeds = 5;     // 0, 1, ...
  size_t trials = 256;  // of each layer; in mode chip: of the chip, plus `layer_trials` of each layer on it
  size_t layer_trials = 32;
  SpaceOptions joint;             // modes layers and chip
  int jobs = 0;                   // searches at a time; each uses one thread, so that its own times mean something
  std::filesystem::path scratch;  // a folder for records that are deleted again
};

// Best so far of a network: cycles after so many measured layers and so many seconds of measuring and searching.
struct BenchPoint {
  uint64_t measurements = 0;
  double seconds = 0;
  double cycles = 0;
};

struct BenchRun {
  std::string network;
  BenchMode mode = BenchMode::kSoftware;
  std::string tuner;
  uint64_t seed = 0;
  std::optional<double> cycles;   // of all layers, weighted; nothing where a layer found no legal configuration
  double area_mm2 = 0;            // of the chip; mode layers: of the largest
  SearchEffort effort;            // effort.measurements counts measured layers
  double seconds = 0;             // measuring and searching
  std::vector<BenchPoint> curve;  // cycles descending; begins when every layer has a result
};

// What is known of a network without any tuner of the comparison.
struct BenchTruth {
  std::string network;
  double software_cycles = 0;    // default VTA, every schedule optimal
  bool software_proved = false;  // by branch and bound
  double chip_bound = 0;         // cycles that no chip of the joint space beats
};

struct BenchResults {
  std::vector<BenchRun> runs;  // by network, mode, tuner, seed; incomplete searches of an interrupt are missing
  std::vector<BenchTruth> truths;
};

// Layers that are equal in two networks are tuned once for both, except in mode chip. progress(done, all) counts
// searches. Ends early on an interrupt.
BenchResults run_paper_bench(const std::vector<BenchNetwork>& networks, const BenchOptions& options,
                             const std::function<void(size_t, size_t)>& progress);

// The first point of the curve with at most `cycles`; nullptr if there is none.
const BenchPoint* first_reaching(const BenchRun& run, double cycles);

}  // namespace arco
