// All schedules of a workload, and the best of them by the closed form: what compiling without tuning uses.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/estimate.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"

namespace arco {

// The values of each tile knob: divisors of its extent (multiples of the step), ascending.
struct TileChoices {
  std::vector<int64_t> b, h, w, ci, co;
};
TileChoices tile_choices(const Workload& workload, const HardwareConfig& hardware);

// Calls visit(schedule) for every legal schedule, always in the same order.
void for_each_legal(const Workload& workload, const HardwareConfig& hardware,
                    const std::function<void(const Schedule&)>& visit);

// Calls visit(schedule, its bound and estimate) for every legal schedule that `admits` (empty: all), in the same order.
// The costs are computed many at a time.
void for_each_cost(const Workload& workload, const HardwareConfig& hardware,
                   const std::function<bool(const Schedule&)>& admits,
                   const std::function<void(const Schedule&, const CycleCost&)>& visit);

// The legal schedule of least estimated cycles (the first of equals); nothing if the accelerator cannot run the
// workload.
std::optional<Schedule> best_estimated(const Workload& workload, const HardwareConfig& hardware);

// Why no schedule is legal: the rule that the smallest tiles break.
std::string why_none_legal(const Workload& workload, const HardwareConfig& hardware);

}  // namespace arco
