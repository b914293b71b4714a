// One chip for whole networks: the three agents search chips and schedules together, then refine every layer's schedule
// on the chip found.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "arco/search/chip_table.h"
#include "arco/search/design.h"
#include "arco/search/record_store.h"
#include "arco/sim/cycle.h"

namespace arco {

struct CoOptimiserOptions {
  SpaceOptions space;          // kSoftware: the chip is given, only schedules are searched
  size_t trials = 256;         // measured pairs of chip and schedules
  size_t layer_trials = 32;    // measured schedules of each task on the final chip
  size_t focus_tasks = 4;      // the tasks whose schedules the agents move together with the chip, costliest first
  size_t final_chips = 3;      // chips whose schedules are compared closely before the final one is chosen
  size_t final_schedules = 8;  // schedules of each task compared there, best estimated first
  uint64_t seed = 0;
  int jobs = 0;                   // threads, 0: all cores; the result is the same for any number
  bool reference = true;          // also tune the default VTA's schedules, to compare with
  size_t reference_trials = 400;  // measured schedules of each task there, at most
  nlohmann::json tuner;           // hyper-parameters of the ARCO tuner by name; null: defaults
  std::string command;            // as the records keep it
  TimingModel timing;
};

struct TuneProgress {
  const char* phase = "";  // "chips", "schedules", "default VTA"
  size_t done = 0;         // measurements of this phase
  size_t planned = 0;
  double best_cycles = 0;  // of the network; 0: none yet
  std::string best_chip;
};

// Every measurement is in `records` before the next is asked for; those of an earlier run are used, not repeated.
// Interrupted, it returns the best so far (complete = false); RunError if there is nothing yet. UserError if no chip
// within the budget runs every task.
Design co_optimise(const std::vector<WeightedTask>& tasks, const CoOptimiserOptions& options, RecordStore& records,
                   const std::function<void(const TuneProgress&)>& progress);

}  // namespace arco
