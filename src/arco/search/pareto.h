// The set of designs of which none is better than another in every objective.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace arco {

struct ParetoPoint {
  std::vector<double> objectives;  // all are minimised
  uint64_t id = 0;                 // the caller's name for the design, for instance its index in the space
};

// True if `a` is nowhere worse than `b` and somewhere better.
bool dominates(const std::vector<double>& a, const std::vector<double>& b);

class ParetoFront {
 public:
  explicit ParetoFront(size_t objectives);

  // Takes the point in and drops those it dominates. False if a kept point is at least as good in every objective:
  // of equal points the first stays. InternalError if the number of objectives is another one or one is not finite.
  bool insert(ParetoPoint point);
  // Ascending by the first objective, then by the second, and so on.
  const std::vector<ParetoPoint>& points() const { return points_; }
  // Volume that the front dominates within the box below `reference`, by points better than it everywhere.
  double hypervolume(const std::vector<double>& reference) const;

 private:
  size_t objectives_;
  std::vector<ParetoPoint> points_;
};

}  // namespace arco
