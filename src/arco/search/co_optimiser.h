// One chip for whole networks: the three agents search chips and schedules together, then refine every layer's schedule
// on the chip found.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arco/search/chain_tuning.h"
#include "arco/search/chip_search.h"
#include "arco/search/design.h"
#include "arco/search/record_store.h"
#include "arco/search/recorded_search.h"
#include "arco/search/task_split.h"

namespace arco {

struct CoOptimiserOptions {
  std::vector<ChainTask> chains;  // pairs of the tasks that may run as one layer
  SpaceOptions space;             // kSoftware: the chip is given, only schedules are searched
  TunerChoice tuner;              // any tuner of the registry
  size_t trials = 256;            // measured pairs of chip and schedules
  size_t layer_trials = 32;       // measured schedules of each task on the final chip
  size_t focus_tasks = 4;         // see ChipSearchOptions
  size_t final_chips = 3;
  size_t final_schedules = 8;
  double samples = 1;  // of one run of the network, as the design tells
  uint64_t seed = 0;
  int jobs = 0;                   // threads, 0: all cores; the result is the same for any number
  bool reference = true;          // also tune the default VTA's schedules, to compare with
  size_t reference_trials = 400;  // measured schedules of each task there, at most
  std::string command;            // as the records keep it
  TimingModel timing;
  AgentLibrary* learned = nullptr;  // ARCO: takes in what the agents know at the end
};

struct TuneProgress {
  const char* phase = "";  // "core shapes", "chips", "schedules", "default VTA"
  size_t done = 0;         // measurements or parts of this phase
  size_t planned = 0;
  double best_cycles = 0;  // of the network; 0: none yet
  std::string best_chip;
  uint64_t simulated = 0;         // layers measured so far, of all tasks on all chips; those of "schedules" at its end
  double simulating_seconds = 0;  // of these, all threads together
  uint64_t stored = 0;            // measurements in the record store so far, of this process
  SearchEffort effort;            // of the searches that ended
};
using ReportProgress = std::function<void(const TuneProgress&)>;

// Every measurement is in `records` before the next is asked for; those of an earlier run are used, not repeated.
// Tasks that no chip of the space runs become Design::host_tasks. Interrupted, it returns the best so far
// (complete = false); RunError if there is nothing yet. UserError if no chip is within the budget or none runs
// anything.
Design co_optimise(const std::vector<WeightedTask>& tasks, const CoOptimiserOptions& options, RecordStore& records,
                   const ReportProgress& progress);

// The default VTA, every task's and chain's schedule searched with branch and bound: what a design is compared with.
// Nothing if interrupted or if a task does not fit it. finished(done) after each task.
std::optional<Reference> tune_default_vta(const std::vector<WeightedTask>& tasks, const CoOptimiserOptions& options,
                                          RecordedSearch& records, const std::function<void(size_t)>& finished);

}  // namespace arco
