// Pairs of tasks that can run as one layer (plan/chains.h): whether they should is measured on a finished chip.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "arco/search/chip_table.h"
#include "arco/search/design.h"
#include "arco/search/schedule_tuning.h"

namespace arco {

struct ChainTask {
  Workload both;
  Workload convolution, follower;  // the tasks apart
  double weight = 1;               // as WeightedTask's
};

// What a workload takes with its best schedule; nothing where the host runs it (then its chains stay apart).
using MetricsOfWorkload = std::function<std::optional<Metrics>(const Workload&)>;

// A chain that costs less than its two layers.
struct JoinedChain {
  size_t chain = 0;
  Schedule schedule;
  Metrics metrics;  // of one
  Metrics saved;    // by one
};

struct ChainTuning {
  std::vector<JoinedChain> joined;
  size_t measurements = 0;
  bool proved = true;  // the schedule of every chain, joined or not, is the optimum of its space
};

// Tunes the schedules of all chains and compares them with their layers by the space's objective.
ChainTuning tune_chains(const std::vector<ChainTask>& chains, const MetricsOfWorkload& apart, const SpaceOptions& space,
                        const TaskTuningOptions& options, RecordedSearch& records);

// Puts the joined chains in the place of their layers: tasks, weights, cycles and energy.
void join(const std::vector<ChainTask>& chains, const ChainTuning& tuned, Design& design);

// ChipTable::bound of every chip, each chain run in the better of both ways. Chains whose layers are not both in the
// table stay apart.
std::vector<std::optional<Metrics>> chip_bounds(const ChipTable& table, const std::vector<ChainTask>& chains,
                                                const SpaceOptions& space, int jobs);
// The least cost of them; infinity if there is none.
double least_cost(const ChipTable& table, const std::vector<std::optional<Metrics>>& bounds);

}  // namespace arco
