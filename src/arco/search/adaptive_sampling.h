// Adaptive sampling: of the candidates of an exploration, one configuration per cluster. (Ahn et al., "Chameleon:
// Adaptive Code Optimization for Expedited Deep Neural Network Compilation", ICLR 2020.)
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "arco/base/random.h"
#include "arco/search/space.h"

namespace arco {

struct AdaptiveSamplingOptions {
  size_t cluster_step = 8;  // numbers of clusters tried: 8, 16, ...
  size_t most_clusters = 64;
  double knee = 2.5;     // stop at the first number whose loss is not this many times smaller than the last one's
  int iterations = 100;  // of k-means
  int tries = 32;        // to synthesise a configuration that is new
  // Cluster in the two knobs with the most options and draw the others from the cluster; else in all knobs, and take
  // the cluster's most frequent values where the centroid is not open.
  bool two_knobs = true;
};

// At most one open configuration per cluster, different from each other, in the order of the clusters' best candidates.
// `candidates` are open and sorted, best first; `open` says what may be measured.
std::vector<uint64_t> adaptive_sampling(const SearchSpace& space, const std::vector<uint64_t>& candidates,
                                        const std::function<bool(uint64_t)>& open,
                                        const AdaptiveSamplingOptions& options, Random& random);

}  // namespace arco
