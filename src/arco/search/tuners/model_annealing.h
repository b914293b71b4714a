// Simulated annealing over the predictions of a model: finds the configurations that it likes best.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "arco/base/random.h"
#include "arco/search/space.h"

namespace arco {

// AutoTVM's published values.
struct ModelAnnealingOptions {
  size_t chains = 128;           // parallel walks, scored in one call of the model
  int iterations = 500;          // steps of each
  int early_stop = 50;           // end when the best set did not change for so many steps
  double temperature_start = 1;  // in units of the score
  double temperature_end = 0;    // reached linearly
};

// Scores of configurations, larger is better.
using BatchScorer = std::function<std::vector<float>(std::span<const uint64_t>)>;

class ModelAnnealing {
 public:
  ModelAnnealing(const SearchSpace& space, const ModelAnnealingOptions& options, uint64_t seed);

  // Up to `count` configurations with the highest scores met, best first; none that `excluded` holds for, and none with
  // a score below 0. The walks go on from where the last call left them.
  std::vector<uint64_t> maximise(const BatchScorer& score, size_t count, const std::function<bool(uint64_t)>& excluded);

 private:
  uint64_t random_walk(uint64_t from);

  const SearchSpace& space_;
  ModelAnnealingOptions options_;
  Random random_;
  std::vector<uint64_t> chains_;
};

}  // namespace arco
