// What each chip could do for a whole network, by the closed form: the best schedule of every task on it. Computed when
// first asked for, then kept.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "arco/search/configuration_space.h"

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

  // Thread-safe; the reference stays valid.
  const ChipScore& score(size_t chip) const;
  // Scores many chips on `jobs` threads.
  void prepare(const std::vector<size_t>& chips, int jobs) const;
  // The score of any hardware, in the table or not.
  ChipScore score_of(const HardwareConfig& hardware) const;

 private:
  std::vector<WeightedTask> tasks_;
  std::vector<std::unique_ptr<ConfigurationSpace>> spaces_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<ChipScore>> scores_;
};

// Why a chip cannot run layer after layer without the host between them; "" if it can.
std::string why_unchainable(const HardwareConfig& hardware);

}  // namespace arco
