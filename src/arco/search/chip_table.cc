// Chips that differ in their buffers alone share a table of schedules for each task (core_table.h).
#include "arco/search/chip_table.h"

#include <algorithm>
#include <limits>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/schedule/geometry.h"

namespace arco {

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
}

std::string why_unchainable(const HardwareConfig& hardware) {
  if (hardware.log2_batch == 0 || hardware.log2_block_in == hardware.log2_block_out) return "";
  return fmt::format("BATCH {} with BLOCK_IN {} and BLOCK_OUT {}: the host would have to repack tensors between layers",
                     hardware.batch(), hardware.block_in(), hardware.block_out());
}

ChipTable::ChipTable(std::vector<WeightedTask> tasks, const SpaceOptions& options) : tasks_(std::move(tasks)) {
  ARCO_CHECK(!tasks_.empty(), "no tasks");
  for (const WeightedTask& task : tasks_) {
    spaces_.push_back(spaces_.empty() ? std::make_unique<ConfigurationSpace>(task.workload, options)
                                      : std::make_unique<ConfigurationSpace>(task.workload, *spaces_.front()));
  }
  find_cores();
}

void ChipTable::find_cores() {
  std::map<std::array<int, 3>, uint32_t> numbers;
  range_.low = range_.high = log2_buffers(chip(0));
  const bool given = spaces_[0]->options().kind == SpaceKind::kSoftware;  // whoever gives a chip knows its price
  for (size_t i = 0; i < chip_count(); ++i) {
    const HardwareConfig& hardware = chip(i);
    const std::array<int, 4> sizes = log2_buffers(hardware);
    for (size_t b = 0; b < sizes.size(); ++b) {
      range_.low[b] = std::min(range_.low[b], sizes[b]);
      range_.high[b] = std::max(range_.high[b], sizes[b]);
    }
    usable_.push_back(spaces_[0]->chip_legal(i) && (given || why_unchainable(hardware).empty()));
    if (usable_.back() == 0) {
      core_of_.push_back(0);
      continue;
    }
    const std::array<int, 3> shape{hardware.log2_batch, hardware.log2_block_in, hardware.log2_block_out};
    const auto [found, is_new] = numbers.emplace(shape, static_cast<uint32_t>(cores_.size()));
    if (is_new) {
      Core core;
      core.hardware = hardware;
      core.made = std::vector<std::once_flag>(tasks_.size());
      core.tables.resize(tasks_.size());
      cores_.push_back(std::move(core));
    }
    core_of_.push_back(found->second);
  }
}

size_t ChipTable::usable_count() const {
  return static_cast<size_t>(std::ranges::count(usable_, char{1}));
}

bool ChipTable::admits(size_t task, const Schedule& schedule, const HardwareConfig& hardware) const {
  return has_schedule(spaces_[0]->options(), tasks_[task].workload, hardware, schedule);
}

const CoreTable& ChipTable::table(size_t core, size_t task) const {
  Core& c = cores_[core];
  std::call_once(c.made[task], [&] {
    c.tables[task] = std::make_unique<CoreTable>(tasks_[task].workload, c.hardware, range_,
                                                 [&](const Schedule& s) { return admits(task, s, c.hardware); });
  });
  return *c.tables[task];
}

void ChipTable::prepare(int jobs, const std::function<void(size_t, size_t)>& progress) const {
  const size_t parts = cores_.size() * tasks_.size();
  size_t done = 0;
  std::mutex counting;
  parallel_for(parts, jobs, [&](size_t i) {
    if (interrupted()) return;
    table(i / tasks_.size(), i % tasks_.size());
    const std::lock_guard lock(counting);
    ++done;
    if (progress) progress(done, parts);
  });
}

CoreTable::Best ChipTable::best(size_t chip_number, size_t task) const {
  if (!usable(chip_number)) return {};
  return table(core_of_[chip_number], task).best(log2_buffers(chip(chip_number)));
}

bool ChipTable::runs(size_t chip, size_t task) const {
  return best(chip, task).estimate < kInfinity;
}

double ChipTable::sum(size_t chip, double CoreTable::Best::*cycles) const {
  double total = 0;
  for (size_t t = 0; t < tasks_.size() && total < kInfinity; ++t) total += tasks_[t].weight * (best(chip, t).*cycles);
  return total;
}

double ChipTable::least_bound() const {
  double least = kInfinity;
  for (size_t i = 0; i < chip_count(); ++i) least = std::min(least, bound(i));
  return least;
}

const ChipScore& ChipTable::score(size_t chip) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = scores_.find(chip); found != scores_.end()) return *found->second;
  }
  auto made = std::make_unique<ChipScore>(make_score(chip));
  const std::lock_guard lock(mutex_);
  return *scores_.emplace(chip, std::move(made)).first->second;
}

ChipScore ChipTable::make_score(size_t chip_number) const {
  ChipScore score;
  const HardwareConfig& hardware = chip(chip_number);
  if (!usable(chip_number)) {
    score.why = spaces_[0]->chip_legal(chip_number) ? why_unchainable(hardware)
                                                    : why_chip_illegal(hardware, spaces_[0]->options().budget);
    return score;
  }
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const CoreTable::Best found = best(chip_number, t);
    if (found.estimate == kInfinity) {
      const Workload& workload = tasks_[t].workload;
      score.why = fmt::format("{}: no schedule fits: {}", workload.to_string(), why_none_legal(workload, hardware));
      return score;
    }
    score.schedules.push_back(found.schedule);
    score.estimates.push_back(found.estimate);
    score.bounds.push_back(found.bound);
    score.estimate += tasks_[t].weight * found.estimate;
    score.bound += tasks_[t].weight * found.bound;
  }
  return score;
}

ChipScore ChipTable::score_of(const HardwareConfig& hardware) const {
  ChipScore score;
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const Workload& workload = tasks_[t].workload;
    double least = kInfinity;
    double least_bound = kInfinity;
    Schedule best;
    const EstimateContext context(workload, hardware);
    for_each_legal(workload, hardware, [&](const Schedule& s) {
      if (!admits(t, s, hardware)) return;
      const CycleCost cost = context.cost(s);
      least_bound = std::min(least_bound, cost.bound);
      if (cost.estimate < least) {
        least = cost.estimate;
        best = s;
      }
    });
    if (least == kInfinity) {
      score.why = fmt::format("{}: no schedule fits: {}", workload.to_string(), why_none_legal(workload, hardware));
      return score;
    }
    score.schedules.push_back(best);
    score.estimates.push_back(least);
    score.bounds.push_back(least_bound);
    score.estimate += tasks_[t].weight * least;
    score.bound += tasks_[t].weight * least_bound;
  }
  return score;
}

}  // namespace arco
