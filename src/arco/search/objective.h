// What a search minimises, and the one place where a measurement becomes the number that tuners see.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arco/search/measurement.h"

namespace arco {

constexpr double kVtaClockHz = 100e6;  // cycles to seconds: VTA on the boards AutoTVM measured

enum class Objective : uint8_t { kLatency, kThroughput, kEnergy, kEdp, kArea };
const std::vector<Objective>& objectives();
const char* to_string(Objective objective);  // "latency", "throughput", "energy", "edp", "area"
// UserError that names `flag`, the nearest objective and all of them.
Objective parse_objective(const std::string& name, const std::string& flag);

// Of a layer or a network on a chip: measured, estimated, or least possible.
struct Metrics {
  double cycles = 0;
  double energy_pj = 0;
  double area_mm2 = 0;
  bool operator==(const Metrics&) const = default;
};
Metrics metrics_of(const Measurement& measurement);

// Less is better; grows with each metric, so least possible metrics give least possible cost.
//
//     latency, throughput  cycles (the samples of a run do not change)
//     energy               pJ
//     edp                  pJ * cycles
//     area                 mm^2; of equal chips the faster costs a trace less
double cost_of(Objective objective, const Metrics& metrics);
// The same where a run may take so much energy only: whatever takes more costs a million times as much, and more the
// more it takes.
double cost_within(Objective objective, const Metrics& metrics, const std::optional<double>& energy_limit_pj);
// What schedules of one layer on one chip are compared by: cycles, or what the objective makes of cycles and energy.
double schedule_cost(Objective objective, double cycles, double energy_pj);
// Whether the cost depends on the energy.
bool needs_energy(Objective objective);

// The cost as people read it: ms, samples/s, uJ, uJ*ms, mm^2. A run has `samples` of them.
double value_of(Objective objective, const Metrics& metrics, double samples);
// The same of a bare cost, for objectives other than throughput.
double value_of_cost(Objective objective, double cost);
const char* unit_of(Objective objective);

}  // namespace arco
