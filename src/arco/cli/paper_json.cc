// The tables for machines: JSON with every run and its curve, CSV with one line for each run.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "arco/cli/paper_table.h"

namespace arco {
namespace {

using nlohmann::json;

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
          {"seconds_to_best_99", to_json(row.seconds_to_best_99)},
          {"seconds", to_json(row.seconds)},
          {"measure_seconds", to_json(row.measure_seconds)},
          {"fit_seconds", to_json(row.fit_seconds)},
          {"search_seconds", to_json(row.search_seconds)},
          {"board_seconds", to_json(row.board_seconds)}};
}

json run_json(const BenchRun& run) {
  json curve = json::array();
  for (const BenchPoint& p : run.curve)
    curve.push_back({p.measurements, value(p.cycles), p.measure_seconds, p.search_seconds});
  return {{"network", run.network},
          {"mode", to_string(run.mode)},
          {"tuner", run.tuner},
          {"seed", run.seed},
          {"cycles", run.cycles ? json(*run.cycles) : json(nullptr)},
          {"area_mm2", run.area_mm2},
          {"measurements", run.total.measurements},
          {"invalid", run.invalid},
          {"seconds", run.total.seconds()},
          {"measure_seconds", run.total.measure_seconds},
          {"fit_seconds", run.fit_seconds},
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

json optimum_json(const std::optional<BenchOptimum>& optimum) {
  if (!optimum) return nullptr;
  return {{"cycles", value(optimum->cycles)}, {"proved", optimum->proved}};
}

json nearness_json(const BenchNearness& n) {
  return {{"tuner", n.tuner},
          {"layers", n.layers},
          {"layers_within_1_percent", n.layers_within},
          {"searches_within_1_percent", n.runs_within},
          {"gap", to_json(n.gap)},
          {"worst_gap", value(n.worst_gap)}};
}

json layer_json(const BenchLayer& layer) {
  return {{"workload", layer.workload},
          {"tuner", layer.tuner},
          {"seed", layer.seed},
          {"cycles", value(layer.cycles)},
          {"optimum", optimum_json(layer.optimum)}};
}

json bar_json(const BenchBar& bar) {
  return {{"claim", bar.claim},        {"where", bar.where},       {"needed", bar.needed},
          {"found", value(bar.found)}, {"at_least", bar.at_least}, {"holds", bar.holds()}};
}

}  // namespace

json bench_json(const BenchResults& results, const std::vector<WholeNetwork>& whole) {
  json document;
  for (const char* list : {"rows", "runs", "races", "truths", "nearness", "layers", "whole_networks", "bars"}) {
    document[list] = json::array();
  }
  for (const BenchRow& row : bench_rows(results)) document["rows"].push_back(row_json(row));
  for (const BenchRun& run : results.runs) document["runs"].push_back(run_json(run));
  for (const BenchRace& race : bench_races(results)) document["races"].push_back(race_json(race));
  for (const BenchTruth& truth : results.truths) {
    document["truths"].push_back({{"network", truth.network},
                                  {"software", optimum_json(truth.software)},
                                  {"paper", optimum_json(truth.paper)},
                                  {"chip_bound", truth.chip_bound}});
  }
  document["paper_trials"] = results.paper_trials;
  for (const BenchNearness& n : bench_nearness(results)) document["nearness"].push_back(nearness_json(n));
  for (const BenchLayer& layer : results.layers) document["layers"].push_back(layer_json(layer));
  for (const WholeNetwork& w : whole) {
    document["whole_networks"].push_back(
        {{"network", w.network}, {"batch", w.batch}, {"seconds", w.seconds}, {"design", arco::to_json(w.design)}});
  }
  for (const BenchBar& bar : bench_bars(results)) document["bars"].push_back(bar_json(bar));
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
                        run.total.measurements, run.invalid, run.total.seconds(), run.total.measure_seconds,
                        run.fit_seconds, close ? fmt::format("{}", close->measurements) : "",
                        close ? fmt::format("{:.4f}", close->seconds()) : "");
  }
  return text;
}

}  // namespace arco
