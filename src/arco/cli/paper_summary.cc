// Rows and races from single runs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "arco/base/error.h"
#include "arco/cli/paper_table.h"
#include "arco/search/record_exchange.h"

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

// Seconds of a run that are not the simulator's, and a second for each measurement instead.
double board_seconds(const BenchRun& run, const BenchPoint& point) {
  const double measuring = run.seconds > 0 ? std::min(run.effort.measure_seconds / run.seconds, 1.0) : 0;
  return static_cast<double>(point.measurements) + point.seconds * (1 - measuring);
}

// What the mode can reach: the optimum where it is known, else the best of all runs.
double best_of_mode(const BenchResults& results, const std::string& network, BenchMode mode) {
  double best = kInfinity;
  for (const BenchRun* run : select(results, network, mode, "")) best = std::min(best, cycles_of(*run));
  if (mode != BenchMode::kSoftware) return best;
  for (const BenchTruth& truth : results.truths) {
    if (truth.network == network) best = std::min(best, truth.software_cycles);
  }
  return best;
}

double measurements_to(const BenchRun& run, double cycles) {
  const BenchPoint* point = first_reaching(run, cycles);
  return point == nullptr ? kInfinity : static_cast<double>(point->measurements);
}

double seconds_to(const BenchRun& run, double cycles) {
  const BenchPoint* point = first_reaching(run, cycles);
  return point == nullptr ? kInfinity : point->seconds;
}

double board_seconds_to(const BenchRun& run, double cycles) {
  const BenchPoint* point = first_reaching(run, cycles);
  return point == nullptr ? kInfinity : board_seconds(run, *point);
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
  row.measurements = over(runs, [](const BenchRun& r) { return static_cast<double>(r.effort.measurements); });
  row.invalid = over(runs, [](const BenchRun& r) { return static_cast<double>(r.effort.invalid); });
  const double best = best_of_mode(results, first.network, first.mode);
  row.to_own_99 = over(runs, [](const BenchRun& r) { return measurements_to(r, cycles_of(r) / 0.99); });
  row.to_best_99 = over(runs, [&](const BenchRun& r) { return measurements_to(r, best / 0.99); });
  row.seconds_to_own_99 = over(runs, [](const BenchRun& r) { return seconds_to(r, cycles_of(r) / 0.99); });
  row.seconds = over(runs, [](const BenchRun& r) { return r.seconds; });
  row.measure_seconds = over(runs, [](const BenchRun& r) { return r.effort.measure_seconds; });
  row.fit_seconds = over(runs, [](const BenchRun& r) { return r.effort.fit_seconds; });
  row.search_seconds =
      over(runs, [](const BenchRun& r) { return r.seconds - r.effort.measure_seconds - r.effort.fit_seconds; });
  row.board_seconds = over(runs, [](const BenchRun& r) {
    return board_seconds(r, {r.effort.measurements, r.seconds, 0});
  });
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
    return rest == 0 ? values[below] : values[below] + rest * (values[below + 1] - values[below]);
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

}  // namespace arco
