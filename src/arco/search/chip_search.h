// The search for one chip for all tasks: a tuner moves the chip's knobs together with the schedule of one task at a
// time, the costliest first; every measurement simulates the whole network.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "arco/search/network_meter.h"
#include "arco/search/network_space.h"
#include "arco/search/recorded_search.h"

namespace arco {

struct ChipSearchOptions {
  TunerChoice tuner;
  size_t trials = 256;         // measured pairs of chip and schedules
  size_t focus_tasks = 4;      // tasks whose schedules move together with the chip; 1 for tuners that are not ARCO's
  size_t final_chips = 3;      // chips whose schedules are compared closely before one is chosen
  size_t final_schedules = 8;  // schedules of each task compared there, best estimated first
  uint64_t seed = 0;
  AgentLibrary* learned = nullptr;  // ARCO: takes in what the agents know at the end
};

class ChipSearch {
 public:
  using Report = std::function<void(const char* phase, size_t done, size_t planned, const ChipDesign& best)>;

  // All arguments must outlive the search.
  ChipSearch(const ChipTable& table, NetworkMeter& meter, RecordedSearch& records, const ChipSearchOptions& options,
             Report report);

  // The best chip with its schedules; infinite cycles if interrupted before the first measurement. The tuners "arco"
  // start from the chips of least estimate, and end by comparing the best estimated schedules on the best few chips;
  // the others see nothing but measurements.
  ChipDesign run();

 private:
  bool informed() const { return options_.tuner.name == "arco"; }
  bool has_agents() const { return options_.tuner.name.starts_with("arco"); }
  std::vector<size_t> focus_order() const;
  void search_with(size_t focus, size_t trials, size_t before);
  std::vector<uint64_t> promising(const NetworkSpace& space, size_t count) const;
  ChipDesign design_of(const NetworkSpace& space, const Choice& choice) const;
  std::vector<Measurement> measure(const NetworkSpace& space, const std::vector<uint64_t>& indices);
  void note(const NetworkSpace& space, const Measurement& measurement);
  void compare_final_chips();
  ChipDesign best_schedules_on(const ChipDesign& start);
  void measure_schedules(size_t task, const HardwareConfig& hardware, const std::vector<Schedule>& schedules);
  std::vector<Schedule> shortlist(size_t task, const HardwareConfig& hardware) const;
  void offer(ChipDesign design);

  const ChipTable& table_;
  NetworkMeter& meter_;
  RecordedSearch& records_;
  const ChipSearchOptions& options_;
  Report report_;
  std::vector<size_t> ranked_;    // chips that run every task, least estimate first
  std::vector<ChipDesign> seen_;  // every measured chip with its schedules
  ChipDesign best_;
  std::vector<uint8_t> agents_;  // what ARCO's agents learned with the task before
};

}  // namespace arco
