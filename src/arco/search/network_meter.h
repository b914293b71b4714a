// Cycles of whole networks: the weighted sum of their layers on one chip.
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "arco/search/chip_table.h"
#include "arco/search/layer_meter.h"

namespace arco {

// A chip with a schedule for every task.
struct ChipDesign {
  HardwareConfig hardware;
  std::vector<Schedule> schedules;
  double cycles = std::numeric_limits<double>::infinity();  // of the network; infinite: not measured
};

class NetworkMeter {
 public:
  NetworkMeter(std::vector<WeightedTask> tasks, const TimingModel& timing, int jobs);

  const std::vector<WeightedTask>& tasks() const { return tasks_; }
  LayerMeter& layers() { return layers_; }
  const LayerMeter& layers() const { return layers_; }

  // Simulates all tasks of all these designs, each layer once.
  void measure(const std::vector<ChipDesign>& designs);
  // The sum over the tasks, index 0; nothing while a layer is not measured (interrupted).
  std::optional<Measurement> total(const ChipDesign& design) const;
  // Sets the design's cycles from total().
  void update(ChipDesign& design) const;

 private:
  std::vector<WeightedTask> tasks_;
  LayerMeter layers_;
};

}  // namespace arco
