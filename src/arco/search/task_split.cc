#include "arco/search/task_split.h"

#include <algorithm>
#include <limits>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/schedule/candidates.h"

namespace arco {
namespace {

// The usable chip that runs most of the tasks; the first of equals. Also counts for each task the chips that run it.
size_t most_capable_chip(const ChipTable& table, std::vector<size_t>& chips_of_task) {
  const size_t tasks = table.tasks().size();
  chips_of_task.assign(tasks, 0);
  size_t most_capable = table.chip_count();
  size_t most = 0;
  for (size_t chip = 0; chip < table.chip_count(); ++chip) {
    if (!table.usable(chip)) continue;
    size_t count = 0;
    for (size_t t = 0; t < tasks; ++t) {
      if (!table.runs(chip, t)) continue;
      ++count;
      ++chips_of_task[t];
    }
    if (most_capable < table.chip_count() && count <= most) continue;
    most_capable = chip;
    most = count;
  }
  return most_capable;
}

// The tasks to leave out: those that no chip runs; if there are none, the one that the fewest chips run, but only where
// no chip runs them all.
std::vector<bool> outcasts(size_t runnable, const std::vector<size_t>& chips_of_task) {
  std::vector<bool> out(chips_of_task.size(), false);
  for (size_t t = 0; t < out.size(); ++t) out[t] = chips_of_task[t] == 0;
  if (std::ranges::find(out, true) == out.end() && runnable < out.size()) {
    out[static_cast<size_t>(std::ranges::min_element(chips_of_task) - chips_of_task.begin())] = true;
  }
  return out;
}

size_t count_runnable(const ChipTable& table, size_t chip) {
  size_t count = 0;
  for (size_t t = 0; t < table.tasks().size(); ++t) count += table.runs(chip, t) ? 1 : 0;
  return count;
}

}  // namespace

TaskSplit split_tasks(const std::vector<WeightedTask>& tasks, const SpaceOptions& options, int jobs,
                      const std::function<void(size_t, size_t)>& progress) {
  TaskSplit split;
  std::vector<WeightedTask> left = tasks;
  while (!left.empty()) {
    auto table = std::make_unique<ChipTable>(left, options);
    if (table->usable_count() == 0) {
      fail_user("no chip of the space can be used: {}; allow more of what the budget limits", table->score(0).why);
    }
    table->prepare(jobs, progress);
    if (interrupted()) return split;
    std::vector<size_t> chips_of_task;
    const size_t chip = most_capable_chip(*table, chips_of_task);
    const std::vector<bool> out = outcasts(count_runnable(*table, chip), chips_of_task);
    if (std::ranges::find(out, true) == out.end()) {
      split.table = std::move(table);
      return split;
    }
    std::vector<WeightedTask> kept;
    for (size_t t = 0; t < left.size(); ++t) {
      if (!out[t]) {
        kept.push_back(left[t]);
        continue;
      }
      std::string why = chips_of_task[t] > 0 ? "no chip within the budget runs it together with the other layers"
                                             : why_none_legal(left[t].workload, table->chip(chip));
      split.host.push_back({left[t].workload, left[t].weight, std::move(why)});
    }
    left = std::move(kept);
  }
  return split;
}

}  // namespace arco
