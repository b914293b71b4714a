// The search in order:
//
//   1  core shapes: every schedule of every task on every core, by the closed form; tasks that fit nowhere go aside
//   2  chips: a tuner moves the chip's knobs together with schedules (chip_search.h); "exhaustive" bounds chips instead
//      (chip_proof.h)
//   3  schedules: on the winner, the tuner tunes every task's schedule
//   4  chains: pairs of layers that cost less as one on the winner (chain_tuning.h)
//   5  the default VTA with its best schedules and chains, to compare with
#include "arco/search/co_optimiser.h"

#include <algorithm>
#include <limits>
#include <map>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/search/chip_proof.h"
#include "arco/search/schedule_tuning.h"
#include "arco/search/tuners/registry.h"

namespace arco {

namespace {

class CoOptimiser {
 public:
  CoOptimiser(const CoOptimiserOptions& options, RecordStore& records, const ReportProgress& progress)
      : options_(options),
        progress_(progress),
        records_(records, {"", options.tuner.name, options.seed,
                           resolve_options(options.tuner.name, options.tuner.options), options.command, 0}) {}

  Design run(const std::vector<WeightedTask>& all) {
    TaskSplit split = split_tasks(all, options_.space, options_.jobs,
                                  [&](size_t done, size_t parts) { report("core shapes", done, parts, {}); });
    host_ = std::move(split.host);
    table_ = std::move(split.table);
    if (!table_ && !interrupted()) fail_nothing_runs();
    if (!table_) throw RunError("interrupted before the first measurement; nothing to write");
    const auto bounds = chip_bounds(*table_, options_.chains, options_.space, options_.jobs);
    if (interrupted()) throw RunError("interrupted before the first measurement; nothing to write");
    bound_ = least_cost(*table_, bounds);
    check_energy_budget(bounds);
    meter_ = std::make_unique<NetworkMeter>(*table_, options_.timing, options_.jobs);
    ChipDesign best = options_.space.kind == SpaceKind::kSoftware ? take_given_chip() : search_chips();
    if (best.schedules.empty()) fail_without_chip();
    tune_schedules(best);
    Design design = make_design(best);
    join_chains(design);
    if (options_.reference && !interrupted()) {
      design.reference = tune_default_vta(tasks(), options_, records_,
                                          [&](size_t done) { report("default VTA", done, tasks().size(), best); });
    }
    design.complete = !interrupted();
    if (design.complete) fail_over_energy(design);
    return design;
  }

 private:
  const std::vector<WeightedTask>& tasks() const { return table_->tasks(); }

  void report(const char* phase, size_t done, size_t planned, const ChipDesign& best) const {
    if (!progress_) return;
    const bool any = best.cost < std::numeric_limits<double>::infinity();
    progress_({phase, done, planned, best.total.cycles, any ? best.hardware.to_string() : "",
               meter_ ? meter_->layers().measured() + layer_measurements_ : 0,
               meter_ ? meter_->layers().seconds() + layer_seconds_ : 0, records_.stored(), records_.effort()});
  }

  [[noreturn]] void fail_nothing_runs() const {
    std::string text;
    for (const HostTask& task : host_) text += fmt::format("\n  {}: {}", task.workload.to_string(), task.why);
    fail_user("no chip within the budget runs any layer; allow more of what the budget limits:{}", text);
  }

  [[noreturn]] void fail_without_chip() const {
    if (interrupted()) throw RunError("interrupted before the first measurement; nothing to write");
    throw RunError(
        fmt::format("none of the {} chips that tuner {} tried was legal; give more --trials, or --option "
                    "legal_only=true if it has that",
                    options_.trials, options_.tuner.name));
  }

  void check_energy_budget(const std::vector<std::optional<Metrics>>& bounds) const {
    const std::optional<double>& limit = options_.space.budget.energy_pj;
    if (!limit) return;
    double least = std::numeric_limits<double>::infinity();
    for (const auto& bound : bounds) {
      if (bound) least = std::min(least, bound->energy_pj);
    }
    if (least <= *limit) return;
    fail_user("no chip within the budget runs this with {:.6g} uJ: all of them need more than {:.6g} uJ (rung: bound)",
              *limit * 1e-6, least * 1e-6);
  }

  void fail_over_energy(const Design& design) const {
    const std::string why = options_.space.budget.energy_violation(design.energy_pj);
    if (why.empty()) return;
    throw RunError(
        fmt::format("no design within the budget was found: {} by the best, {}; go on with --resume and more --trials, "
                    "or allow more",
                    why, design.hardware.to_string()));
  }

  ChipDesign take_given_chip() {
    ChipDesign given{options_.space.hardware, table_->score(0).schedules};
    meter_->measure({given});
    meter_->update(given);
    return given;
  }

  // Whether a layer costs its cycles, as the proofs take it to do. With chains they prove what the layers cost apart:
  // which chip is best then, but not what a network costs at least.
  bool costs_cycles() const {
    const Objective objective = options_.space.objective;
    return (objective == Objective::kLatency || objective == Objective::kThroughput) &&
           !options_.space.budget.energy_pj;
  }

  ChipDesign prove_chips() {
    ChipProof proof(*table_, *meter_, records_, {options_.trials, options_.jobs, options_.timing},
                    [&](size_t done, size_t planned, const ChipDesign& best) { report("chips", done, planned, best); });
    ChipDesign best = proof.run();
    if (options_.chains.empty()) bound_ = std::max(bound_, proof.proven_bound());
    meter_->measure({best});
    meter_->update(best);
    return best;
  }

  ChipDesign search_chips() {
    if (options_.tuner.name == "exhaustive" && costs_cycles()) return prove_chips();
    ChipSearchOptions chips;
    chips.tuner = options_.tuner;
    chips.trials = options_.trials;
    chips.focus_tasks = options_.focus_tasks;
    chips.final_chips = options_.final_chips;
    chips.final_schedules = options_.final_schedules;
    chips.seed = options_.seed;
    chips.learned = options_.learned;
    ChipSearch search(*table_, *meter_, records_, chips,
                      [&](const char* phase, size_t done, size_t planned, const ChipDesign& best) {
                        report(phase, done, planned, best);
                      });
    return search.run();
  }

  // Takes every task's tuned schedule that is faster than the one at hand.
  void tune_schedules(ChipDesign& best) {
    TaskTuningOptions tuning{options_.tuner,  options_.layer_trials, 8, options_.seed, options_.jobs,
                             options_.timing, options_.learned};
    const std::vector<TunedTask> tuned =
        tune_tasks(tasks(), schedules_on(best.hardware, options_.space), tuning, records_,
                   [&](size_t done) { report("schedules", done, tasks().size(), best); });
    meter_->measure({best});
    proven_.assign(tuned.size(), 0);
    std::vector<std::vector<Schedule>> candidates(tuned.size());
    std::vector<LayerPoint> points;
    for (size_t t = 0; t < tuned.size(); ++t) {
      layer_measurements_ += tuned[t].result.history.size();
      layer_seconds_ += tuned[t].result.measure_seconds;
      if (costs_cycles()) proven_[t] = tuned[t].result.proven_bound;
      if (tuned[t].result.best.status != MeasureStatus::kOk) continue;
      const ConfigurationSpace& space = *tuned[t].space;
      candidates[t].push_back(space.schedule(space.decode(tuned[t].result.best.index)));
      points.push_back({t, best.hardware, candidates[t].front()});
    }
    meter_->layers().measure(points);
    meter_->choose_schedules(best, candidates);
    report("schedules", tasks().size(), tasks().size(), best);
  }

  Design make_design(const ChipDesign& best) {
    Design d;
    d.hardware = best.hardware;
    d.objective = to_string(options_.space.objective);
    d.samples = options_.samples;
    d.cycles = best.total.cycles;
    d.energy_pj = best.total.energy_pj;
    d.area_mm2 = best.total.area_mm2;
    d.network_bound = bound_;
    d.tuner = options_.tuner.name;
    d.seed = options_.seed;
    d.measurements = layer_measurements_ + meter_->layers().measured();
    const ChipScore score = table_->score_of(best.hardware);
    double chip_bound = 0;
    for (size_t t = 0; t < tasks().size(); ++t) {
      const Measurement* m = meter_->layers().find({t, best.hardware, best.schedules[t]});
      d.tasks.push_back({tasks()[t].workload.to_string(), tasks()[t].weight, best.schedules[t],
                         m == nullptr ? 0 : m->cycles, m == nullptr ? 0 : m->energy_pj,
                         std::max(score.bounds[t].cycles, proven_[t])});
      chip_bound += tasks()[t].weight * d.tasks.back().bound;
    }
    const bool apart = costs_cycles() && options_.chains.empty();
    if (options_.space.kind == SpaceKind::kSoftware && apart) d.network_bound = chip_bound;
    for (const HostTask& task : host_) d.host_tasks.push_back({task.workload.to_string(), task.weight, task.why});
    return d;
  }

  void join_chains(Design& design) {
    if (interrupted()) return;
    const auto apart = [&](const Workload& workload) -> std::optional<Metrics> {
      const auto found = std::ranges::find(design.tasks, workload.to_string(), &DesignTask::workload);
      if (found == design.tasks.end()) return std::nullopt;
      return Metrics{found->cycles, found->energy_pj, design.area_mm2};
    };
    const TaskTuningOptions tuning{options_.tuner, options_.layer_trials, 8,
                                   options_.seed,  options_.jobs,         options_.timing};
    const SpaceOptions space = schedules_on(design.hardware, options_.space);
    join(options_.chains, tune_chains(options_.chains, apart, space, tuning, records_), design);
  }

  const CoOptimiserOptions& options_;
  const ReportProgress& progress_;
  RecordedSearch records_;
  std::unique_ptr<ChipTable> table_;
  std::unique_ptr<NetworkMeter> meter_;
  std::vector<HostTask> host_;
  double bound_ = 0;  // cost that no chip of the space beats
  size_t layer_measurements_ = 0;
  double layer_seconds_ = 0;    // of measuring them
  std::vector<double> proven_;  // by task: cycles that no schedule on the chip beats; 0: unknown
};

}  // namespace

std::optional<Reference> tune_default_vta(const std::vector<WeightedTask>& tasks, const CoOptimiserOptions& options,
                                          RecordedSearch& records, const std::function<void(size_t)>& finished) {
  HardwareConfig vta;
  // Scales for each channel need a multiplication that plain VTA lacks.
  const auto multiplies = [](const WeightedTask& task) { return task.workload.channel_scales; };
  if (std::ranges::any_of(tasks, multiplies)) vta.variant = IsaVariant::kVtaPlus;
  const TaskTuningOptions tuning{{"exhaustive", {}}, options.reference_trials, 8, 0, options.jobs, options.timing};
  const std::vector<TunedTask> tuned = tune_tasks(tasks, schedules_on(vta, options.space), tuning, records, finished);
  Reference reference{vta, 0, 0, area_of(vta).total(), true};
  std::map<std::string, Metrics> alone;
  for (size_t t = 0; t < tuned.size(); ++t) {
    if (tuned[t].result.best.status != MeasureStatus::kOk) return std::nullopt;
    reference.cycles += tasks[t].weight * tuned[t].result.best.cycles;
    reference.energy_pj += tasks[t].weight * tuned[t].result.best.energy_pj;
    reference.proved = reference.proved && tuned[t].result.proved_optimal;
    alone[tasks[t].workload.to_string()] = metrics_of(tuned[t].result.best);
  }
  const auto apart = [&](const Workload& workload) -> std::optional<Metrics> {
    const auto found = alone.find(workload.to_string());
    return found == alone.end() ? std::nullopt : std::optional(found->second);
  };
  const ChainTuning chains = tune_chains(options.chains, apart, schedules_on(vta, options.space), tuning, records);
  for (const JoinedChain& joined : chains.joined) {
    const double weight = options.chains[joined.chain].weight;
    reference.cycles -= weight * joined.saved.cycles;
    reference.energy_pj -= weight * joined.saved.energy_pj;
  }
  reference.proved = reference.proved && chains.proved;
  return reference;
}

Design co_optimise(const std::vector<WeightedTask>& tasks, const CoOptimiserOptions& options, RecordStore& records,
                   const ReportProgress& progress) {
  if (tasks.empty()) fail_user("the network has no layer that the accelerator could run; nothing to tune");
  return CoOptimiser(options, records, progress).run(tasks);
}

}  // namespace arco
