// Searches of single layers are independent of the network, so each distinct layer is searched once for every mode,
// tuner and seed; a network's curve is the sum of its layers' curves at equal numbers of trials:
//
//     cycles(k) = sum over layers of weight * best after k trials
#include "arco/search/paper_comparison.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <mutex>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/search/schedule_tuning.h"
#include "arco/search/simulator_measurer.h"
#include "arco/search/tuners/exhaustive.h"

namespace arco {

const std::vector<BenchMode>& bench_modes() {
  static const std::vector<BenchMode> all{BenchMode::kSoftware, BenchMode::kLayers, BenchMode::kChip,
                                          BenchMode::kPaper};
  return all;
}

const char* to_string(BenchMode mode) {
  switch (mode) {
    case BenchMode::kSoftware:
      return "software";
    case BenchMode::kLayers:
      return "layers";
    case BenchMode::kChip:
      return "chip";
    case BenchMode::kPaper:
      return "paper";
  }
  return "?";
}

const BenchPoint* first_reaching(const BenchRun& run, double cycles) {
  for (const BenchPoint& point : run.curve) {
    if (point.cycles <= cycles) return &point;
  }
  return nullptr;
}

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One search of one layer.
struct LayerTrace {
  std::vector<double> best;  // cycles after each measurement; infinite before the first legal one
  std::vector<TuneResult::Elapsed> elapsed;
  double area_mm2 = 0;
  double fit_seconds = 0;
  uint64_t invalid = 0;
  bool done = false;
};

LayerTrace trace_of(const TuneResult& result, const ConfigurationSpace& space) {
  LayerTrace trace;
  double best = kInfinity;
  for (const Measurement& m : result.history) {
    if (m.status == MeasureStatus::kOk) best = std::min(best, m.cycles);
    trace.invalid += m.status == MeasureStatus::kOk ? 0 : 1;
    trace.best.push_back(best);
  }
  trace.elapsed = result.elapsed;
  trace.fit_seconds = result.fit_seconds;
  if (best < kInfinity)
    trace.area_mm2 = area_of(space.chip(space.chip_number(space.decode(result.best.index)))).total();
  trace.done = !interrupted();
  return trace;
}

class PaperBench {
 public:
  PaperBench(const std::vector<BenchNetwork>& networks, const BenchOptions& options,
             const std::function<void(size_t, size_t)>& progress)
      : networks_(networks), options_(options), progress_(progress) {
    for (const BenchNetwork& network : networks) {
      for (const WeightedTask& task : network.tasks) {
        if (std::ranges::find(layers_, task.workload) == layers_.end()) layers_.push_back(task.workload);
      }
    }
    for (const BenchMode mode : options.modes) {
      for (size_t tuner = 0; tuner < options.tuners.size(); ++tuner) {
        for (uint64_t seed = 0; seed < options.seeds; ++seed) searches_.push_back({mode, tuner, seed});
      }
    }
  }

  BenchResults run() {
    for (const BenchNetwork& network : networks_) truths_.push_back({network.name, {}, {}, 0});
    list_work();
    std::mutex counting;
    size_t done = 0;
    parallel_for(work_.size(), options_.jobs, [&](size_t i) {
      if (interrupted()) return;
      work_[i]();
      const std::lock_guard lock(counting);
      if (progress_) progress_(++done, work_.size());
    });
    return collect();
  }

 private:
  struct Search {
    BenchMode mode;
    size_t tuner;
    uint64_t seed;
    std::vector<LayerTrace> layers = {};              // modes software and layers, by layer
    std::vector<std::optional<BenchRun>> chips = {};  // mode chip, by network; nothing: not finished
  };

  bool asked_for(BenchMode mode) const { return std::ranges::find(options_.modes, mode) != options_.modes.end(); }
  static bool has_optimum(BenchMode mode) { return mode == BenchMode::kSoftware || mode == BenchMode::kPaper; }

  void list_work() {
    for (const BenchMode mode : options_.modes) {
      if (!has_optimum(mode)) continue;
      optima_[mode].resize(layers_.size());
      for (size_t l = 0; l < layers_.size(); ++l) work_.push_back([this, mode, l] { find_optimum(mode, l); });
    }
    for (size_t n = 0; n < networks_.size() && asked_for(BenchMode::kChip); ++n) {
      work_.push_back([this, n] { find_bound(n); });
    }
    for (Search& search : searches_) {
      if (search.mode == BenchMode::kChip) {
        search.chips.resize(networks_.size());
        for (size_t n = 0; n < networks_.size(); ++n) work_.push_back([this, &search, n] { search_chip(search, n); });
      } else {
        search.layers.resize(layers_.size());
        for (size_t l = 0; l < layers_.size(); ++l) work_.push_back([this, &search, l] { search_layer(search, l); });
      }
    }
  }

  SpaceOptions space_of(BenchMode mode) const {
    if (mode == BenchMode::kSoftware) return schedules_on(HardwareConfig());
    SpaceOptions space = options_.joint;
    if (mode == BenchMode::kPaper) space.kind = SpaceKind::kPaper;
    return space;
  }

  void find_optimum(BenchMode mode, size_t layer) {
    const ConfigurationSpace space(layers_[layer], space_of(mode));
    const auto tuner = make_exhaustive(space, {.jobs = 1});
    const TuneResult result = run_tuner(*tuner, make_simulator_measurer(space), space.size(), 64);
    const bool found = result.best.status == MeasureStatus::kOk;
    optima_.at(mode)[layer] = {found ? result.best.cycles : kInfinity, result.proved_optimal};
  }

  void find_bound(size_t network) {
    const TaskSplit split = split_tasks(networks_[network].tasks, options_.joint, 1);
    if (split.table && split.host.empty()) truths_[network].chip_bound = split.table->least_cost();
  }

  void search_layer(Search& search, size_t layer) {
    const ConfigurationSpace space(layers_[layer], space_of(search.mode));
    const size_t trials = search.mode == BenchMode::kPaper ? options_.paper_trials : options_.trials;
    const TunerChoice choice{options_.tuners[search.tuner], nullptr};
    const auto tuner = make_planned_tuner(choice, space, trials, search.seed * 1000 + layer);
    search.layers[layer] = trace_of(
        run_tuner(*tuner, make_simulator_measurer(space), trials, std::min<size_t>(batch_of(choice, 64), trials)),
        space);
  }

  void search_chip(Search& search, size_t network) {
    BenchRun run;
    CoOptimiserOptions options;
    options.space = options_.joint;
    options.tuner.name = options_.tuners[search.tuner];
    options.trials = options_.trials;
    options.layer_trials = options_.layer_trials;
    options.seed = search.seed;
    options.jobs = 1;
    options.reference = false;
    const std::filesystem::path file =
        options_.scratch / fmt::format("{}-{}-{}.db", networks_[network].name, options.tuner.name, search.seed);
    const auto start = std::chrono::steady_clock::now();
    const auto note = [&](const TuneProgress& p) {
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      run.total = {p.simulated + p.effort.invalid, p.simulating_seconds, elapsed.count() - p.simulating_seconds, 0};
      run.invalid = p.effort.invalid;
      run.fit_seconds = p.effort.fit_seconds;
      if (p.best_cycles == 0 || (!run.curve.empty() && p.best_cycles >= run.curve.back().cycles)) return;
      run.curve.push_back(run.total);
      run.curve.back().cycles = p.best_cycles;
    };
    try {
      RecordStore records(file);
      const Design design = co_optimise(networks_[network].tasks, options, records, note);
      // A layer left to the host would make the others look fast.
      if (design.complete && design.host_tasks.empty()) run.cycles = design.cycles;
      run.area_mm2 = design.area_mm2;
    } catch (const RunError&) {
      // Interrupted, or no legal chip found: a run without cycles.
    }
    std::filesystem::remove(file);
    if (!interrupted()) search.chips[network] = std::move(run);
  }

  BenchResults collect() {
    BenchResults results;
    for (size_t n = 0; n < networks_.size(); ++n) {
      for (const Search& search : searches_) {
        std::optional<BenchRun> run = search.mode == BenchMode::kChip ? search.chips[n] : sum_layers(search, n);
        if (!run) continue;
        run->network = networks_[n].name;
        run->mode = search.mode;
        run->tuner = options_.tuners[search.tuner];
        run->seed = search.seed;
        results.runs.push_back(std::move(*run));
      }
      add_optima(n);
    }
    results.truths = truths_;
    add_layers(results);
    return results;
  }

  size_t layer_of(const WeightedTask& task) const {
    return static_cast<size_t>(std::ranges::find(layers_, task.workload) - layers_.begin());
  }

  std::optional<BenchRun> sum_layers(const Search& search, size_t network) const {
    BenchRun run;
    size_t most_trials = 0;
    for (const WeightedTask& task : networks_[network].tasks) {
      const LayerTrace& trace = search.layers[layer_of(task)];
      if (!trace.done || trace.best.empty()) return std::nullopt;
      most_trials = std::max(most_trials, trace.best.size());
      run.area_mm2 = std::max(run.area_mm2, trace.area_mm2);
      run.invalid += trace.invalid;
      run.fit_seconds += trace.fit_seconds;
    }
    for (size_t k = 1; k <= most_trials; ++k) {
      const BenchPoint point = sum_after(search, network, k);
      if (point.cycles < (run.curve.empty() ? kInfinity : run.curve.back().cycles)) run.curve.push_back(point);
    }
    if (!run.curve.empty()) run.cycles = run.curve.back().cycles;
    run.total = sum_after(search, network, most_trials);
    run.total.cycles = 0;
    return run;
  }

  // All layers after k trials each, or after fewer where the tuner ended before.
  BenchPoint sum_after(const Search& search, size_t network, size_t k) const {
    BenchPoint point;
    for (const WeightedTask& task : networks_[network].tasks) {
      const LayerTrace& trace = search.layers[layer_of(task)];
      const size_t at = std::min(k, trace.best.size());
      point.measurements += at;
      point.measure_seconds += trace.elapsed[at - 1].measure_seconds;
      point.search_seconds += trace.elapsed[at - 1].search_seconds;
      point.cycles += task.weight * trace.best[at - 1];
    }
    return point;
  }

  void add_optima(size_t network) {
    for (const auto& [mode, optima] : optima_) {
      BenchOptimum sum{0, true};
      for (const WeightedTask& task : networks_[network].tasks) {
        const BenchOptimum& optimum = optima[layer_of(task)];
        sum.cycles += task.weight * optimum.cycles;
        sum.proved = sum.proved && optimum.proved;
      }
      (mode == BenchMode::kSoftware ? truths_[network].software : truths_[network].paper) = sum;
    }
  }

  void add_layers(BenchResults& results) const {
    results.paper_trials = options_.paper_trials;
    for (size_t l = 0; l < layers_.size(); ++l) {
      for (const Search& search : searches_) {
        if (search.mode != BenchMode::kPaper || !search.layers[l].done || search.layers[l].best.empty()) continue;
        results.layers.push_back({layers_[l].to_string(), options_.tuners[search.tuner], search.seed,
                                  search.layers[l].best.back(), optima_.at(BenchMode::kPaper)[l]});
      }
    }
  }

  const std::vector<BenchNetwork>& networks_;
  const BenchOptions& options_;
  const std::function<void(size_t, size_t)>& progress_;
  std::vector<Workload> layers_;  // distinct, of all networks
  std::vector<Search> searches_;
  std::vector<std::function<void()>> work_;
  std::map<BenchMode, std::vector<BenchOptimum>> optima_;  // by layer; keys fixed before the work begins
  std::vector<BenchTruth> truths_;
};

}  // namespace

BenchResults run_paper_bench(const std::vector<BenchNetwork>& networks, const BenchOptions& options,
                             const std::function<void(size_t, size_t)>& progress) {
  return PaperBench(networks, options, progress).run();
}

}  // namespace arco
