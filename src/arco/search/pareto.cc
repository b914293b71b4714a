// Fronts here have tens of points, so every insertion compares with all of them. The hypervolume slices space along the
// last objective: between two neighbouring values of it, the cross-section is the hypervolume, one dimension lower, of
// the points below the slice.
#include "arco/search/pareto.h"

#include <algorithm>
#include <cmath>

#include "arco/base/error.h"

namespace arco {
namespace {

bool at_least_as_good(const std::vector<double>& a, const std::vector<double>& b) {
  for (size_t k = 0; k < a.size(); ++k) {
    if (a[k] > b[k]) return false;
  }
  return true;
}

double volume(std::vector<std::vector<double>> points, const std::vector<double>& reference, size_t dimensions) {
  const size_t last = dimensions - 1;
  std::ranges::sort(points, [&](const auto& a, const auto& b) { return a[last] < b[last]; });
  if (points.empty()) return 0;
  if (dimensions == 1) return reference[0] - points.front()[0];
  double sum = 0;
  std::vector<std::vector<double>> below;
  for (size_t i = 0; i < points.size(); ++i) {
    below.push_back(points[i]);
    const double top = i + 1 < points.size() ? points[i + 1][last] : reference[last];
    if (top > points[i][last]) sum += (top - points[i][last]) * volume(below, reference, last);
  }
  return sum;
}

}  // namespace

bool dominates(const std::vector<double>& a, const std::vector<double>& b) {
  return at_least_as_good(a, b) && a != b;
}

ParetoFront::ParetoFront(size_t objectives) : objectives_(objectives) {
  ARCO_CHECK(objectives >= 1, "a front needs at least one objective");
}

bool ParetoFront::insert(ParetoPoint point) {
  ARCO_CHECK(point.objectives.size() == objectives_, "{} objectives for a front of {}", point.objectives.size(),
             objectives_);
  for (const double value : point.objectives) ARCO_CHECK(std::isfinite(value), "objectives must be finite");
  for (const ParetoPoint& kept : points_) {
    if (at_least_as_good(kept.objectives, point.objectives)) return false;
  }
  std::erase_if(points_, [&](const ParetoPoint& kept) { return dominates(point.objectives, kept.objectives); });
  const auto place = std::ranges::upper_bound(points_, point.objectives, {}, &ParetoPoint::objectives);
  points_.insert(place, std::move(point));
  return true;
}

double ParetoFront::hypervolume(const std::vector<double>& reference) const {
  ARCO_CHECK(reference.size() == objectives_, "{} reference values for {} objectives", reference.size(), objectives_);
  std::vector<std::vector<double>> inside;
  for (const ParetoPoint& point : points_) {
    bool better_everywhere = true;
    for (size_t k = 0; k < objectives_; ++k) better_everywhere &= point.objectives[k] < reference[k];
    if (better_everywhere) inside.push_back(point.objectives);
  }
  return volume(std::move(inside), reference, objectives_);
}

}  // namespace arco
