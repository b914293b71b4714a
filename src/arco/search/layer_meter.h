// Cycles of layers on chips, each simulated once.
#pragma once

#include <map>
#include <mutex>
#include <set>
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
  // Takes in what an earlier process measured.
  void put(const LayerPoint& point, const Measurement& measurement);
  // Counts points whose sum over the network an earlier process measured, without measuring them again.
  void count(const std::vector<LayerPoint>& points);
  // Different points that were measured, by this process or the earlier ones that it goes on from.
  size_t measured() const { return counted_.size(); }
  double seconds() const { return seconds_; }  // of simulating, all threads together

 private:
  using Key = std::tuple<size_t, std::string, std::string>;
  static Key key_of(const LayerPoint& point);

  std::vector<Workload> workloads_;
  TimingModel timing_;
  int jobs_;
  mutable std::mutex mutex_;
  std::map<Key, Measurement> known_;
  std::set<Key> counted_;
  double seconds_ = 0;
};

}  // namespace arco
