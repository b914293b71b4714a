// For each of the costliest tasks in turn:
//
//     (chip knobs, schedule knobs of this task) --> the other tasks take their best estimated schedules on the chip
//                      ^                                            |
//                      +---- tuner <---- cycles of the network -----+
//
// then, on the best few chips, the several best estimated schedules of every task are measured, and the best taken.
#include "arco/search/chip_search.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/schedule/activity.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/search/schedule_tuning.h"
#include "arco/search/tuners/arco.h"

namespace arco {

ChipSearch::ChipSearch(const ChipTable& table, NetworkMeter& meter, RecordedSearch& records,
                       const ChipSearchOptions& options, Report report)
    : table_(table), meter_(meter), records_(records), options_(options), report_(std::move(report)) {
  std::vector<std::pair<double, size_t>> ranked;
  for (size_t chip = 0; chip < table_.chip_count(); ++chip) {
    const double cost = table_.estimated_cost(chip);
    if (cost < std::numeric_limits<double>::infinity()) ranked.emplace_back(cost, chip);
  }
  ARCO_CHECK(!ranked.empty(), "no chip runs every task");
  std::ranges::sort(ranked);
  for (const auto& [cost, chip] : ranked) ranked_.push_back(chip);
}

ChipDesign ChipSearch::run() {
  const std::vector<size_t> order = focus_order();
  const size_t share = std::max<size_t>(options_.trials / order.size(), 1);
  for (size_t i = 0; i < order.size() && !interrupted(); ++i) search_with(order[i], share, i * share);
  if (informed()) compare_final_chips();
  return best_;
}

// The costliest tasks first: there a better chip and schedule promise most.
std::vector<size_t> ChipSearch::focus_order() const {
  const std::vector<WeightedTask>& tasks = table_.tasks();
  std::vector<size_t> order(tasks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const ChipScore& score = table_.score(ranked_.front());
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](size_t t) { return tasks[t].weight * score.estimates[t].cycles; });
  // Agents take along what they learned; a tuner that starts anew each time does better with all trials at once.
  order.resize(has_agents() ? std::clamp<size_t>(options_.focus_tasks, 1, order.size()) : 1);
  return order;
}

// One round; ARCO's agents go on from what they learned with the task before.
void ChipSearch::search_with(size_t focus, size_t trials, size_t before) {
  const NetworkSpace space(table_, focus);
  const std::string key = space.key();
  const auto tuner = make_planned_tuner(options_.tuner, space, trials, options_.seed + focus);
  auto* arco = dynamic_cast<ArcoTuner*>(tuner.get());
  if (arco != nullptr && !agents_.empty()) arco->load_agents(agents_, "agents of the former task");
  size_t done = before;
  const Measurer measurer = [&](const std::vector<uint64_t>& indices) {
    std::vector<Measurement> results = measure(space, indices);
    done += results.size();
    report_("chips", done, options_.trials, best_);
    return results;
  };
  const size_t batch = batch_of(options_.tuner, 16);
  const ChipDesign best_before = best_;
  std::vector<Measurement> seeds;
  if (informed()) {
    const auto tag = [](uint64_t) { return std::string("seed"); };
    seeds = records_.measurer(space, key, measurer, tag)(promising(space, std::min(trials, batch)));
  }
  records_.run(space, key, *tuner, measurer, trials, batch, seeds);
  // Of equals the first measured is the best, also where an earlier process measured it.
  best_ = best_before;
  for (const Measurement& m : records_.known(space, key)) note(space, m);
  if (arco == nullptr) return;
  agents_ = arco->save_agents();
  if (options_.learned) options_.learned->put(arco->world(), agents_);
}

// The best estimated chips with the focus task's best schedule.
std::vector<uint64_t> ChipSearch::promising(const NetworkSpace& space, size_t count) const {
  std::vector<uint64_t> indices;
  for (const size_t chip : ranked_) {
    if (indices.size() == count) break;
    if (const auto choice = space.choice_of(chip, table_.score(chip).schedules[space.focus()])) {
      indices.push_back(space.encode(*choice));
    }
  }
  return indices;
}

ChipDesign ChipSearch::design_of(const NetworkSpace& space, const Choice& choice) const {
  const size_t chip = space.chip_number(choice);
  ChipDesign design{table_.chip(chip), table_.score(chip).schedules};
  design.schedules[space.focus()] = space.schedule(choice);
  return design;
}

std::vector<Measurement> ChipSearch::measure(const NetworkSpace& space, const std::vector<uint64_t>& indices) {
  std::vector<ChipDesign> designs;
  for (const uint64_t index : indices) {
    const Choice choice = space.decode(index);
    designs.push_back(space.legal(choice) ? design_of(space, choice) : ChipDesign{});
  }
  meter_.measure(designs);
  std::vector<Measurement> results;
  for (size_t i = 0; i < indices.size(); ++i) {
    Measurement m;
    if (designs[i].schedules.empty()) {
      m.status = MeasureStatus::kIllegal;
      m.why = space.why_illegal(space.decode(indices[i]));
    } else {
      const auto total = meter_.total(designs[i]);
      if (!total) return results;  // interrupted
      m = *total;
      meter_.update(designs[i]);
      m.cost = designs[i].cost;
      offer(std::move(designs[i]));
    }
    m.index = indices[i];
    results.push_back(std::move(m));
  }
  return results;
}

// Whatever was measured in the space, by this run or an earlier one.
void ChipSearch::note(const NetworkSpace& space, const Measurement& measurement) {
  if (measurement.status != MeasureStatus::kOk) return;
  ChipDesign design = design_of(space, space.decode(measurement.index));
  design.total = metrics_of(measurement);
  design.cost = measurement.cost;
  meter_.count(design);
  offer(design);
  seen_.push_back(std::move(design));
}

void ChipSearch::offer(ChipDesign design) {
  if (design.cost < best_.cost) best_ = std::move(design);
}

void ChipSearch::compare_final_chips() {
  std::ranges::stable_sort(seen_, {}, &ChipDesign::cost);
  std::set<std::string> taken;
  for (const ChipDesign& seen : seen_) {
    if (interrupted() || taken.size() >= options_.final_chips) break;
    if (!taken.insert(seen.hardware.to_string()).second) continue;
    offer(best_schedules_on(seen));
    report_("final chips", taken.size(), options_.final_chips, best_);
  }
}

// Of every task the best of its shortlist and of what the search had.
ChipDesign ChipSearch::best_schedules_on(const ChipDesign& start) {
  std::vector<std::vector<Schedule>> shortlists;
  meter_.measure({start});
  for (size_t t = 0; t < table_.tasks().size(); ++t) {
    shortlists.push_back(shortlist(t, start.hardware));
    measure_schedules(t, start.hardware, shortlists.back());
  }
  ChipDesign best = start;
  meter_.choose_schedules(best, shortlists);
  return best;
}

// In the space where the schedules of the task on this chip are tuned, so that they are known there.
void ChipSearch::measure_schedules(size_t task, const HardwareConfig& hardware,
                                   const std::vector<Schedule>& schedules) {
  const ConfigurationSpace space(table_.tasks()[task].workload, schedules_on(hardware, table_.space(task).options()));
  const std::string key = space.key();
  std::vector<uint64_t> indices;
  std::vector<LayerPoint> points;
  for (const Schedule& schedule : schedules) {
    const auto choice = space.choice_of({hardware, schedule});
    ARCO_CHECK(choice, "the space of schedules lacks {}", schedule.to_string());
    indices.push_back(space.encode(*choice));
    points.push_back({task, hardware, schedule});
  }
  const Measurer measurer = [&](const std::vector<uint64_t>& missing) {
    std::vector<LayerPoint> of_missing;
    for (const uint64_t index : missing) of_missing.push_back({task, hardware, space.schedule(space.decode(index))});
    meter_.layers().measure(of_missing);
    std::vector<Measurement> results;
    for (size_t i = 0; i < missing.size(); ++i) {
      const Measurement* m = meter_.layers().find(of_missing[i]);
      if (m == nullptr) break;  // interrupted
      results.push_back(*m);
      results.back().index = missing[i];
      results.back().cost = space.cost(*m);
    }
    return results;
  };
  const auto tag = [](uint64_t) { return std::string("final chip"); };
  const std::vector<Measurement> results = records_.measurer(space, key, measurer, tag)(indices);
  for (size_t i = 0; i < results.size(); ++i) meter_.layers().put(points[i], results[i]);
}

std::vector<Schedule> ChipSearch::shortlist(size_t task, const HardwareConfig& hardware) const {
  const Workload& workload = table_.tasks()[task].workload;
  const Objective objective = table_.space(task).options().objective;
  const EstimateContext context(workload, hardware);
  std::vector<std::pair<double, Schedule>> all;
  const auto admitted = [&](const Schedule& s) { return table_.admits(task, s, hardware); };
  for_each_cost(workload, hardware, admitted, [&](const Schedule& s, const CycleCost& cycles) {
    const double energy =
        needs_energy(objective) ? energy_estimate(workload, hardware, context.parts(s).read_beats) : 0;
    all.emplace_back(schedule_cost(objective, cycles.estimate, energy), s);
  });
  std::ranges::stable_sort(all, {}, [](const auto& entry) { return entry.first; });
  std::vector<Schedule> best;
  for (size_t i = 0; i < std::min(all.size(), options_.final_schedules); ++i) best.push_back(all[i].second);
  return best;
}

}  // namespace arco
