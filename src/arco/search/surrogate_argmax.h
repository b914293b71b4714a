// The configurations that a model likes best: of all that are listed, or, in a space too large to list, by climbing.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "arco/search/legal_points.h"
#include "arco/search/space.h"

namespace arco {

struct ScoredConfiguration {
  uint64_t index = 0;
  float value = 0;
  bool operator<(const ScoredConfiguration& other) const {
    return value != other.value ? value > other.value : index < other.index;  // best first
  }
};

struct ArgmaxProblem {
  const SearchSpace& space;
  std::function<std::vector<float>(std::span<const uint64_t>)> score;  // larger is better
  std::function<bool(uint64_t)> open;                                  // legal, unvisited, could still win
};

// The `count` best open ones of a list, best first. `ceiling(estimate)`: no configuration with this estimate or a
// greater one scores higher; the scan ends where it falls below the list's last.
std::vector<ScoredConfiguration> argmax_of_listed(const ArgmaxProblem& problem, const LegalPoints& listed, size_t count,
                                                  const std::function<float(double)>& ceiling);

struct ClimbOptions {
  size_t beam = 32;  // configurations whose neighbours are looked at in a round
  int rounds = 12;   // at most; it ends when the best have all been expanded
};

// The best open ones met on a beam search from `starts`: in every round all single-knob changes of the best that were
// not expanded yet are scored. `legal` ones that are not open are passed through but not returned.
std::vector<ScoredConfiguration> argmax_by_climbing(const ArgmaxProblem& problem, const std::vector<uint64_t>& starts,
                                                    const std::function<bool(uint64_t)>& legal, size_t count,
                                                    const ClimbOptions& options = {});

// `count` of the list, greedily: the best value less diversity * 2^(1 - d), d the number of knobs in which it differs
// from the nearest one picked before.
std::vector<uint64_t> spread_out(const SearchSpace& space, const std::vector<ScoredConfiguration>& best, size_t count,
                                 double diversity);

}  // namespace arco
