// The closed form knows every chip of the space, so the front is drawn on it first:
//
//     estimates of all chips --> those not dominated --> some, spread out --> schedules tuned and measured on each
//
// Certificate of a measured point: among the chips whose bounds allow it to be as good as the point in every other
// objective, the least bound in this one. With latency and area: what no chip of at most that area beats.
#include "arco/search/pareto_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/search/chain_tuning.h"
#include "arco/search/pareto.h"
#include "arco/search/schedule_tuning.h"

namespace arco {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> costs_of(const std::vector<Objective>& objectives, const Metrics& metrics) {
  std::vector<double> costs;
  for (const Objective objective : objectives) costs.push_back(cost_of(objective, metrics));
  return costs;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t k = 0; k < a.size(); ++k) sum += std::pow(std::log2(a[k] / b[k]), 2);
  return sum;
}

// The best in each objective, then again and again the one farthest from all taken, in ratios.
std::vector<ParetoPoint> spread_points(const std::vector<ParetoPoint>& points, size_t count) {
  std::vector<ParetoPoint> taken;
  const auto take = [&](const ParetoPoint& point) {
    const bool is_new = std::ranges::find(taken, point.id, &ParetoPoint::id) == taken.end();
    if (is_new && taken.size() < count) taken.push_back(point);
  };
  for (size_t k = 0; k < points.front().objectives.size(); ++k) {
    take(*std::ranges::min_element(points, {}, [k](const ParetoPoint& p) { return p.objectives[k]; }));
  }
  std::vector<double> nearest(points.size(), kInfinity);
  size_t measured = 0;  // of `taken`, those that `nearest` knows
  while (taken.size() < std::min(count, points.size())) {
    for (; measured < taken.size(); ++measured) {
      for (size_t i = 0; i < points.size(); ++i) {
        nearest[i] = std::min(nearest[i], distance(points[i].objectives, taken[measured].objectives));
      }
    }
    const auto farthest = std::ranges::max_element(nearest);
    if (*farthest <= 0) break;
    take(points[static_cast<size_t>(farthest - nearest.begin())]);
  }
  return taken;
}

class FrontSearch {
 public:
  FrontSearch(const std::vector<Objective>& objectives, size_t most_points, const CoOptimiserOptions& options,
              RecordStore& records, const ReportProgress& progress)
      : objectives_(objectives), most_points_(most_points), options_(options), records_(records), progress_(progress) {
    front_.objectives = objectives;
    options_.space.objective = objectives.front();
    options_.space.energy_estimates = std::ranges::any_of(objectives, needs_energy);
    options_.reference = false;
  }

  DesignFront run(const std::vector<WeightedTask>& tasks) {
    split_ = split_tasks(tasks, options_.space, options_.jobs,
                         [&](size_t done, size_t parts) { report("core shapes", done, parts); });
    if (!split_.table && !interrupted()) fail_user("no chip within the budget runs any layer; allow more");
    if (!split_.table) throw RunError("interrupted before the first design; nothing to write");
    const std::vector<ParetoPoint> chips = spread_points(promising_chips(), most_points_);
    measure(chips);
    if (front_.points.empty() && interrupted()) {
      throw RunError("interrupted before the first design; nothing to write");
    }
    certify();
    front_.complete = !interrupted();
    return std::move(front_);
  }

 private:
  void report(const char* phase, size_t done, size_t planned) const {
    if (!progress_) return;
    TuneProgress p;
    p.phase = phase;
    p.done = done;
    p.planned = planned;
    progress_(p);
  }

  std::vector<ParetoPoint> promising_chips() {
    const std::optional<double>& energy_limit = options_.space.budget.energy_pj;
    ParetoFront estimated(objectives_.size());
    const auto bounds = chip_bounds(*split_.table, options_.chains, options_.space, options_.jobs);
    for (size_t chip = 0; chip < bounds.size(); ++chip) {
      const std::optional<Metrics>& bound = bounds[chip];
      if (!bound || (energy_limit && bound->energy_pj > *energy_limit)) continue;
      ++front_.chips;
      bounds_.push_back(costs_of(objectives_, *bound));
      estimated.insert({costs_of(objectives_, *split_.table->estimate(chip)), chip});
    }
    if (front_.chips == 0) fail_user("no chip within the budget can run this with so little energy; allow more");
    front_.promising = estimated.points().size();
    return estimated.points();
  }

  // Objectives that order schedules differently on one chip: all but area, and only one of those that count cycles.
  std::vector<Objective> schedule_objectives() const {
    std::vector<Objective> distinct;
    for (const Objective objective : objectives_) {
      if (objective != Objective::kArea) distinct.push_back(objective);
    }
    if (distinct.empty()) distinct.push_back(Objective::kLatency);
    return distinct;
  }

  void measure(const std::vector<ParetoPoint>& chips) {
    ParetoFront measured(objectives_.size());
    std::vector<Design> designs;
    const std::vector<Objective> wanted = schedule_objectives();
    for (size_t i = 0; i < chips.size(); ++i) {
      for (const Objective objective : wanted) {
        report("designs", i, chips.size());
        if (interrupted()) return keep(measured, designs);
        CoOptimiserOptions options = options_;
        options.space = schedules_on(split_.table->chip(chips[i].id), options_.space);
        options.space.objective = objective;
        Design design = co_optimise(split_.table->tasks(), options, records_, {});
        if (!design.complete) return keep(measured, designs);
        if (!options_.space.budget.energy_violation(design.energy_pj).empty()) continue;
        measured.insert({costs_of(objectives_, design.metrics()), designs.size()});
        designs.push_back(std::move(design));
      }
    }
    keep(measured, designs);
  }

  void keep(const ParetoFront& measured, const std::vector<Design>& designs) {
    for (const ParetoPoint& point : measured.points()) {
      FrontPoint kept{designs[point.id], point.objectives, {}};
      kept.design.objective = to_string(objectives_.front());
      for (const HostTask& task : split_.host) {
        kept.design.host_tasks.push_back({task.workload.to_string(), task.weight, task.why});
      }
      front_.points.push_back(std::move(kept));
    }
  }

  void certify() {
    for (FrontPoint& point : front_.points) {
      for (size_t k = 0; k < objectives_.size(); ++k) point.bounds.push_back(least_beside(point.costs, k));
      point.design.network_bound = point.bounds.front();
    }
  }

  double least_beside(const std::vector<double>& costs, size_t objective) const {
    double least = kInfinity;
    for (const std::vector<double>& bound : bounds_) {
      bool could = true;
      for (size_t k = 0; k < costs.size(); ++k) could &= k == objective || bound[k] <= costs[k];
      if (could) least = std::min(least, bound[objective]);
    }
    return least;
  }

  const std::vector<Objective>& objectives_;
  size_t most_points_;
  CoOptimiserOptions options_;
  RecordStore& records_;
  const ReportProgress& progress_;
  TaskSplit split_;
  std::vector<std::vector<double>> bounds_;  // of each chip that runs every task, by objective
  DesignFront front_;
};

}  // namespace

DesignFront search_front(const std::vector<WeightedTask>& tasks, const std::vector<Objective>& objectives,
                         size_t most_points, const CoOptimiserOptions& options, RecordStore& records,
                         const ReportProgress& progress) {
  ARCO_CHECK(!objectives.empty() && most_points >= 1, "a front needs objectives and points");
  if (tasks.empty()) fail_user("the network has no layer that the accelerator could run; nothing to tune");
  return FrontSearch(objectives, most_points, options, records, progress).run(tasks);
}

}  // namespace arco
