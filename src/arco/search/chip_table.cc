#include "arco/search/chip_table.h"

#include <algorithm>
#include <limits>

#include "arco/base/error.h"
#include "arco/base/parallel.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"

namespace arco {

std::string why_unchainable(const HardwareConfig& hardware) {
  if (hardware.log2_batch == 0 || hardware.log2_block_in == hardware.log2_block_out) return "";
  return fmt::format("BATCH {} with BLOCK_IN {} and BLOCK_OUT {}: the host would have to repack tensors between layers",
                     hardware.batch(), hardware.block_in(), hardware.block_out());
}

ChipTable::ChipTable(std::vector<WeightedTask> tasks, const SpaceOptions& options) : tasks_(std::move(tasks)) {
  ARCO_CHECK(!tasks_.empty(), "no tasks");
  for (const WeightedTask& task : tasks_)
    spaces_.push_back(std::make_unique<ConfigurationSpace>(task.workload, options));
  scores_.resize(chip_count());
}

const ChipScore& ChipTable::score(size_t chip) const {
  {
    const std::lock_guard lock(mutex_);
    if (scores_[chip]) return *scores_[chip];
  }
  auto score = std::make_unique<ChipScore>();
  const HardwareConfig& hardware = spaces_[0]->chip(chip);
  score->why = spaces_[0]->chip_legal(chip) ? why_unchainable(hardware)
                                            : why_chip_illegal(hardware, spaces_[0]->options().budget);
  if (score->why.empty()) *score = score_of(hardware);
  const std::lock_guard lock(mutex_);
  if (!scores_[chip]) scores_[chip] = std::move(score);
  return *scores_[chip];
}

void ChipTable::prepare(const std::vector<size_t>& chips, int jobs) const {
  parallel_for(chips.size(), jobs, [&](size_t i) { score(chips[i]); });
}

ChipScore ChipTable::score_of(const HardwareConfig& hardware) const {
  ChipScore score;
  for (const WeightedTask& task : tasks_) {
    if (!score.why.empty()) return score;
    double least = std::numeric_limits<double>::infinity();
    double least_bound = least;
    Schedule best;
    for_each_legal(task.workload, hardware, [&](const Schedule& s) {
      const CycleParts parts = cycle_parts(task.workload, s, hardware);
      least_bound = std::min(least_bound, cycle_bound(parts));
      const double cycles = cycle_estimate(parts, s);
      if (cycles < least) {
        least = cycles;
        best = s;
      }
    });
    if (least == std::numeric_limits<double>::infinity()) {
      score.why =
          fmt::format("{}: no schedule fits: {}", task.workload.to_string(), why_none_legal(task.workload, hardware));
      return score;
    }
    score.schedules.push_back(best);
    score.estimates.push_back(least);
    score.bounds.push_back(least_bound);
    score.estimate += task.weight * least;
    score.bound += task.weight * least_bound;
  }
  return score;
}

}  // namespace arco
