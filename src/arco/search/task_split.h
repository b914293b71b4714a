// Which tasks of a network some chip of the space can run, and which have to stay on the host.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "arco/search/chip_table.h"

namespace arco {

struct HostTask {
  Workload workload;
  double weight = 1;
  std::string why;  // for instance the buffer that its smallest tiles exceed
};

struct TaskSplit {
  std::unique_ptr<ChipTable> table;  // of the tasks that stay; nullptr if none does, or after an interrupt
  std::vector<HostTask> host;
};

// Leaves out as few tasks as it takes for one chip to run all the others: first those that no usable chip runs, then,
// while there is no common chip, the one that the fewest chips run. UserError if no chip is usable at all.
TaskSplit split_tasks(const std::vector<WeightedTask>& tasks, const SpaceOptions& options, int jobs,
                      const std::function<void(size_t, size_t)>& progress = {});

}  // namespace arco
