// ARCO against the other tuners on equal terms: the same tasks, simulator, features and random numbers. The modes are
//
//     software  schedules on the default VTA, each layer tuned by itself
//     layers    chip and schedule of each layer, a chip for every layer (what single-layer tuning reports)
//     chip      one chip for the whole network
//     paper     as layers, with the paper's seven knobs and few measurements: how near to the exhaustive optimum?
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arco/search/co_optimiser.h"

namespace arco {

enum class BenchMode : uint8_t { kSoftware, kLayers, kChip, kPaper };
const std::vector<BenchMode>& bench_modes();
const char* to_string(BenchMode mode);

struct BenchNetwork {
  std::string name;
  std::vector<WeightedTask> tasks;
};

struct BenchOptions {
  std::vector<std::string> tuners;  // by name; all of them in all modes
  std::vector<BenchMode> modes = bench_modes();
  size_t seeds = 5;     // 0, 1, ...
  size_t trials = 256;  // of each layer; in mode chip: of the chip, plus `layer_trials` of each layer on it
  size_t layer_trials = 32;
  size_t paper_trials = 64;       // of each layer in mode paper
  SpaceOptions joint;             // modes layers and chip; of mode paper the budget
  int jobs = 0;                   // searches at a time; each uses one thread, so that its own times mean something
  std::filesystem::path scratch;  // a folder for records that are deleted again
};

// Best so far of a network: cycles after so many measured layers, and the time that took.
struct BenchPoint {
  uint64_t measurements = 0;
  double measure_seconds = 0;
  double search_seconds = 0;
  double cycles = 0;
  double seconds() const { return measure_seconds + search_seconds; }
};

struct BenchRun {
  std::string network;
  BenchMode mode = BenchMode::kSoftware;
  std::string tuner;
  uint64_t seed = 0;
  std::optional<double> cycles;   // of all layers, weighted; nothing where a layer found no legal configuration
  double area_mm2 = 0;            // of the chip; without one chip: of the largest
  uint64_t invalid = 0;           // measurements that brought no cycles
  double fit_seconds = 0;         // part of the searching
  BenchPoint total;               // at the end; its cycles are 0
  std::vector<BenchPoint> curve;  // cycles descending; begins when every layer has a result
};

// The least that any configuration takes, by branch and bound.
struct BenchOptimum {
  double cycles = 0;
  bool proved = false;
};

// What is known of a network without any tuner of the comparison.
struct BenchTruth {
  std::string network;
  std::optional<BenchOptimum> software, paper;  // the sum of the layers' optima, where the mode was asked for
  double chip_bound = 0;                        // cycles that no chip of the joint space beats; 0: mode not asked for
};

// One layer in mode paper.
struct BenchLayer {
  std::string workload;
  std::string tuner;
  uint64_t seed = 0;
  double cycles = 0;  // infinite: nothing legal found
  BenchOptimum optimum;
};

struct BenchResults {
  std::vector<BenchRun> runs;  // by network, mode, tuner, seed; incomplete searches of an interrupt are missing
  std::vector<BenchTruth> truths;
  std::vector<BenchLayer> layers;  // by layer, tuner, seed
  size_t paper_trials = 0;
};

// Layers that are equal in two networks are tuned once for both, except in mode chip. progress(done, all) counts
// searches. Ends early on an interrupt.
BenchResults run_paper_bench(const std::vector<BenchNetwork>& networks, const BenchOptions& options,
                             const std::function<void(size_t, size_t)>& progress);

// The first point of the curve with at most `cycles`; nullptr if there is none.
const BenchPoint* first_reaching(const BenchRun& run, double cycles);

}  // namespace arco
