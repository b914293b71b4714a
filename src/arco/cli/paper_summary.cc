// Rows, races, distances and bars from single runs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "arco/base/error.h"
#include "arco/cli/paper_table.h"
#include "arco/search/objective.h"

namespace arco {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Runs = std::vector<const BenchRun*>;

Runs select(const BenchResults& results, const std::string& network, BenchMode mode, const std::string& tuner) {
  Runs runs;
  for (const BenchRun& run : results.runs) {
    if (run.network == network && run.mode == mode && (tuner.empty() || run.tuner == tuner)) runs.push_back(&run);
  }
  return runs;
}

template <typename Value>
Quartiles over(const Runs& runs, const Value& value) {
  std::vector<double> values;
  for (const BenchRun* run : runs) values.push_back(value(*run));
  return quartiles_of(std::move(values));
}

double cycles_of(const BenchRun& run) {
  return run.cycles.value_or(kInfinity);
}

// The tuner's own seconds, and a second for each measurement instead of the simulator's.
double board_seconds(const BenchPoint& point) {
  return static_cast<double>(point.measurements) + point.search_seconds;
}

// What the mode can reach: the optimum where it is known, else the best of all runs.
double best_of_mode(const BenchResults& results, const std::string& network, BenchMode mode) {
  double best = kInfinity;
  for (const BenchRun* run : select(results, network, mode, "")) best = std::min(best, cycles_of(*run));
  for (const BenchTruth& truth : results.truths) {
    if (truth.network != network) continue;
    if (mode == BenchMode::kSoftware && truth.software) best = std::min(best, truth.software->cycles);
    if (mode == BenchMode::kPaper && truth.paper) best = std::min(best, truth.paper->cycles);
  }
  return best;
}

double measurements_to(const BenchRun& run, double cycles) {
  const BenchPoint* point = first_reaching(run, cycles);
  return point == nullptr ? kInfinity : static_cast<double>(point->measurements);
}

double seconds_to(const BenchRun& run, double cycles) {
  const BenchPoint* point = first_reaching(run, cycles);
  return point == nullptr ? kInfinity : point->seconds();
}

double board_seconds_to(const BenchRun& run, double cycles) {
  const BenchPoint* point = first_reaching(run, cycles);
  return point == nullptr ? kInfinity : board_seconds(*point);
}

BenchRow row_of(const BenchResults& results, const BenchRun& first) {
  const Runs runs = select(results, first.network, first.mode, first.tuner);
  BenchRow row;
  row.network = first.network;
  row.mode = first.mode;
  row.tuner = first.tuner;
  row.milliseconds = over(runs, [](const BenchRun& r) { return 1e3 * cycles_of(r) / kVtaClockHz; });
  const Runs reference = select(results, first.network, BenchMode::kSoftware, "autotvm");
  if (!reference.empty()) {
    const double baseline = over(reference, cycles_of).median;
    row.speedup = over(runs, [&](const BenchRun& r) { return baseline / cycles_of(r); });
  }
  row.area_mm2 = over(runs, [](const BenchRun& r) { return r.area_mm2; });
  row.measurements = over(runs, [](const BenchRun& r) { return static_cast<double>(r.total.measurements); });
  row.invalid = over(runs, [](const BenchRun& r) { return static_cast<double>(r.invalid); });
  const double best = best_of_mode(results, first.network, first.mode);
  row.to_own_99 = over(runs, [](const BenchRun& r) { return measurements_to(r, cycles_of(r) / 0.99); });
  row.to_best_99 = over(runs, [&](const BenchRun& r) { return measurements_to(r, best / 0.99); });
  row.seconds_to_own_99 = over(runs, [](const BenchRun& r) { return seconds_to(r, cycles_of(r) / 0.99); });
  row.seconds_to_best_99 = over(runs, [&](const BenchRun& r) { return seconds_to(r, best / 0.99); });
  row.seconds = over(runs, [](const BenchRun& r) { return r.total.seconds(); });
  row.measure_seconds = over(runs, [](const BenchRun& r) { return r.total.measure_seconds; });
  row.fit_seconds = over(runs, [](const BenchRun& r) { return r.fit_seconds; });
  row.search_seconds = over(runs, [](const BenchRun& r) { return r.total.search_seconds - r.fit_seconds; });
  row.board_seconds = over(runs, [](const BenchRun& r) { return board_seconds(r.total); });
  return row;
}

bool same_row(const BenchRun& a, const BenchRun& b) {
  return a.network == b.network && a.mode == b.mode && a.tuner == b.tuner;
}

}  // namespace

// Linear interpolation between order statistics.
Quartiles quartiles_of(std::vector<double> values) {
  ARCO_CHECK(!values.empty(), "no values");
  std::ranges::sort(values);
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(place);
    const double rest = place - static_cast<double>(below);
    if (rest == 0) return values[below];
    const double next = values[below + 1];
    return std::isinf(next) ? next : values[below] + rest * (next - values[below]);
  };
  return {at(0.25), at(0.5), at(0.75)};
}

std::vector<BenchRow> bench_rows(const BenchResults& results) {
  std::vector<BenchRow> rows;
  for (size_t i = 0; i < results.runs.size(); ++i) {
    if (i == 0 || !same_row(results.runs[i], results.runs[i - 1])) rows.push_back(row_of(results, results.runs[i]));
  }
  return rows;
}

std::vector<BenchRace> bench_races(const BenchResults& results) {
  const std::vector<BenchRow> rows = bench_rows(results);
  std::vector<BenchRace> races;
  for (const BenchRow& arco : rows) {
    if (arco.tuner != "arco") continue;
    const BenchRow* best = nullptr;
    for (const BenchRow& row : rows) {
      if (row.network != arco.network || row.mode != arco.mode || row.tuner.starts_with("arco")) continue;
      if (best == nullptr || row.milliseconds.median < best->milliseconds.median) best = &row;
    }
    if (best == nullptr || best->milliseconds.median == kInfinity) continue;
    const Runs theirs = select(results, arco.network, arco.mode, best->tuner);
    const Runs ours = select(results, arco.network, arco.mode, "arco");
    const double quality = over(theirs, cycles_of).median;
    const auto median = [](const Runs& runs, const auto& value) { return over(runs, value).median; };
    races.push_back({arco.network, arco.mode, best->tuner,
                     median(theirs, [](const BenchRun& r) { return measurements_to(r, cycles_of(r)); }),
                     median(ours, [&](const BenchRun& r) { return measurements_to(r, quality); }),
                     median(theirs, [](const BenchRun& r) { return seconds_to(r, cycles_of(r)); }),
                     median(ours, [&](const BenchRun& r) { return seconds_to(r, quality); }),
                     median(theirs, [](const BenchRun& r) { return board_seconds_to(r, cycles_of(r)); }),
                     median(ours, [&](const BenchRun& r) { return board_seconds_to(r, quality); })});
  }
  return races;
}

std::vector<BenchNearness> bench_nearness(const BenchResults& results) {
  std::map<std::string, std::map<std::string, std::vector<double>>> gaps;  // by tuner and layer, one for each seed
  std::vector<std::string> order;                                          // of the tuners
  for (const BenchLayer& layer : results.layers) {
    if (!gaps.contains(layer.tuner)) order.push_back(layer.tuner);
    gaps[layer.tuner][layer.workload].push_back(layer.cycles / layer.optimum.cycles - 1);
  }
  constexpr double kNear = 0.01;
  std::vector<BenchNearness> nearness;
  for (const std::string& tuner : order) {
    BenchNearness n{.tuner = tuner, .layers = gaps[tuner].size(), .gap = {}};
    std::vector<double> medians;
    double runs = 0;
    for (const auto& [workload, of_layer] : gaps[tuner]) {
      medians.push_back(quartiles_of(of_layer).median);
      n.layers_within += medians.back() <= kNear ? 1 : 0;
      for (const double gap : of_layer) n.runs_within += gap <= kNear ? 1 : 0;
      runs += static_cast<double>(of_layer.size());
    }
    n.layers_within /= static_cast<double>(n.layers);
    n.runs_within /= runs;
    n.worst_gap = std::ranges::max(medians);
    n.gap = quartiles_of(std::move(medians));
    nearness.push_back(std::move(n));
  }
  return nearness;
}

namespace {

// Throughput over software-only AutoTVM that one chip of a network should reach.
double needed_speedup(const std::string& network) {
  if (network == "resnet18") return 2.5;
  return network == "vgg16" ? 3 : 1.38;
}

}  // namespace

std::vector<BenchBar> bench_bars(const BenchResults& results) {
  std::vector<BenchBar> bars;
  for (const BenchRow& row : bench_rows(results)) {
    if (row.tuner != "arco" || row.mode != BenchMode::kChip || row.speedup.median == 0) continue;
    bars.push_back(
        {"throughput over software-only AutoTVM", row.network, needed_speedup(row.network), row.speedup.median});
    bars.push_back(
        {"area over the default VTA's", row.network, 1, row.area_mm2.high / area_of(HardwareConfig()).total(), false});
  }
  for (const BenchNearness& n : bench_nearness(results)) {
    if (n.tuner == "arco") {
      bars.push_back({fmt::format("layers within 1 % after {} measurements", results.paper_trials), "paper space", 0.95,
                      n.layers_within});
    }
  }
  for (const BenchRace& race : bench_races(results)) {
    const std::string where = fmt::format("{}, {}", race.network, to_string(race.mode));
    bars.push_back({"measurements over the best baseline's", where, 0.5,
                    race.arco_measurements / race.baseline_measurements, false});
    bars.push_back(
        {"wall time over the best baseline's", where, 0.58, race.arco_seconds / race.baseline_seconds, false});
  }
  return bars;
}

}  // namespace arco
