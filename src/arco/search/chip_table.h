// What each chip could do for a whole network, by the closed form: the best schedule of every task on it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "arco/search/configuration_space.h"
#include "arco/search/core_table.h"

namespace arco {

// A task of a network and how much it counts: its number of layers times the network's weight.
struct WeightedTask {
  Workload workload;
  double weight = 1;
};

struct ChipScore {
  std::string why;                  // "" if every task has a legal schedule on the chip
  std::vector<Schedule> schedules;  // per task, of least estimated cycles
  std::vector<double> estimates;    // per task, cycles
  std::vector<double> bounds;       // per task, least bound over all schedules
  double estimate = 0;              // weighted sums
  double bound = 0;
};

class ChipTable {
 public:
  // Numbers the chips as ConfigurationSpace does with the same options.
  ChipTable(std::vector<WeightedTask> tasks, const SpaceOptions& options);

  const std::vector<WeightedTask>& tasks() const { return tasks_; }
  const ConfigurationSpace& space(size_t task) const { return *spaces_[task]; }
  size_t chip_count() const { return spaces_[0]->chip_count(); }
  const HardwareConfig& chip(size_t number) const { return spaces_[0]->chip(number); }
  // Within the budget, and able to run layer after layer (why_unchainable).
  bool usable(size_t chip) const { return usable_[chip] != 0; }
  size_t usable_count() const;

  // Enumerates the schedules of every core shape on `jobs` threads; progress(done, all) after each part, from one
  // thread at a time. The other members do what is missing when asked, so this saves time only. Ends early on an
  // interrupt.
  void prepare(int jobs, const std::function<void(size_t, size_t)>& progress = {}) const;

  // Weighted sums over all tasks; infinity for a chip that is not usable or where a task has no legal schedule.
  double estimate(size_t chip) const { return sum(chip, &CoreTable::Best::estimate); }
  double bound(size_t chip) const { return sum(chip, &CoreTable::Best::bound); }
  // Cycles that no chip beats; infinity if none runs every task.
  double least_bound() const;
  bool runs(size_t chip, size_t task) const;
  // Whether the space has the schedule at all, legal or not.
  bool admits(size_t task, const Schedule& schedule, const HardwareConfig& hardware) const;
  // Thread-safe; the reference stays valid.
  const ChipScore& score(size_t chip) const;
  // The score of any hardware, in the table or not.
  ChipScore score_of(const HardwareConfig& hardware) const;

 private:
  // A core shape and what each task can do on it.
  struct Core {
    HardwareConfig hardware;
    std::vector<std::once_flag> made;
    std::vector<std::unique_ptr<CoreTable>> tables;
  };
  void find_cores();
  const CoreTable& table(size_t core, size_t task) const;
  CoreTable::Best best(size_t chip, size_t task) const;
  double sum(size_t chip, double CoreTable::Best::*cycles) const;
  ChipScore make_score(size_t chip) const;

  std::vector<WeightedTask> tasks_;
  std::vector<std::unique_ptr<ConfigurationSpace>> spaces_;
  std::vector<char> usable_;  // by chip
  std::vector<uint32_t> core_of_;
  BufferRange range_;
  mutable std::vector<Core> cores_;
  mutable std::mutex mutex_;
  mutable std::map<size_t, std::unique_ptr<ChipScore>> scores_;
};

// Why a chip cannot run layer after layer without the host between them; "" if it can.
std::string why_unchainable(const HardwareConfig& hardware);

}  // namespace arco
