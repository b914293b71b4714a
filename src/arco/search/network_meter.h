// Cycles and energy of whole networks: the weighted sum of their layers on one chip.
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
  Metrics total{};                                        // of the network, once measured
  double cost = std::numeric_limits<double>::infinity();  // of it, within the budget's energy; infinite: not measured
};

class NetworkMeter {
 public:
  // `table` says what a design costs; it must outlive the meter.
  NetworkMeter(const ChipTable& table, const TimingModel& timing, int jobs);

  const std::vector<WeightedTask>& tasks() const { return table_.tasks(); }
  LayerMeter& layers() { return layers_; }
  const LayerMeter& layers() const { return layers_; }

  // Simulates all tasks of all these designs, each layer once.
  void measure(const std::vector<ChipDesign>& designs);
  // Counts the layers of a design whose sum is known already.
  void count(const ChipDesign& design);
  // The sum over the tasks, index 0; nothing while a layer is not measured (interrupted).
  std::optional<Measurement> total(const ChipDesign& design) const;
  // Sets the design's total and cost.
  void update(ChipDesign& design) const;
  // Takes for each task that of `candidates` (a list for each task) that makes the network cheapest. Only measured ones
  // count.
  void choose_schedules(ChipDesign& design, const std::vector<std::vector<Schedule>>& candidates) const;

 private:
  void exchange_if_cheaper(ChipDesign& design, size_t task, const Schedule& schedule) const;

  const ChipTable& table_;
  LayerMeter layers_;
};

}  // namespace arco
