// ARCO on the layers of a network together: one budget of measurements, spent where it promises most, and what one
// layer teaches is known to those that start later.
#pragma once

#include <functional>
#include <vector>

#include "arco/search/schedule_tuning.h"

namespace arco {

// Fills `tuned` (in the order of the tasks, spaces given) with `options.trials` measurements a task on average, at
// least one batch each. For the tuner "arco" only. started(n) when n tasks have results, from one thread at a time.
void tune_in_rounds(const std::vector<WeightedTask>& tasks, const TaskTuningOptions& options, RecordedSearch& records,
                    std::vector<TunedTask>& tuned, const std::function<void(size_t)>& started);

}  // namespace arco
