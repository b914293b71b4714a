#include "arco/cli/paper_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arco/cli/table.h"
#include "arco/search/objective.h"

namespace arco {
namespace {

constexpr auto kRight = TextTable::Align::kRight;

std::string number(double value, int digits = 0) {
  if (!std::isfinite(value)) return "-";
  return digits == 0 ? grouped(static_cast<uint64_t>(std::lround(std::max(value, 0.0))))
                     : fmt::format("{:.{}f}", value, digits);
}

std::string with_quartiles(const Quartiles& q, int digits) {
  return fmt::format("{} [{} {}]", number(q.median, digits), number(q.low, digits), number(q.high, digits));
}

std::string rows_text(const std::vector<BenchRow>& rows, const std::string& network) {
  TextTable table({{"mode"},
                   {"tuner"},
                   {"ms [quartiles]", kRight},
                   {"x autotvm", kRight},
                   {"mm^2", kRight},
                   {"measured", kRight},
                   {"invalid", kRight},
                   {"to own 99%", kRight},
                   {"in s", kRight},
                   {"to best 99%", kRight},
                   {"in s", kRight},
                   {"wall s", kRight},
                   {"measure", kRight},
                   {"fit", kRight},
                   {"search", kRight},
                   {"board s", kRight}});
  for (const BenchRow& row : rows) {
    if (row.network != network) continue;
    table.add({to_string(row.mode), row.tuner, with_quartiles(row.milliseconds, 2), number(row.speedup.median, 2),
               number(row.area_mm2.median, 3), number(row.measurements.median), number(row.invalid.median),
               number(row.to_own_99.median), number(row.seconds_to_own_99.median, 1), number(row.to_best_99.median),
               number(row.seconds_to_best_99.median, 1), number(row.seconds.median, 1),
               number(row.measure_seconds.median, 1), number(row.fit_seconds.median, 1),
               number(row.search_seconds.median, 1), number(row.board_seconds.median)});
  }
  return table.to_string();
}

std::string ratio(double ours, double theirs) {
  return std::isfinite(ours) && theirs > 0 ? fmt::format("{:.0f} %", 100 * ours / theirs) : "-";
}

std::string races_text(const std::vector<BenchRace>& races) {
  TextTable table({{"network"},
                   {"mode"},
                   {"best baseline"},
                   {"its measurements", kRight},
                   {"arco's", kRight},
                   {"share", kRight},
                   {"its wall s", kRight},
                   {"arco's", kRight},
                   {"share", kRight},
                   {"its board s", kRight},
                   {"arco's", kRight},
                   {"share", kRight}});
  for (const BenchRace& race : races) {
    table.add({race.network, to_string(race.mode), race.baseline, number(race.baseline_measurements),
               number(race.arco_measurements), ratio(race.arco_measurements, race.baseline_measurements),
               number(race.baseline_seconds, 2), number(race.arco_seconds, 2),
               ratio(race.arco_seconds, race.baseline_seconds), number(race.baseline_board_seconds),
               number(race.arco_board_seconds), ratio(race.arco_board_seconds, race.baseline_board_seconds)});
  }
  return table.to_string();
}

std::string whole_text(const std::vector<WholeNetwork>& whole) {
  TextTable table({{"network"},
                   {"batch", kRight},
                   {"default VTA", kRight},
                   {"arco", kRight},
                   {"speedup", kRight},
                   {"samples/s", kRight},
                   {"chip"},
                   {"mm^2", kRight},
                   {"gap to bound", kRight},
                   {"wall s", kRight}});
  for (const WholeNetwork& w : whole) {
    const double reference = w.design.reference ? w.design.reference->cycles : 0;
    table.add({w.network, fmt::format("{}", w.batch), reference > 0 ? number(reference) : "-", number(w.design.cycles),
               reference > 0 ? fmt::format("{:.2f}", reference / w.design.cycles) : "-",
               number(value_of(Objective::kThroughput, w.design.metrics(), static_cast<double>(w.batch)), 2),
               w.design.hardware.to_string(), fmt::format("{:.3f}", w.design.area_mm2),
               fmt::format("{:.1f} %", 100 * (w.design.cycles / w.design.network_bound - 1)), number(w.seconds, 1)});
  }
  return table.to_string();
}

std::string nearness_text(const std::vector<BenchNearness>& tuners) {
  TextTable table({{"tuner"},
                   {"layers", kRight},
                   {"within 1 %", kRight},
                   {"single searches", kRight},
                   {"gap [quartiles] %", kRight},
                   {"worst %", kRight}});
  for (const BenchNearness& n : tuners) {
    const Quartiles percent{100 * n.gap.low, 100 * n.gap.median, 100 * n.gap.high};
    table.add({n.tuner, fmt::format("{}", n.layers), fmt::format("{:.1f} %", 100 * n.layers_within),
               fmt::format("{:.1f} %", 100 * n.runs_within), with_quartiles(percent, 2), number(100 * n.worst_gap, 2)});
  }
  return table.to_string();
}

std::string bars_text(const std::vector<BenchBar>& bars) {
  TextTable table({{"claim"}, {"where"}, {"needed", kRight}, {"found", kRight}, {""}});
  for (const BenchBar& bar : bars) {
    table.add({bar.claim, bar.where, fmt::format("{} {:.2f}", bar.at_least ? ">=" : "<=", bar.needed),
               number(bar.found, 3), bar.holds() ? "pass" : "MISS"});
  }
  return table.to_string();
}

std::string truth_text(const BenchTruth& truth) {
  std::string text;
  const auto add = [&](const char* mode, const std::optional<BenchOptimum>& optimum) {
    if (!optimum) return;
    text += fmt::format("optimum of mode {}: {} ms ({})\n", mode, number(1e3 * optimum->cycles / kVtaClockHz, 2),
                        optimum->proved ? "proven" : "best found");
  };
  add("software", truth.software);
  add("paper", truth.paper);
  if (truth.chip_bound > 0) {
    text += fmt::format("no chip within the budget needs less than {:.2f} ms (rung: bound)\n",
                        1e3 * truth.chip_bound / kVtaClockHz);
  }
  return text;
}

}  // namespace

std::string bench_text(const BenchResults& results, const std::vector<WholeNetwork>& whole) {
  const std::vector<BenchRow> rows = bench_rows(results);
  std::string text;
  for (const BenchTruth& truth : results.truths) {
    text +=
        fmt::format("{}: the convolutions\n{}{}\n", truth.network, rows_text(rows, truth.network), truth_text(truth));
  }
  if (!results.layers.empty()) {
    text += fmt::format("Paper space: distance of each layer to its exhaustive optimum after {} measurements\n{}\n",
                        results.paper_trials, nearness_text(bench_nearness(results)));
  }
  text += fmt::format("What it takes to reach the final quality of the best baseline\n{}\n",
                      races_text(bench_races(results)));
  if (!whole.empty()) {
    text +=
        fmt::format("Whole networks, pooling and dense layers included, cycles on one chip\n{}\n", whole_text(whole));
  }
  return text + fmt::format("What should hold\n{}", bars_text(bench_bars(results)));
}

}  // namespace arco
