// What each chip could do for a whole network, by the closed form: the best schedule of every task on it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "arco/hardware/energy.h"
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
  std::vector<Schedule> schedules;  // per task, of least estimated cost
  std::vector<Metrics> estimates;   // per task, of that schedule
  std::vector<Metrics> bounds;      // per task, least over all schedules, each metric by itself
  Metrics estimate, bound;          // weighted sums
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

  // Weighted sums over all tasks: of the schedules of least estimated cost, and what no schedules undercut. Nothing for
  // a chip that is not usable or where a task has no legal schedule. Estimated energy is a bound only, unless the
  // objective or `energy_estimates` asks for more.
  std::optional<Metrics> estimate(size_t chip) const;
  std::optional<Metrics> bound(size_t chip) const;
  // Of one task, unweighted.
  std::optional<Metrics> bound(size_t chip, size_t task) const;
  // What the options' objective makes of them within their energy budget; infinity for nothing.
  double estimated_cost(size_t chip) const { return cost(estimate(chip)); }
  double least_cost(size_t chip) const { return cost(bound(chip)); }
  // Cost that no chip beats; infinity if none runs every task.
  double least_cost() const;
  double cost(const std::optional<Metrics>& metrics) const;
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
    std::vector<ActivityCounts> least;  // by task
  };
  void find_cores();
  CoreTable::Ranking ranking() const;
  const CoreTable& table(size_t core, size_t task) const;
  CoreTable::Best best(size_t chip, size_t task) const;
  enum class Rung : uint8_t { kBound, kEstimate };
  std::optional<Metrics> sum(Rung rung, size_t chip, size_t first, size_t last, bool weighted) const;
  ChipScore make_score(size_t chip) const;
  void add_task(ChipScore& score, size_t task, const HardwareConfig& hardware, const CoreTable::Best& best) const;

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
