// Chunks of the index range are listed in parallel, then joined in order and sorted with the index as the last key.
#include "arco/search/legal_points.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "arco/base/error.h"
#include "arco/base/parallel.h"

namespace arco {
namespace {

std::vector<LegalPoint> list_range(const SearchSpace& space, uint64_t begin, uint64_t end) {
  std::vector<LegalPoint> found;
  Choice choice = space.decode(begin);
  for (uint64_t index = begin; index < end; ++index) {
    if (space.legal(choice)) found.push_back({index, space.bound(choice), space.estimate(choice)});
    for (size_t j = 0; j < choice.size(); ++j) {
      if (static_cast<size_t>(++choice[j]) < space.knobs()[j].values.size()) break;
      choice[j] = 0;
    }
  }
  return found;
}

}  // namespace

LegalPoints::LegalPoints(const SearchSpace& space, int jobs) {
  constexpr uint64_t kChunk = 16'384;
  const uint64_t size = space.size();
  ARCO_CHECK(size <= std::numeric_limits<uint32_t>::max(), "{} configurations are too many to list", size);
  std::vector<std::vector<LegalPoint>> chunks((size + kChunk - 1) / kChunk);
  parallel_for(chunks.size(), jobs,
               [&](size_t i) { chunks[i] = list_range(space, i * kChunk, std::min(size, (i + 1) * kChunk)); });
  for (const auto& chunk : chunks) by_bound_.insert(by_bound_.end(), chunk.begin(), chunk.end());
  std::ranges::sort(by_bound_, [](const LegalPoint& a, const LegalPoint& b) {
    if (a.bound != b.bound) return a.bound < b.bound;
    return a.estimate != b.estimate ? a.estimate < b.estimate : a.index < b.index;
  });
  by_estimate_.resize(by_bound_.size());
  std::iota(by_estimate_.begin(), by_estimate_.end(), 0U);
  std::ranges::stable_sort(by_estimate_, {}, [&](uint32_t i) { return by_bound_[i].estimate; });
}

size_t LegalPoints::count_below(double cost) const {
  return static_cast<size_t>(std::ranges::lower_bound(by_bound_, cost, {}, &LegalPoint::bound) - by_bound_.begin());
}

std::optional<uint64_t> LegalPoints::draw_unvisited(const History& history, double cost, Random& random) const {
  const size_t count = count_below(cost);
  if (count == 0) return std::nullopt;
  constexpr int kTries = 64;
  for (int i = 0; i < kTries; ++i) {
    const uint64_t index = by_bound_[random.below(count)].index;
    if (!history.visited(index)) return index;
  }
  const size_t start = random.below(count);
  for (size_t step = 0; step < count; ++step) {
    const uint64_t index = by_bound_[(start + step) % count].index;
    if (!history.visited(index)) return index;
  }
  return std::nullopt;
}

double LegalPoints::proven_bound(const History& history) {
  while (unproven_ < by_bound_.size() && history.find(by_bound_[unproven_].index)) ++unproven_;
  const double best = history.best() ? history.best()->cost : std::numeric_limits<double>::infinity();
  const double open = unproven_ < by_bound_.size() ? by_bound_[unproven_].bound : best;
  const double proven = std::min(best, open);
  return std::isfinite(proven) ? proven : 0;
}

}  // namespace arco
