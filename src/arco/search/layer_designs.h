// Every layer on a chip of its own, as single-layer tuning reports it: what co-design could gain at most, not a design
// that can be built.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "arco/search/co_optimiser.h"

namespace arco {

struct LayerDesign {
  std::string workload;
  double weight = 1;
  HardwareConfig hardware;
  Schedule schedule;
  double cycles = 0;     // one layer, rung "cycle"
  double energy_pj = 0;  // the same
  double area_mm2 = 0;
  double cost = 0;          // of these, as the objective counts (objective.h)
  double proven_bound = 0;  // cost that nothing in the layer's space undercuts; 0: the tuner proves nothing
  uint64_t measurements = 0;
};

struct LayerDesigns {
  std::vector<LayerDesign> layers;
  std::vector<DesignHostTask> host_tasks;  // tasks without any legal configuration, or not measured
  std::string objective = "latency";       // of each layer by itself
  double cycles = 0;                       // of all layers, weighted
  double energy_pj = 0;                    // the same
  std::optional<Reference> reference;      // the default VTA with its best schedules
  std::string tuner;
  uint64_t seed = 0;
  bool complete = true;  // false: interrupted
};

// `options.trials` measurements of each task in the joint space `options.space`.
LayerDesigns optimise_layers(const std::vector<WeightedTask>& tasks, const CoOptimiserOptions& options,
                             RecordStore& records, const ReportProgress& progress);

nlohmann::json to_json(const LayerDesigns& designs);

}  // namespace arco
