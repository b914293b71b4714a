// Chips that differ in their buffers alone share a table of schedules for each task (core_table.h).
#include "arco/search/chip_table.h"

#include <algorithm>
#include <limits>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/schedule/activity.h"
#include "arco/schedule/candidates.h"
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
      for (const WeightedTask& task : tasks_) core.least.push_back(least_activity(task.workload, hardware));
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

CoreTable::Ranking ChipTable::ranking() const {
  const SpaceOptions& options = spaces_[0]->options();
  return {options.objective, options.energy_estimates || needs_energy(options.objective)};
}

const CoreTable& ChipTable::table(size_t core, size_t task) const {
  Core& c = cores_[core];
  std::call_once(c.made[task], [&] {
    c.tables[task] = std::make_unique<CoreTable>(tasks_[task].workload, c.hardware, range_, ranking(),
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

namespace {

// Weighted sums of what decides about energy. Whole numbers, rounded down: a bound stays one.
struct WeightedActivity {
  double gemm_steps = 0, alu_steps = 0, out_stored = 0, read_bytes = 0, written_bytes = 0;

  void add(double weight, const ActivityCounts& counts, double least_read_bytes) {
    gemm_steps += weight * static_cast<double>(counts.gemm_steps);
    alu_steps += weight * static_cast<double>(counts.alu_steps);
    out_stored += weight * static_cast<double>(counts.out_stored);
    read_bytes += weight * std::max(static_cast<double>(counts.dram_read_bytes), least_read_bytes);
    written_bytes += weight * static_cast<double>(counts.dram_written_bytes);
  }
  double energy_pj(const HardwareConfig& hardware) const {
    ActivityCounts counts;
    counts.gemm_steps = static_cast<uint64_t>(gemm_steps);
    counts.alu_steps = static_cast<uint64_t>(alu_steps);
    counts.out_stored = static_cast<uint64_t>(out_stored);
    counts.dram_read_bytes = static_cast<uint64_t>(read_bytes);
    counts.dram_written_bytes = static_cast<uint64_t>(written_bytes);
    return energy_of(hardware, counts).total();
  }
};

}  // namespace

// Of the tasks from `first` to before `last`, each with its weight or all counted once. Only estimates know what the
// schedule reads; of bounds there is no schedule.
std::optional<Metrics> ChipTable::sum(Rung rung, size_t chip_number, size_t first, size_t last, bool weighted) const {
  const HardwareConfig& hardware = chip(chip_number);
  const double beat_bytes = rung == Rung::kEstimate ? hardware.bus_bits / 8.0 : 0;
  Metrics sum;
  WeightedActivity activity;
  for (size_t t = first; t < last; ++t) {
    const CoreTable::Best found = best(chip_number, t);
    const double cycles = rung == Rung::kEstimate ? found.estimate : found.bound;
    if (cycles == kInfinity) return std::nullopt;
    const double weight = weighted ? tasks_[t].weight : 1;
    sum.cycles += weight * cycles;
    activity.add(weight, cores_[core_of_[chip_number]].least[t], found.read_beats * beat_bytes);
  }
  sum.energy_pj = activity.energy_pj(hardware);
  sum.area_mm2 = spaces_[0]->chip_area(chip_number);
  return sum;
}

std::optional<Metrics> ChipTable::estimate(size_t chip) const {
  return sum(Rung::kEstimate, chip, 0, tasks_.size(), true);
}

std::optional<Metrics> ChipTable::bound(size_t chip) const {
  return sum(Rung::kBound, chip, 0, tasks_.size(), true);
}

std::optional<Metrics> ChipTable::bound(size_t chip, size_t task) const {
  return sum(Rung::kBound, chip, task, task + 1, false);
}

double ChipTable::cost(const std::optional<Metrics>& metrics) const {
  const SpaceOptions& options = spaces_[0]->options();
  return metrics ? cost_within(options.objective, *metrics, options.budget.energy_pj) : kInfinity;
}

double ChipTable::least_cost() const {
  double least = kInfinity;
  for (size_t i = 0; i < chip_count(); ++i) least = std::min(least, least_cost(i));
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
  for (size_t t = 0; t < tasks_.size() && score.why.empty(); ++t) add_task(score, t, hardware, best(chip_number, t));
  return score;
}

void ChipTable::add_task(ChipScore& score, size_t task, const HardwareConfig& hardware,
                         const CoreTable::Best& best) const {
  const Workload& workload = tasks_[task].workload;
  const double weight = tasks_[task].weight;
  if (best.estimate == kInfinity) {
    score.why = fmt::format("{}: no schedule fits: {}", workload.to_string(), why_none_legal(workload, hardware));
    return;
  }
  const double area = area_of(hardware).total();
  score.schedules.push_back(best.schedule);
  score.estimates.push_back({best.estimate, energy_estimate(workload, hardware, best.read_beats), area});
  score.bounds.push_back({best.bound, energy_bound(workload, hardware), area});
  const auto add = [&](Metrics& sum, const Metrics& metrics) {
    sum = {sum.cycles + weight * metrics.cycles, sum.energy_pj + weight * metrics.energy_pj, area};
  };
  add(score.estimate, score.estimates.back());
  add(score.bound, score.bounds.back());
}

ChipScore ChipTable::score_of(const HardwareConfig& hardware) const {
  ChipScore score;
  const BufferRange own{log2_buffers(hardware), log2_buffers(hardware)};
  for (size_t t = 0; t < tasks_.size() && score.why.empty(); ++t) {
    const CoreTable alone(tasks_[t].workload, hardware, own, ranking(),
                          [&](const Schedule& s) { return admits(t, s, hardware); });
    add_task(score, t, hardware, alone.best(own.low));
  }
  return score;
}

}  // namespace arco
