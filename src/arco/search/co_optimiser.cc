// The search in order:
//
//   1  score every legal chip by the closed form (its best schedule of every task)
//   2  chips: for each of the costliest tasks in turn, the ARCO agents move the chip's knobs together with that task's
//      schedule; a measurement simulates the whole network on the chip
//   3  final: the best few chips, each with several schedules a task
//   4  schedules: on the winner, the agents tune every task's schedule
//   5  the default VTA with its best schedules, to compare with
#include "arco/search/co_optimiser.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/search/layer_meter.h"
#include "arco/search/network_space.h"
#include "arco/search/tuners/arco.h"
#include "arco/search/tuners/exhaustive.h"

namespace arco {

namespace {

std::vector<Workload> workloads_of(const std::vector<WeightedTask>& tasks) {
  std::vector<Workload> workloads;
  for (const WeightedTask& task : tasks) workloads.push_back(task.workload);
  return workloads;
}

// A chip with a schedule for every task.
struct Candidate {
  HardwareConfig hardware;
  std::vector<Schedule> schedules;
  double cycles = std::numeric_limits<double>::infinity();
};

class CoOptimiser {
 public:
  CoOptimiser(const std::vector<WeightedTask>& tasks, const CoOptimiserOptions& options, RecordStore& records,
              const std::function<void(const TuneProgress&)>& progress)
      : options_(options),
        records_(records),
        progress_(progress),
        arco_(options_from_json<ArcoOptions>(options.tuner, "tuner arco")),
        table_(tasks, options.space),
        meter_(workloads_of(tasks), options.timing, options.jobs) {
    run_ = records_.add_run({"", "arco", options.seed, options_to_json(arco_), options.command, 0});
  }

  Design run() {
    if (options_.space.kind == SpaceKind::kSoftware) {
      take_given_chip();
    } else {
      score_chips();
      search_chips();
      compare_final_chips();
    }
    if (best_.schedules.empty()) throw RunError("interrupted before the first measurement; nothing to write");
    tune_schedules(best_, arco_, options_.layer_trials, "schedules");
    Design design = make_design();
    if (options_.reference && !interrupted()) design.reference = tune_reference();
    design.complete = !interrupted();
    return design;
  }

 private:
  const std::vector<WeightedTask>& tasks() const { return table_.tasks(); }

  void report(const char* phase, size_t done, size_t planned) const {
    if (!progress_) return;
    const bool any = !best_.schedules.empty();
    progress_({phase, done, planned, any ? best_.cycles : 0, any ? best_.hardware.to_string() : ""});
  }

  // The network's cycles; infinity while some layer is not measured.
  double network_cycles(const HardwareConfig& hardware, const std::vector<Schedule>& schedules) const {
    double total = 0;
    for (size_t t = 0; t < tasks().size(); ++t) {
      const Measurement* m = meter_.find({t, hardware, schedules[t]});
      if (m == nullptr || m->status != MeasureStatus::kOk) return std::numeric_limits<double>::infinity();
      total += tasks()[t].weight * m->cycles;
    }
    return total;
  }

  void offer(const HardwareConfig& hardware, const std::vector<Schedule>& schedules) {
    const double cycles = network_cycles(hardware, schedules);
    if (cycles < best_.cycles) best_ = {hardware, schedules, cycles};
  }

  static void add_points(const HardwareConfig& hardware, const std::vector<Schedule>& schedules,
                         std::vector<LayerPoint>& points) {
    for (size_t t = 0; t < schedules.size(); ++t) points.push_back({t, hardware, schedules[t]});
  }

  void take_given_chip() {
    const HardwareConfig& hardware = options_.space.hardware;
    const ChipScore score = table_.score_of(hardware);
    if (!score.why.empty()) fail_user("{}: {}", hardware.to_string(), score.why);
    std::vector<LayerPoint> points;
    add_points(hardware, score.schedules, points);
    meter_.measure(points);
    offer(hardware, score.schedules);
    network_bound_ = score.bound;
  }

  void score_chips() {
    std::vector<size_t> legal;
    for (size_t chip = 0; chip < table_.chip_count(); ++chip) {
      if (table_.space(0).chip_legal(chip)) legal.push_back(chip);
    }
    constexpr size_t kBatch = 256;
    for (size_t begin = 0; begin < legal.size() && !interrupted(); begin += kBatch) {
      const size_t end = std::min(begin + kBatch, legal.size());
      table_.prepare({legal.begin() + static_cast<int64_t>(begin), legal.begin() + static_cast<int64_t>(end)},
                     options_.jobs);
      report("scoring chips", end, legal.size());
    }
    if (interrupted()) return;
    network_bound_ = std::numeric_limits<double>::infinity();
    for (const size_t chip : legal) {
      const ChipScore& score = table_.score(chip);
      if (!score.why.empty()) continue;
      ranked_.push_back(chip);
      network_bound_ = std::min(network_bound_, score.bound);
    }
    if (ranked_.empty()) fail_no_chip(legal);
    std::stable_sort(ranked_.begin(), ranked_.end(),
                     [&](size_t a, size_t b) { return table_.score(a).estimate < table_.score(b).estimate; });
  }

  [[noreturn]] void fail_no_chip(const std::vector<size_t>& legal) const {
    if (legal.empty()) fail_user("no chip of the space is within the budget; allow more area or buffer bytes");
    fail_user("none of the {} chips within the budget runs every layer; for instance {}: {}", legal.size(),
              table_.chip(legal.back()).to_string(), table_.score(legal.back()).why);
  }

  // The costliest tasks first: there a better chip and schedule promise most.
  std::vector<size_t> focus_order() const {
    std::vector<size_t> order(tasks().size());
    std::iota(order.begin(), order.end(), size_t{0});
    const ChipScore& score = table_.score(ranked_.front());
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return tasks()[a].weight * score.estimates[a] > tasks()[b].weight * score.estimates[b];
    });
    order.resize(std::min(order.size(), std::max<size_t>(options_.focus_tasks, 1)));
    return order;
  }

  void search_chips() {
    if (interrupted()) return;
    const std::vector<size_t> order = focus_order();
    const size_t share = std::max<size_t>(options_.trials / order.size(), 1);
    std::vector<uint8_t> agents;
    for (size_t i = 0; i < order.size() && !interrupted(); ++i) {
      search_chips_with(order[i], share, i * share, agents);
    }
  }

  // One round of the joint search; the agents go on from what they learned with the task before.
  void search_chips_with(size_t focus, size_t trials, size_t before, std::vector<uint8_t>& agents) {
    const NetworkSpace space(table_, focus);
    const int64_t space_id = records_.add_space(describe_space(space.key(), space));
    ArcoOptions tuner_options = arco_;
    tuner_options.expected_trials = trials;
    ArcoTuner tuner(space, tuner_options, options_.seed + focus);
    if (!agents.empty()) tuner.load_agents(agents, "agents of the former task");
    size_t done = before;
    const Measurer measure = recording_measurer(
        [&](const std::vector<uint64_t>& indices) {
          std::vector<Measurement> results = measure_networks(space, indices);
          done += results.size();
          report("chips", done, options_.trials);
          return results;
        },
        records_, run_, space_id, space,
        [&](uint64_t index) {
          const auto reason = tuner.reason(index);
          return std::string(reason ? to_string(*reason) : "seed");
        });
    const std::vector<Measurement> known = records_.known(space.key(), space);
    for (const Measurement& m : known) remember(space, m);
    std::vector<Measurement> start = known;
    if (known.empty()) start = measure(promising(space, std::min<size_t>(trials, arco_.batch)));
    run_tuner(tuner, measure, trials, arco_.batch, start);
    agents = tuner.save_agents();
  }

  // The best estimated chips with the focus task's best schedule.
  std::vector<uint64_t> promising(const NetworkSpace& space, size_t count) const {
    std::vector<uint64_t> indices;
    for (const size_t chip : ranked_) {
      if (indices.size() == count) break;
      if (const auto choice = space.choice_of(chip, table_.score(chip).schedules[space.focus()])) {
        indices.push_back(space.encode(*choice));
      }
    }
    return indices;
  }

  std::vector<Schedule> schedules_of(const NetworkSpace& space, const Choice& choice) const {
    std::vector<Schedule> schedules = table_.score(space.chip_number(choice)).schedules;
    schedules[space.focus()] = space.schedule(choice);
    return schedules;
  }

  std::vector<Measurement> measure_networks(const NetworkSpace& space, const std::vector<uint64_t>& indices) {
    std::vector<LayerPoint> points;
    std::vector<std::vector<Schedule>> schedules;
    for (const uint64_t index : indices) {
      const Choice choice = space.decode(index);
      const bool legal = space.legal(choice);
      schedules.push_back(legal ? schedules_of(space, choice) : std::vector<Schedule>());
      add_points(table_.chip(space.chip_number(choice)), schedules.back(), points);
    }
    meter_.measure(points);
    std::vector<Measurement> results;
    for (size_t i = 0; i < indices.size(); ++i) {
      const Choice choice = space.decode(indices[i]);
      Measurement m;
      m.index = indices[i];
      if (schedules[i].empty()) {
        m.status = MeasureStatus::kIllegal;
        m.why = space.why_illegal(choice);
      } else if (!sum_layers(table_.chip(space.chip_number(choice)), schedules[i], m)) {
        return results;  // interrupted
      }
      results.push_back(m);
    }
    return results;
  }

  bool sum_layers(const HardwareConfig& hardware, const std::vector<Schedule>& schedules, Measurement& m) {
    for (size_t t = 0; t < schedules.size(); ++t) {
      const Measurement* layer = meter_.find({t, hardware, schedules[t]});
      if (layer == nullptr) return false;
      const double weight = tasks()[t].weight;
      m.cycles += weight * layer->cycles;
      m.energy_pj += weight * layer->energy_pj;
      m.dram_bytes += static_cast<uint64_t>(weight * static_cast<double>(layer->dram_bytes));
      m.wall_seconds += layer->wall_seconds;
    }
    m.area_mm2 = area_of(hardware).total();
    offer(hardware, schedules);
    seen_.push_back({hardware, schedules, m.cycles});
    return true;
  }

  // A recorded measurement of an earlier run counts as seen, without simulating it again.
  void remember(const NetworkSpace& space, const Measurement& m) {
    if (m.status != MeasureStatus::kOk) return;
    const Choice choice = space.decode(m.index);
    seen_.push_back({table_.chip(space.chip_number(choice)), schedules_of(space, choice), m.cycles});
  }

  // On each of the best chips the best of several schedules a task.
  void compare_final_chips() {
    std::stable_sort(seen_.begin(), seen_.end(),
                     [](const Candidate& a, const Candidate& b) { return a.cycles < b.cycles; });
    std::set<std::string> taken;
    for (const Candidate& candidate : seen_) {
      if (interrupted() || taken.size() >= options_.final_chips) break;
      if (!taken.insert(candidate.hardware.to_string()).second) continue;
      std::vector<std::vector<Schedule>> shortlists;
      std::vector<LayerPoint> points;
      add_points(candidate.hardware, candidate.schedules, points);
      for (size_t t = 0; t < tasks().size(); ++t) {
        shortlists.push_back(best_schedules(tasks()[t].workload, candidate.hardware));
        shortlists.back().push_back(candidate.schedules[t]);
        for (const Schedule& s : shortlists.back()) points.push_back({t, candidate.hardware, s});
      }
      meter_.measure(points);
      std::vector<Schedule> best;
      for (size_t t = 0; t < tasks().size(); ++t) best.push_back(fastest(t, candidate.hardware, shortlists[t]));
      offer(candidate.hardware, best);
      report("final chips", taken.size(), options_.final_chips);
    }
  }

  std::vector<Schedule> best_schedules(const Workload& workload, const HardwareConfig& hardware) const {
    std::vector<std::pair<double, Schedule>> all;
    for_each_legal(workload, hardware,
                   [&](const Schedule& s) { all.emplace_back(cycle_estimate(workload, s, hardware), s); });
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Schedule> best;
    for (size_t i = 0; i < std::min(all.size(), options_.final_schedules); ++i) best.push_back(all[i].second);
    return best;
  }

  Schedule fastest(size_t task, const HardwareConfig& hardware, const std::vector<Schedule>& schedules) const {
    double least = std::numeric_limits<double>::infinity();
    Schedule best = schedules.back();
    for (const Schedule& s : schedules) {
      const Measurement* m = meter_.find({task, hardware, s});
      if (m == nullptr || m->cycles >= least) continue;
      least = m->cycles;
      best = s;
    }
    return best;
  }

  // The agents tune each task's schedule on one chip. Tasks run in parallel; each has its own tuner and seed.
  void tune_schedules(Candidate& candidate, const ArcoOptions& arco, size_t trials, const char* phase) {
    std::vector<TuneResult> results(tasks().size());
    std::vector<std::unique_ptr<ConfigurationSpace>> spaces;
    for (const WeightedTask& task : tasks()) spaces.push_back(software_space(task.workload, candidate.hardware));
    std::mutex mutex;
    size_t finished = 0;
    parallel_for(tasks().size(), options_.jobs, [&](size_t t) {
      if (interrupted()) return;
      ArcoOptions tuner_options = arco;
      tuner_options.expected_trials = trials;
      tuner_options.first_updates = std::min(tuner_options.first_updates, 4);
      tuner_options.plan_updates = std::min(tuner_options.plan_updates, 2);
      ArcoTuner tuner(*spaces[t], tuner_options, options_.seed + t);
      results[t] = tune_layer(*spaces[t], tuner, trials, mutex);
      const std::lock_guard lock(mutex);
      report(phase, ++finished, tasks().size());
    });
    for (size_t t = 0; t < tasks().size(); ++t) adopt(*spaces[t], results[t], t, candidate);
    candidate.cycles = network_cycles(candidate.hardware, candidate.schedules);
  }

  static std::unique_ptr<ConfigurationSpace> software_space(const Workload& workload, const HardwareConfig& hardware) {
    SpaceOptions options;
    options.kind = SpaceKind::kSoftware;
    options.hardware = hardware;
    return std::make_unique<ConfigurationSpace>(workload, options);
  }

  TuneResult tune_layer(const ConfigurationSpace& space, Tuner& tuner, size_t trials, std::mutex& mutex) {
    const auto guarded = [&](const auto& work) {
      const std::lock_guard lock(mutex);
      return work();
    };
    const int64_t space_id = guarded([&] { return records_.add_space(describe_space(space.key(), space)); });
    const std::vector<Measurement> known = guarded([&] { return records_.known(space.key(), space); });
    const Measurer simulate = make_simulator_measurer(space, options_.timing, 1);
    const Measurer measure = [&](const std::vector<uint64_t>& indices) {
      std::vector<Measurement> results = simulate(indices);
      guarded([&] { records_.add(run_, space_id, space, results); });
      return results;
    };
    return run_tuner(tuner, measure, trials, std::min<size_t>(arco_.batch, 8), known);
  }

  // Takes a task's tuned schedule if it is faster than the one at hand.
  void adopt(const ConfigurationSpace& space, const TuneResult& result, size_t task, Candidate& candidate) {
    measurements_ += result.history.size();
    meter_.measure({{task, candidate.hardware, candidate.schedules[task]}});
    if (result.best.status != MeasureStatus::kOk) return;
    const Measurement* present = meter_.find({task, candidate.hardware, candidate.schedules[task]});
    if (present != nullptr && present->cycles <= result.best.cycles) return;
    candidate.schedules[task] = space.schedule(space.decode(result.best.index));
    meter_.measure({{task, candidate.hardware, candidate.schedules[task]}});
  }

  Design make_design() {
    Design d;
    d.hardware = best_.hardware;
    d.cycles = best_.cycles;
    d.area_mm2 = area_of(best_.hardware).total();
    d.network_bound = network_bound_;
    d.tuner = "arco";
    d.seed = options_.seed;
    d.measurements = measurements_ + meter_.simulated();
    const ChipScore score = table_.score_of(best_.hardware);
    for (size_t t = 0; t < tasks().size(); ++t) {
      const Measurement* m = meter_.find({t, best_.hardware, best_.schedules[t]});
      d.tasks.push_back({tasks()[t].workload.to_string(), tasks()[t].weight, best_.schedules[t],
                         m == nullptr ? 0 : m->cycles, score.bounds[t]});
    }
    return d;
  }

  // The default VTA, every task's schedule searched exhaustively with branch and bound.
  std::optional<Reference> tune_reference() {
    const HardwareConfig vta;
    std::vector<TuneResult> results(tasks().size());
    std::vector<std::unique_ptr<ConfigurationSpace>> spaces;
    for (const WeightedTask& task : tasks()) spaces.push_back(software_space(task.workload, vta));
    std::mutex mutex;
    size_t finished = 0;
    parallel_for(tasks().size(), options_.jobs, [&](size_t t) {
      const auto tuner = make_exhaustive(*spaces[t], {});
      results[t] = tune_layer(*spaces[t], *tuner, options_.reference_trials, mutex);
      const std::lock_guard lock(mutex);
      report("default VTA", ++finished, tasks().size());
    });
    Reference reference{vta, 0, area_of(vta).total(), true};
    for (size_t t = 0; t < tasks().size(); ++t) {
      if (results[t].best.status != MeasureStatus::kOk)
        return std::nullopt;  // interrupted, or a layer fits no schedule
      reference.cycles += tasks()[t].weight * results[t].best.cycles;
      reference.proved = reference.proved && results[t].proved_optimal;
    }
    return reference;
  }

  const CoOptimiserOptions& options_;
  RecordStore& records_;
  const std::function<void(const TuneProgress&)>& progress_;
  const ArcoOptions arco_;
  ChipTable table_;
  LayerMeter meter_;
  int64_t run_ = 0;
  std::vector<size_t> ranked_;   // chips that run every task, least estimate first
  std::vector<Candidate> seen_;  // every measured chip with its schedules
  Candidate best_;
  double network_bound_ = 0;
  size_t measurements_ = 0;  // of the tuners of single layers
};

}  // namespace

Design co_optimise(const std::vector<WeightedTask>& tasks, const CoOptimiserOptions& options, RecordStore& records,
                   const std::function<void(const TuneProgress&)>& progress) {
  if (tasks.empty()) fail_user("the network has no layer that the accelerator could run; nothing to tune");
  return CoOptimiser(tasks, options, records, progress).run();
}

}  // namespace arco
