// Schedules, workloads and hardware as JSON, in .arco files and for other tools.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "arco/graph/json_view.h"
#include "arco/hardware/hardware_config.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"

namespace arco {

// The members by their names; the loop order is "spatial-outer" or "channel-outer".
nlohmann::json schedule_to_json(const Schedule& schedule);
// Checks types and signs; whether the schedule is legal is another question. UserError.
Schedule schedule_from_json(const JsonView& json);

nlohmann::json workload_to_json(const Workload& workload);

// The keys of vta_config.json as an object.
nlohmann::json hardware_to_json(const HardwareConfig& hardware);

}  // namespace arco
