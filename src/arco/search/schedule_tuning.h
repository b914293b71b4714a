// Tuning tasks one by one, each in its own space: the schedules of a network on one chip, or every layer's own chip.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "arco/search/chip_table.h"
#include "arco/search/recorded_search.h"

namespace arco {

struct TaskTuningOptions {
  TunerChoice tuner;
  size_t trials = 32;  // measurements of each task; ARCO spends the sum where it promises most
  size_t batch = 8;    // at most, between two asks
  uint64_t seed = 0;   // task t searches with seed + t
  int jobs = 0;        // tasks at a time, 0: all cores; the results do not depend on it
  TimingModel timing;
  AgentLibrary* learned = nullptr;  // ARCO: takes in what the agents know at the end
};

struct TunedTask {
  std::unique_ptr<ConfigurationSpace> space;
  TuneResult result;  // kIllegal where the task has no legal configuration
};

// In the order of the tasks. `finished(done)` after each task, from one thread at a time. After an interrupt some
// results are empty.
std::vector<TunedTask> tune_tasks(const std::vector<WeightedTask>& tasks, const SpaceOptions& space,
                                  const TaskTuningOptions& options, RecordedSearch& records,
                                  const std::function<void(size_t)>& finished = {});

// The space of the schedules on one chip, with the schedule knobs and the objective that `like` has.
SpaceOptions schedules_on(const HardwareConfig& hardware, const SpaceOptions& like = {});

}  // namespace arco
