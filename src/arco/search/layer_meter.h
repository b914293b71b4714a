// Cycles of layers on chips, each simulated once.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "arco/search/simulator_measurer.h"

namespace arco {

struct LayerPoint {
  size_t task = 0;  // index in the list of workloads
  HardwareConfig hardware;
  Schedule schedule;
};

class LayerMeter {
 public:
  LayerMeter(std::vector<Workload> workloads, const TimingModel& timing, int jobs)
      : workloads_(std::move(workloads)), timing_(timing), jobs_(jobs) {}

  // Simulates what is not known yet, `jobs` layers at a time. After an interrupt only some of them.
  void measure(const std::vector<LayerPoint>& points);
  // The measurement of a point; nullptr if there is none.
  const Measurement* find(const LayerPoint& point) const;
  size_t simulated() const { return known_.size(); }

 private:
  using Key = std::tuple<size_t, std::string, std::string>;
  static Key key_of(const LayerPoint& point);

  std::vector<Workload> workloads_;
  TimingModel timing_;
  int jobs_;
  mutable std::mutex mutex_;
  std::map<Key, Measurement> known_;
};

}  // namespace arco
