#include "arco/search/objective.h"

#include <fmt/ranges.h>

#include "arco/base/error.h"

namespace arco {
namespace {

// Areas of two chips differ by far more than this times the cycles of any network.
constexpr double kTraceOfCycles = 1e-16;
constexpr double kPicojoulesPerMicrojoule = 1e6;

}  // namespace

const std::vector<Objective>& objectives() {
  static const std::vector<Objective> all{Objective::kLatency, Objective::kThroughput, Objective::kEnergy,
                                          Objective::kEdp, Objective::kArea};
  return all;
}

const char* to_string(Objective objective) {
  switch (objective) {
    case Objective::kLatency:
      return "latency";
    case Objective::kThroughput:
      return "throughput";
    case Objective::kEnergy:
      return "energy";
    case Objective::kEdp:
      return "edp";
    case Objective::kArea:
      return "area";
  }
  return "?";
}

Objective parse_objective(const std::string& name, const std::string& flag) {
  std::vector<std::string> names;
  for (const Objective objective : objectives()) {
    if (name == to_string(objective)) return objective;
    names.emplace_back(to_string(objective));
  }
  const std::string nearest = nearest_word(name, names);
  fail_user("{}: there is no objective \"{}\"{}; objectives are {}", flag, name,
            nearest.empty() ? "" : fmt::format(", did you mean \"{}\"?", nearest), fmt::join(names, ", "));
}

Metrics metrics_of(const Measurement& m) {
  return {m.cycles, m.energy_pj, m.area_mm2};
}

double cost_of(Objective objective, const Metrics& m) {
  switch (objective) {
    case Objective::kLatency:
    case Objective::kThroughput:
      return m.cycles;
    case Objective::kEnergy:
      return m.energy_pj;
    case Objective::kEdp:
      return m.energy_pj * m.cycles;
    case Objective::kArea:
      return m.area_mm2 * (1 + kTraceOfCycles * m.cycles);
  }
  return 0;
}

double cost_within(Objective objective, const Metrics& metrics, const std::optional<double>& energy_limit_pj) {
  constexpr double kExcluded = 1e6;
  const double cost = cost_of(objective, metrics);
  if (!energy_limit_pj || metrics.energy_pj <= *energy_limit_pj) return cost;
  return cost * kExcluded * (metrics.energy_pj / *energy_limit_pj);
}

double schedule_cost(Objective objective, double cycles, double energy_pj) {
  return needs_energy(objective) ? cost_of(objective, {cycles, energy_pj, 0}) : cycles;
}

bool needs_energy(Objective objective) {
  return objective == Objective::kEnergy || objective == Objective::kEdp;
}

double value_of(Objective objective, const Metrics& m, double samples) {
  const double seconds = m.cycles / kVtaClockHz;
  switch (objective) {
    case Objective::kLatency:
      return 1e3 * seconds;
    case Objective::kThroughput:
      return samples / seconds;
    case Objective::kEnergy:
      return m.energy_pj / kPicojoulesPerMicrojoule;
    case Objective::kEdp:
      return m.energy_pj / kPicojoulesPerMicrojoule * 1e3 * seconds;
    case Objective::kArea:
      return m.area_mm2;
  }
  return 0;
}

double value_of_cost(Objective objective, double cost) {
  switch (objective) {
    case Objective::kLatency:
      return value_of(objective, {.cycles = cost}, 1);
    case Objective::kEnergy:
      return value_of(objective, {.energy_pj = cost}, 1);
    case Objective::kEdp:
      return value_of(objective, {.cycles = 1, .energy_pj = cost}, 1);
    case Objective::kArea:
      return cost;
    case Objective::kThroughput:
      break;
  }
  throw InternalError("a throughput needs its samples");
}

const char* unit_of(Objective objective) {
  switch (objective) {
    case Objective::kLatency:
      return "ms";
    case Objective::kThroughput:
      return "samples/s";
    case Objective::kEnergy:
      return "uJ";
    case Objective::kEdp:
      return "uJ*ms";
    case Objective::kArea:
      return "mm^2";
  }
  return "?";
}

}  // namespace arco
