// The tables of `arco bench paper`: medians and quartiles over the seeds, as text, JSON and CSV.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "arco/search/paper_comparison.h"

namespace arco {

// Three quartiles over the seeds. A seed that never got there counts as infinite.
struct Quartiles {
  double low = 0, median = 0, high = 0;
};
Quartiles quartiles_of(std::vector<double> values);

// One tuner in one mode on one network.
struct BenchRow {
  std::string network;
  BenchMode mode = BenchMode::kSoftware;
  std::string tuner;
  Quartiles milliseconds;  // mean inference time: all layers at 100 MHz
  Quartiles speedup;       // throughput over the median of software-only AutoTVM; 0 where that was not run
  Quartiles area_mm2;
  Quartiles measurements;  // layers measured
  Quartiles invalid;       // of these
  Quartiles to_own_99;     // measurements until 99 % of the final throughput
  Quartiles to_best_99;    // until 99 % of the optimum (modes software, paper) or of the best known in this mode
  Quartiles seconds_to_own_99, seconds_to_best_99;
  Quartiles seconds, measure_seconds, fit_seconds, search_seconds;
  Quartiles board_seconds;  // modelled: 1 s for each measurement, and the tuner's own time
};
std::vector<BenchRow> bench_rows(const BenchResults& results);

// ARCO against the baseline of best median in the same mode: what each needs to reach that baseline's final quality.
struct BenchRace {
  std::string network;
  BenchMode mode = BenchMode::kSoftware;
  std::string baseline;
  double baseline_measurements = 0, arco_measurements = 0;  // medians; infinite: not reached
  double baseline_seconds = 0, arco_seconds = 0;
  double baseline_board_seconds = 0, arco_board_seconds = 0;
};
std::vector<BenchRace> bench_races(const BenchResults& results);

// How near one tuner came to the exhaustive optimum of each layer in mode paper.
struct BenchNearness {
  std::string tuner;
  size_t layers = 0;
  double layers_within = 0;  // share whose median over the seeds is within 1 %
  double runs_within = 0;    // share of all single searches
  Quartiles gap;             // over the layers, of their medians: cycles / optimum - 1
  double worst_gap = 0;
};
std::vector<BenchNearness> bench_nearness(const BenchResults& results);

// What the comparison is expected to show, and whether it does.
struct BenchBar {
  std::string claim;
  std::string where;
  double needed = 0;
  double found = 0;
  bool at_least = true;  // needed is a floor; otherwise a ceiling
  bool holds() const { return at_least ? found >= needed : found <= needed; }
};
std::vector<BenchBar> bench_bars(const BenchResults& results);

// A whole network, dense layers and pooling included, on one chip.
struct WholeNetwork {
  std::string network;
  int64_t batch = 1;
  Design design;
  double seconds = 0;
};

std::string bench_text(const BenchResults& results, const std::vector<WholeNetwork>& whole);
nlohmann::json bench_json(const BenchResults& results, const std::vector<WholeNetwork>& whole);
std::string bench_csv(const BenchResults& results);  // one line for each run

}  // namespace arco
