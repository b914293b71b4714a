#include "arco/search/layer_meter.h"

#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"

namespace arco {

LayerMeter::Key LayerMeter::key_of(const LayerPoint& point) {
  return {point.task, point.hardware.to_string(), point.schedule.to_string()};
}

void LayerMeter::measure(const std::vector<LayerPoint>& points) {
  std::vector<std::pair<Key, const LayerPoint*>> missing;
  std::set<Key> listed;
  for (const LayerPoint& point : points) {
    Key key = key_of(point);
    if (!known_.contains(key) && listed.insert(key).second) missing.emplace_back(std::move(key), &point);
  }
  parallel_for(missing.size(), jobs_, [&](size_t i) {
    if (interrupted()) return;
    const LayerPoint& point = *missing[i].second;
    Measurement m = measure_configuration(workloads_[point.task], {point.hardware, point.schedule}, timing_);
    const std::lock_guard lock(mutex_);
    seconds_ += m.wall_seconds;
    counted_.insert(missing[i].first);
    known_.emplace(missing[i].first, std::move(m));
  });
}

void LayerMeter::put(const LayerPoint& point, const Measurement& measurement) {
  counted_.insert(key_of(point));
  known_.emplace(key_of(point), measurement);
}

void LayerMeter::count(const std::vector<LayerPoint>& points) {
  for (const LayerPoint& point : points) counted_.insert(key_of(point));
}

const Measurement* LayerMeter::find(const LayerPoint& point) const {
  const auto found = known_.find(key_of(point));
  return found == known_.end() ? nullptr : &found->second;
}

}  // namespace arco
