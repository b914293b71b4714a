// Latin hypercube of n samples: knob j of sample i is at floor((permutation_j[i] + u) / n * options_j). Samples that
// are illegal are repaired by drawing single knobs anew, then replaced by a random legal configuration.
#include "arco/search/initial_design.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>

namespace arco {
namespace {

class Designer {
 public:
  Designer(const SearchSpace& space, size_t count, Random& random) : space_(space), count_(count), random_(random) {}

  bool full() const { return chosen_.size() >= count_; }
  std::vector<uint64_t> chosen() const { return chosen_; }

  bool add(const Choice& choice) {
    if (full() || !space_.legal(choice)) return false;
    const uint64_t index = space_.encode(choice);
    if (!seen_.insert(index).second) return false;
    chosen_.push_back(index);
    return true;
  }

  void add_hypercube(const std::function<std::optional<uint64_t>()>& draw) {
    const size_t samples = count_ - chosen_.size();
    const std::vector<std::vector<size_t>> strata = permutations(samples);
    for (size_t i = 0; i < samples; ++i) {
      Choice choice;
      for (size_t j = 0; j < space_.knobs().size(); ++j) choice.push_back(position(j, strata[j][i], samples));
      if (!add_repaired(std::move(choice)) && !add_drawn(draw)) return;
    }
  }

  bool add_drawn(const std::function<std::optional<uint64_t>()>& draw) {
    for (int attempt = 0; attempt < kTries; ++attempt) {
      const auto index = draw();
      if (!index) return false;
      if (add(space_.decode(*index))) return true;
    }
    return false;
  }

 private:
  static constexpr int kTries = 64;

  std::vector<std::vector<size_t>> permutations(size_t samples) {
    std::vector<std::vector<size_t>> result(space_.knobs().size(), std::vector<size_t>(samples));
    for (std::vector<size_t>& permutation : result) {
      std::iota(permutation.begin(), permutation.end(), size_t{0});
      random_.shuffle(permutation);
    }
    return result;
  }

  int position(size_t knob, size_t stratum, size_t samples) {
    const auto options = static_cast<double>(space_.knobs()[knob].values.size());
    const double place = (static_cast<double>(stratum) + random_.uniform()) / static_cast<double>(samples);
    return static_cast<int>(std::min(place * options, options - 1));
  }

  bool add_repaired(Choice choice) {
    for (int attempt = 0; attempt < kTries; ++attempt) {
      if (add(choice)) return true;
      const size_t knob = random_.below(choice.size());
      choice[knob] = static_cast<int>(random_.below(space_.knobs()[knob].values.size()));
    }
    return false;
  }

  const SearchSpace& space_;
  size_t count_;
  Random& random_;
  std::vector<uint64_t> chosen_;
  std::unordered_set<uint64_t> seen_;
};

// Legal configurations with the least bounds of a random sample.
std::vector<uint64_t> best_of_sample(const SearchSpace& space, size_t count, Random& random) {
  constexpr size_t kSample = 4096;
  const uint64_t size = space.size();
  std::vector<std::pair<double, uint64_t>> ranked;
  for (size_t i = 0; i < kSample; ++i) {
    const uint64_t index = random.below(size);
    const Choice choice = space.decode(index);
    if (space.legal(choice)) ranked.emplace_back(space.bound(choice), index);
  }
  std::ranges::sort(ranked);
  ranked.erase(std::unique(ranked.begin(), ranked.end()), ranked.end());
  std::vector<uint64_t> best;
  for (size_t i = 0; i < std::min(count, ranked.size()); ++i) best.push_back(ranked[i].second);
  return best;
}

}  // namespace

std::vector<uint64_t> initial_configurations(const SearchSpace& space, const LegalPoints* listed,
                                             const InitialDesign& design, size_t count,
                                             const std::function<std::optional<uint64_t>()>& draw, Random& random) {
  Designer designer(space, count, random);
  if (design.random) {
    while (!designer.full() && designer.add_drawn(draw)) {
    }
    return designer.chosen();
  }
  if (listed) {
    const size_t best = std::min(design.by_bound, listed->by_bound().size());
    for (size_t i = 0; i < best; ++i) designer.add(space.decode(listed->by_bound()[i].index));
  } else {
    for (const uint64_t index : best_of_sample(space, design.by_bound, random)) designer.add(space.decode(index));
  }
  designer.add(space.default_choice());
  designer.add_hypercube(draw);
  return designer.chosen();
}

}  // namespace arco
