#include "arco/cli/paper_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "arco/cli/table.h"
#include "arco/search/record_exchange.h"

namespace arco {
namespace {

using nlohmann::json;
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
                   {"to best 99%", kRight},
                   {"wall s", kRight},
                   {"measure", kRight},
                   {"fit", kRight},
                   {"search", kRight},
                   {"board s", kRight}});
  for (const BenchRow& row : rows) {
    if (row.network != network) continue;
    table.add({to_string(row.mode), row.tuner, with_quartiles(row.milliseconds, 2), number(row.speedup.median, 2),
               number(row.area_mm2.median, 3), number(row.measurements.median), number(row.invalid.median),
               number(row.to_own_99.median), number(row.to_best_99.median), number(row.seconds.median, 1),
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
                   {"chip"},
                   {"mm^2", kRight},
                   {"gap to bound", kRight},
                   {"wall s", kRight}});
  for (const WholeNetwork& w : whole) {
    const double reference = w.design.reference ? w.design.reference->cycles : 0;
    table.add({w.network, fmt::format("{}", w.batch), reference > 0 ? number(reference) : "-", number(w.design.cycles),
               reference > 0 ? fmt::format("{:.2f}", reference / w.design.cycles) : "-", w.design.hardware.to_string(),
               fmt::format("{:.3f}", w.design.area_mm2),
               fmt::format("{:.1f} %", 100 * (w.design.cycles / w.design.network_bound - 1)), number(w.seconds, 1)});
  }
  return table.to_string();
}

json value(double number) {
  return std::isfinite(number) ? json(number) : json(nullptr);
}

json to_json(const Quartiles& q) {
  return json::array({value(q.low), value(q.median), value(q.high)});
}

json row_json(const BenchRow& row) {
  return {{"network", row.network},
          {"mode", to_string(row.mode)},
          {"tuner", row.tuner},
          {"milliseconds", to_json(row.milliseconds)},
          {"speedup", to_json(row.speedup)},
          {"area_mm2", to_json(row.area_mm2)},
          {"measurements", to_json(row.measurements)},
          {"invalid", to_json(row.invalid)},
          {"measurements_to_own_99", to_json(row.to_own_99)},
          {"measurements_to_best_99", to_json(row.to_best_99)},
          {"seconds_to_own_99", to_json(row.seconds_to_own_99)},
          {"seconds", to_json(row.seconds)},
          {"measure_seconds", to_json(row.measure_seconds)},
          {"fit_seconds", to_json(row.fit_seconds)},
          {"search_seconds", to_json(row.search_seconds)},
          {"board_seconds", to_json(row.board_seconds)}};
}

json run_json(const BenchRun& run) {
  json curve = json::array();
  for (const BenchPoint& p : run.curve) curve.push_back({p.measurements, p.seconds, p.cycles});
  return {{"network", run.network},
          {"mode", to_string(run.mode)},
          {"tuner", run.tuner},
          {"seed", run.seed},
          {"cycles", run.cycles ? json(*run.cycles) : json(nullptr)},
          {"area_mm2", run.area_mm2},
          {"measurements", run.effort.measurements},
          {"invalid", run.effort.invalid},
          {"seconds", run.seconds},
          {"measure_seconds", run.effort.measure_seconds},
          {"fit_seconds", run.effort.fit_seconds},
          {"curve", curve}};
}

json race_json(const BenchRace& race) {
  return {{"network", race.network},
          {"mode", to_string(race.mode)},
          {"baseline", race.baseline},
          {"measurements", {value(race.baseline_measurements), value(race.arco_measurements)}},
          {"seconds", {value(race.baseline_seconds), value(race.arco_seconds)}},
          {"board_seconds", {value(race.baseline_board_seconds), value(race.arco_board_seconds)}}};
}

}  // namespace

std::string bench_text(const BenchResults& results, const std::vector<WholeNetwork>& whole) {
  const std::vector<BenchRow> rows = bench_rows(results);
  std::string text;
  for (const BenchTruth& truth : results.truths) {
    text += fmt::format("{}: the convolutions\n{}", truth.network, rows_text(rows, truth.network));
    text += fmt::format(
        "optimum of mode software {:.2f} ms{}; no chip within the budget needs less than {:.2f} ms (rung: bound)\n\n",
        1e3 * truth.software_cycles / kVtaClockHz, truth.software_proved ? " (proven)" : " (best found)",
        1e3 * truth.chip_bound / kVtaClockHz);
  }
  text += fmt::format("What it takes to reach the final quality of the best baseline\n{}",
                      races_text(bench_races(results)));
  if (!whole.empty()) {
    text +=
        fmt::format("\nWhole networks, pooling and dense layers included, cycles on one chip\n{}", whole_text(whole));
  }
  return text;
}

json bench_json(const BenchResults& results, const std::vector<WholeNetwork>& whole) {
  json document;
  for (const char* list : {"rows", "runs", "races", "truths", "whole_networks"}) document[list] = json::array();
  for (const BenchRow& row : bench_rows(results)) document["rows"].push_back(row_json(row));
  for (const BenchRun& run : results.runs) document["runs"].push_back(run_json(run));
  for (const BenchRace& race : bench_races(results)) document["races"].push_back(race_json(race));
  for (const BenchTruth& truth : results.truths) {
    document["truths"].push_back({{"network", truth.network},
                                  {"software_cycles", truth.software_cycles},
                                  {"software_proved", truth.software_proved},
                                  {"chip_bound", truth.chip_bound}});
  }
  for (const WholeNetwork& w : whole) {
    document["whole_networks"].push_back(
        {{"network", w.network}, {"batch", w.batch}, {"seconds", w.seconds}, {"design", arco::to_json(w.design)}});
  }
  return document;
}

std::string bench_csv(const BenchResults& results) {
  std::string text =
      "network,mode,tuner,seed,cycles,area_mm2,measurements,invalid,seconds,measure_seconds,fit_seconds,"
      "measurements_to_own_99,seconds_to_own_99\n";
  for (const BenchRun& run : results.runs) {
    const BenchPoint* close = run.cycles ? first_reaching(run, *run.cycles / 0.99) : nullptr;
    text += fmt::format("{},{},{},{},{},{:.4f},{},{},{:.4f},{:.4f},{:.4f},{},{}\n", run.network, to_string(run.mode),
                        run.tuner, run.seed, run.cycles ? fmt::format("{:.0f}", *run.cycles) : "", run.area_mm2,
                        run.effort.measurements, run.effort.invalid, run.seconds, run.effort.measure_seconds,
                        run.effort.fit_seconds, close ? fmt::format("{}", close->measurements) : "",
                        close ? fmt::format("{:.4f}", close->seconds) : "");
  }
  return text;
}

}  // namespace arco
