// What a layer makes the accelerator do, in closed form: for bounds and estimates of its energy.
#pragma once

#include "arco/hardware/energy.h"
#include "arco/hardware/hardware_config.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"

namespace arco {

// No schedule does less of anything. The sizes of the buffers do not matter.
ActivityCounts least_activity(const Workload& workload, const HardwareConfig& hardware);

// pJ: what no schedule undercuts on this accelerator.
double energy_bound(const Workload& workload, const HardwareConfig& hardware);
// pJ of one legal schedule; not below the bound. `read_beats`: of the bus, without fetching instructions (CycleParts).
double energy_estimate(const Workload& workload, const HardwareConfig& hardware, double read_beats);

}  // namespace arco
