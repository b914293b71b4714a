// k-means (Lloyd) for k = 8, 16, ... until the knee of the loss:
//
//   loss |*                      the sum of squared distances falls steeply while clusters are missing;
//        | \                     the first k with loss_k >= loss_{k-8} / 2.5 is taken
//        |  *__
//        |     *---*---*
//        +--8-16--24--32-- k
//
// Centroids are whole numbers (positions of options); empty clusters start again at a random candidate.
#include "arco/search/adaptive_sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_set>

namespace arco {
namespace {

struct Clustering {
  std::vector<Choice> centroids;  // only the clustered knobs
  std::vector<size_t> cluster;    // per candidate
  double loss = 0;
};

class AdaptiveSampler {
 public:
  AdaptiveSampler(const SearchSpace& space, const std::vector<uint64_t>& candidates,
                  const std::function<bool(uint64_t)>& open, const AdaptiveSamplingOptions& options, Random& random)
      : space_(space), candidates_(candidates), open_(open), options_(options), random_(random) {
    for (const uint64_t index : candidates) choices_.push_back(space.decode(index));
    pick_knobs();
  }

  std::vector<uint64_t> choose() {
    if (candidates_.empty()) return {};
    const Clustering clustering = cluster_to_knee();
    std::vector<std::vector<size_t>> members(clustering.centroids.size());
    for (size_t i = 0; i < candidates_.size(); ++i) members[clustering.cluster[i]].push_back(i);
    std::vector<size_t> order;  // clusters by their best member
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (members[clustering.cluster[i]].front() == i) order.push_back(clustering.cluster[i]);
    }
    for (const size_t c : order) {
      const bool added = options_.two_knobs ? add_drawn(clustering.centroids[c], members[c])
                                            : add_snapped(clustering.centroids[c], members[c]);
      if (!added) add_best_member(members[c]);
    }
    return chosen_;
  }

 private:
  void pick_knobs() {
    knobs_.resize(space_.knobs().size());
    std::iota(knobs_.begin(), knobs_.end(), size_t{0});
    if (!options_.two_knobs) return;
    std::ranges::stable_sort(knobs_, std::greater<>(), [&](size_t j) { return space_.knobs()[j].values.size(); });
    knobs_.resize(std::min<size_t>(knobs_.size(), 2));
  }

  Clustering cluster_to_knee() {
    const size_t most = std::min(options_.most_clusters, candidates_.size());
    Clustering last = cluster(std::min(options_.cluster_step, most));
    for (size_t k = 2 * options_.cluster_step; k <= most; k += options_.cluster_step) {
      Clustering next = cluster(k);
      const bool is_knee = next.loss >= last.loss / options_.knee;
      last = std::move(next);
      if (is_knee) break;
    }
    return last;
  }

  Clustering cluster(size_t k) {
    Clustering result;
    for (size_t c = 0; c < k; ++c) result.centroids.push_back(projected(random_.below(choices_.size())));
    for (int iteration = 0; iteration < options_.iterations; ++iteration) {
      assign(result);
      if (!move_centroids(result)) break;
    }
    assign(result);
    return result;
  }

  Choice projected(size_t candidate) const {
    Choice point;
    for (const size_t knob : knobs_) point.push_back(choices_[candidate][knob]);
    return point;
  }

  void assign(Clustering& clustering) const {
    clustering.cluster.assign(choices_.size(), 0);
    clustering.loss = 0;
    for (size_t i = 0; i < choices_.size(); ++i) {
      double least = std::numeric_limits<double>::infinity();
      for (size_t c = 0; c < clustering.centroids.size(); ++c) {
        double distance = 0;
        for (size_t j = 0; j < knobs_.size(); ++j) {
          const double difference = choices_[i][knobs_[j]] - clustering.centroids[c][j];
          distance += difference * difference;
        }
        if (distance < least) {
          least = distance;
          clustering.cluster[i] = c;
        }
      }
      clustering.loss += least;
    }
  }

  // False when nothing moved.
  bool move_centroids(Clustering& clustering) {
    bool moved = false;
    for (size_t c = 0; c < clustering.centroids.size(); ++c) {
      std::vector<int64_t> sum(knobs_.size(), 0);
      int64_t count = 0;
      for (size_t i = 0; i < choices_.size(); ++i) {
        if (clustering.cluster[i] != c) continue;
        ++count;
        for (size_t j = 0; j < knobs_.size(); ++j) sum[j] += choices_[i][knobs_[j]];
      }
      Choice centroid = count == 0 ? projected(random_.below(choices_.size())) : Choice();
      for (size_t j = 0; j < knobs_.size() && count > 0; ++j) {
        // Truncated as published where two knobs are clustered; else the nearest option.
        const double mean = static_cast<double>(sum[j]) / static_cast<double>(count);
        centroid.push_back(static_cast<int>(options_.two_knobs ? std::floor(mean) : std::floor(mean + 0.5)));
      }
      moved |= centroid != clustering.centroids[c];
      clustering.centroids[c] = std::move(centroid);
    }
    return moved;
  }

  // Clustered knobs from the centroid, the others from random members.
  bool add_drawn(const Choice& centroid, const std::vector<size_t>& members) {
    for (int attempt = 0; attempt < options_.tries; ++attempt) {
      Choice choice;
      for (size_t j = 0; j < space_.knobs().size(); ++j) {
        choice.push_back(choices_[members[random_.below(members.size())]][j]);
      }
      for (size_t j = 0; j < knobs_.size(); ++j) choice[knobs_[j]] = centroid[j];
      if (add(space_.encode(choice))) return true;
    }
    return false;
  }

  bool add_snapped(const Choice& centroid, const std::vector<size_t>& members) {
    Choice choice(space_.knobs().size());
    for (size_t j = 0; j < knobs_.size(); ++j) choice[knobs_[j]] = centroid[j];
    if (add(space_.encode(choice))) return true;
    for (size_t j = 0; j < choice.size(); ++j) {
      std::vector<int> count(space_.knobs()[j].values.size(), 0);
      for (const size_t i : members) ++count[static_cast<size_t>(choices_[i][j])];
      choice[j] = static_cast<int>(std::ranges::max_element(count) - count.begin());
    }
    return add(space_.encode(choice));
  }

  void add_best_member(const std::vector<size_t>& members) {
    for (const size_t i : members) {
      if (add(candidates_[i])) return;
    }
  }

  bool add(uint64_t index) {
    if (!open_(index) || !taken_.insert(index).second) return false;
    chosen_.push_back(index);
    return true;
  }

  const SearchSpace& space_;
  const std::vector<uint64_t>& candidates_;
  const std::function<bool(uint64_t)>& open_;
  const AdaptiveSamplingOptions& options_;
  Random& random_;
  std::vector<Choice> choices_;
  std::vector<size_t> knobs_;  // clustered
  std::vector<uint64_t> chosen_;
  std::unordered_set<uint64_t> taken_;
};

}  // namespace

std::vector<uint64_t> adaptive_sampling(const SearchSpace& space, const std::vector<uint64_t>& candidates,
                                        const std::function<bool(uint64_t)>& open,
                                        const AdaptiveSamplingOptions& options, Random& random) {
  return AdaptiveSampler(space, candidates, open, options, random).choose();
}

}  // namespace arco
