// All legal configurations of a space that is small enough to list, in the order of their bounds: for the exact argmax
// of a model, for pruning, and for a proof of optimality.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "arco/base/random.h"
#include "arco/search/history.h"
#include "arco/search/space.h"

namespace arco {

struct LegalPoint {
  uint64_t index = 0;
  double bound = 0;     // cost
  double estimate = 0;  // cost
};

class LegalPoints {
 public:
  // Looks at every configuration on at most `jobs` threads (0: all cores); the result does not depend on their number.
  LegalPoints(const SearchSpace& space, int jobs);

  const std::vector<LegalPoint>& by_bound() const { return by_bound_; }
  // Positions in by_bound(), by ascending estimate.
  const std::vector<uint32_t>& by_estimate() const { return by_estimate_; }
  // How many of by_bound() have a bound below `cost`: the others cannot be better.
  size_t count_below(double cost) const;

  // Uniform over the unvisited ones with a bound below `cost`.
  std::optional<uint64_t> draw_unvisited(const History& history, double cost, Random& random) const;
  // Cost that nothing can beat, measured or not: the least bound of what was not measured, or the best measured; 0 if
  // there is neither.
  // Remembers how far it came, so that all calls together pass over the list once.
  double proven_bound(const History& history);

 private:
  std::vector<LegalPoint> by_bound_;
  std::vector<uint32_t> by_estimate_;
  size_t unproven_ = 0;  // the first that was not measured
};

}  // namespace arco
