// The search for a chip prices all layers apart: a chain's gain is small beside the differences between chips, and most
// of it is the same on all of them. On the chip found the chains are tuned like any task, and each is taken where it
// costs less than its two layers together, all measured.
#include "arco/search/chain_tuning.h"

#include <algorithm>
#include <limits>

#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/schedule/geometry.h"

namespace arco {

namespace {

std::vector<WeightedTask> tasks_of(const std::vector<ChainTask>& chains) {
  std::vector<WeightedTask> tasks;
  for (const ChainTask& chain : chains) tasks.push_back({chain.both, chain.weight});
  return tasks;
}

void take_off(std::vector<DesignTask>& tasks, const Workload& workload, double weight) {
  constexpr double kNothing = 1e-9;
  const auto found = std::ranges::find(tasks, workload.to_string(), &DesignTask::workload);
  if (found == tasks.end()) return;
  found->weight -= weight;
  if (found->weight <= kNothing) tasks.erase(found);
}

double least_bound(const Workload& workload, const HardwareConfig& hardware) {
  double least = std::numeric_limits<double>::infinity();
  const EstimateContext context(workload, hardware);
  for_each_legal(workload, hardware, [&](const Schedule& schedule) {
    least = std::min(least, context.cost(schedule, Wanted::kBound).bound);
  });
  return least;
}

}  // namespace

ChainTuning tune_chains(const std::vector<ChainTask>& chains, const MetricsOfWorkload& apart, const SpaceOptions& space,
                        const TaskTuningOptions& options, RecordedSearch& records) {
  ChainTuning result;
  if (chains.empty()) return result;
  const std::vector<TunedTask> tuned = tune_tasks(tasks_of(chains), space, options, records);
  const auto cost = [&](const Metrics& m) { return schedule_cost(space.objective, m.cycles, m.energy_pj); };
  for (size_t c = 0; c < chains.size(); ++c) {
    const TuneResult& found = tuned[c].result;
    result.proved = result.proved && found.proved_optimal;
    result.measurements += found.history.size();
    const std::optional<Metrics> first = apart(chains[c].convolution);
    const std::optional<Metrics> second = apart(chains[c].follower);
    if (found.best.status != MeasureStatus::kOk || !first || !second) continue;
    // Another layout would take one more copy of the input.
    const ActivationLayout input = input_layout(chains[c].convolution, space.hardware);
    if (!input_layout(chains[c].both, space.hardware).same_bytes(input)) continue;
    const Metrics sum{first->cycles + second->cycles, first->energy_pj + second->energy_pj, first->area_mm2};
    const Metrics both = metrics_of(found.best);
    if (cost(both) >= cost(sum)) continue;
    const ConfigurationSpace& own = *tuned[c].space;
    result.joined.push_back({c, own.schedule(own.decode(found.best.index)), both,
                             Metrics{sum.cycles - both.cycles, sum.energy_pj - both.energy_pj, 0}});
  }
  return result;
}

void join(const std::vector<ChainTask>& chains, const ChainTuning& tuned, Design& design) {
  design.measurements += tuned.measurements;
  for (const JoinedChain& joined : tuned.joined) {
    const auto& [both, convolution, follower, weight] = chains[joined.chain];
    take_off(design.tasks, convolution, weight);
    take_off(design.tasks, follower, weight);
    design.tasks.push_back({both.to_string(), weight, joined.schedule, joined.metrics.cycles, joined.metrics.energy_pj,
                            least_bound(both, design.hardware)});
    design.cycles -= weight * joined.saved.cycles;
    design.energy_pj -= weight * joined.saved.energy_pj;
  }
}

std::vector<std::optional<Metrics>> chip_bounds(const ChipTable& table, const std::vector<ChainTask>& chains,
                                                const SpaceOptions& space, int jobs) {
  std::vector<std::optional<Metrics>> bounds;
  for (size_t chip = 0; chip < table.chip_count(); ++chip) bounds.push_back(table.bound(chip));
  if (chains.empty()) return bounds;
  const auto find = [&](const Workload& workload) {
    return static_cast<size_t>(std::ranges::find(table.tasks(), workload, &WeightedTask::workload) -
                               table.tasks().begin());
  };
  const ChipTable joined(tasks_of(chains), space);
  joined.prepare(jobs);
  for (size_t c = 0; c < chains.size(); ++c) {
    const size_t first = find(chains[c].convolution);
    const size_t second = find(chains[c].follower);
    if (std::max(first, second) >= table.tasks().size()) continue;
    for (size_t chip = 0; chip < bounds.size(); ++chip) {
      if (!bounds[chip]) continue;
      const auto a = table.bound(chip, first);
      const auto b = table.bound(chip, second);
      const auto both = joined.bound(chip, c);
      if (!a || !b || !both) continue;
      bounds[chip]->cycles -= chains[c].weight * std::max(0.0, a->cycles + b->cycles - both->cycles);
      bounds[chip]->energy_pj -= chains[c].weight * std::max(0.0, a->energy_pj + b->energy_pj - both->energy_pj);
    }
  }
  return bounds;
}

double least_cost(const ChipTable& table, const std::vector<std::optional<Metrics>>& bounds) {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& bound : bounds) least = std::min(least, table.cost(bound));
  return least;
}

}  // namespace arco
