// What a tuning run delivers: the chip, a schedule for every workload on it, and the evidence.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"
#include "arco/search/objective.h"

namespace arco {

struct DesignTask {
  std::string workload;  // Workload::to_string()
  double weight = 1;     // layers of this workload
  Schedule schedule;
  double cycles = 0;     // one layer, rung "cycle"
  double energy_pj = 0;  // the same
  double bound = 0;      // cycles, one layer on this chip, over all schedules, rung "bound"
  bool operator==(const DesignTask&) const = default;
};

// A task that no chip of the space could run.
struct DesignHostTask {
  std::string workload;
  double weight = 1;
  std::string why;
  bool operator==(const DesignHostTask&) const = default;
};

// A network on a chip that was not searched. `proved`: every layer's schedule is the optimum of its space.
struct Reference {
  HardwareConfig hardware;
  double cycles = 0;
  double energy_pj = 0;
  double area_mm2 = 0;
  bool proved = false;
  bool operator==(const Reference&) const = default;
};

struct Design {
  HardwareConfig hardware;
  std::vector<DesignTask> tasks;
  std::vector<DesignHostTask> host_tasks;  // left to the host, not part of the cycles
  std::string objective = "latency";
  double samples = 1;    // of one run
  double cycles = 0;     // of all layers, weighted, rung "cycle"
  double energy_pj = 0;  // the same
  double area_mm2 = 0;
  // What no chip of the space within the budget undercuts, as the objective counts (objective.h: cycles, pJ, pJ *
  // cycles or mm^2); 0: not computed.
  double network_bound = 0;
  std::optional<Reference> reference;  // the default VTA with its best schedules
  std::string tuner;
  uint64_t seed = 0;
  uint64_t measurements = 0;
  bool complete = true;  // false: interrupted
  bool operator==(const Design&) const = default;

  Metrics metrics() const { return {cycles, energy_pj, area_mm2}; }
  std::optional<Schedule> schedule_for(const Workload& workload) const;
};

// design.json. Reading checks everything and reports all problems at once (UserError).
nlohmann::json to_json(const Design& design);
nlohmann::json to_json(const Schedule& schedule);
nlohmann::json to_json(const std::vector<DesignHostTask>& tasks);
nlohmann::json to_json(const std::optional<Reference>& reference);  // or null
void write_design(const Design& design, const std::filesystem::path& path);
Design parse_design(const std::string& text, const std::string& source);
Design read_design(const std::filesystem::path& path);

}  // namespace arco
