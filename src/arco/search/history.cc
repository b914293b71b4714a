// Drawing without repetition: rejection while the space is mostly free, then a walk from a random place to the first
// free configuration.
#include "arco/search/history.h"

#include <algorithm>

#include "arco/base/error.h"

namespace arco {

bool History::tell(const Measurement& measurement) {
  ARCO_CHECK(measurement.index < size_, "index {} is outside the space of {}", measurement.index, size_);
  ARCO_CHECK(measurement.status != MeasureStatus::kOk || measurement.cost > 0, "measurement of {} has no cost",
             measurement.index);
  size_t& position = measured_.try_emplace(measurement.index, kPending).first->second;
  if (position != kPending) return false;
  position = results_.size();
  results_.push_back(measurement);
  if (measurement.status != MeasureStatus::kOk) return true;
  ++ok_count_;
  if (best_ == kPending || measurement.cost < results_[best_].cost) best_ = position;
  return true;
}

const Measurement* History::find(uint64_t index) const {
  const auto found = measured_.find(index);
  return found == measured_.end() || found->second == kPending ? nullptr : &results_[found->second];
}

std::optional<uint64_t> History::draw_unvisited(Random& random, bool legal_only) const {
  const auto fits = [&](uint64_t index) {
    return !visited(index) && (!legal_only || space_.legal(space_.decode(index)));
  };
  if (exhausted()) return std::nullopt;
  constexpr int kTries = 256;
  for (int i = 0; i < kTries; ++i) {
    const uint64_t index = random.below(size_);
    if (fits(index)) return index;
  }
  constexpr uint64_t kMostSteps = uint64_t{1} << 22;
  const uint64_t start = random.below(size_);
  for (uint64_t step = 0; step < std::min(size_, kMostSteps); ++step) {
    const uint64_t index = (start + step) % size_;
    if (fits(index)) return index;
  }
  return std::nullopt;
}

}  // namespace arco
