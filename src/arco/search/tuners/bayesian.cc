// Maximises f = -log2(cost). With mean mu and spread sigma of the ensemble and the best f* so far, a candidate's
// expected improvement is (mu - f* - xi) Phi(z) + sigma phi(z), z = (mu - f* - xi) / sigma (Jones et al., 1998).
// A batch is picked one by one; a candidate's value is scaled by 1 - 2^-d, d the number of knobs in which it differs
// from the nearest one picked already.
#include "arco/search/tuners/bayesian.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "arco/search/expected_improvement.h"
#include "arco/search/feature_cache.h"
#include "arco/search/history.h"
#include "arco/search/stopwatch.h"

namespace arco {
namespace {

struct Candidate {
  uint64_t index;
  double value;
};

class BayesianTuner : public Tuner {
 public:
  BayesianTuner(const SearchSpace& space, const BayesianOptions& options, uint64_t seed)
      : space_(space), options_(options), seeds_(seed), random_(seeds_.fork(0)), history_(space), features_(space) {}

  std::vector<uint64_t> ask(size_t count) override {
    std::vector<uint64_t> asked;
    if (history_.results().size() < options_.initial || history_.ok_count() == 0) {
      draw(count, asked);
    } else {
      asked = choose(count);
    }
    for (const uint64_t index : asked) history_.mark_asked(index);
    return asked;
  }

  double fit_seconds() const override { return fit_seconds_; }

  void tell(const std::vector<Measurement>& results) override {
    for (const Measurement& m : results) history_.tell(m);
  }

 private:
  void draw(size_t count, std::vector<uint64_t>& asked) {
    while (asked.size() < count) {
      const auto index = history_.draw_unvisited(random_, true);
      if (!index) return;
      history_.mark_asked(*index);
      asked.push_back(*index);
    }
  }

  std::vector<uint64_t> choose(size_t count) {
    const std::vector<uint64_t> indices = candidates();
    if (indices.empty()) return {};
    EnsembleParameters parameters;
    parameters.replicas = options_.replicas;
    parameters.rounds = options_.rounds;
    TreeEnsemble ensemble(parameters, seeds_.fork(1 + history_.results().size()).next());
    fit(ensemble);
    const auto prediction = ensemble.predict(features_.rows(indices), prior(indices));
    const double best = -std::log2(history_.best()->cost);
    std::vector<Candidate> ranked;
    for (size_t i = 0; i < indices.size(); ++i) {
      const double spread = std::max<double>(prediction.spread[i], options_.least_spread);
      ranked.push_back({indices[i], expected_improvement(prediction.mean[i] - best - options_.exploration, spread)});
    }
    std::ranges::sort(ranked, [](const Candidate& a, const Candidate& b) {
      return a.value != b.value ? a.value > b.value : a.index < b.index;
    });
    return pick_batch(ranked, count);
  }

  std::vector<float> prior(const std::vector<uint64_t>& indices) const {
    std::vector<float> margins;
    if (!options_.estimate_as_prior) return margins;
    for (const uint64_t index : indices) {
      margins.push_back(static_cast<float>(-std::log2(space_.estimate(space_.decode(index)))));
    }
    return margins;
  }

  void fit(TreeEnsemble& ensemble) {
    std::vector<uint64_t> indices;
    std::vector<float> targets;
    float worst = 0;
    for (const Measurement& m : history_.results()) {
      if (m.status == MeasureStatus::kOk) worst = std::min(worst, static_cast<float>(-std::log2(m.cost)));
    }
    for (const Measurement& m : history_.results()) {
      const bool ok = m.status == MeasureStatus::kOk;
      // What is statically illegal is never a candidate. What failed all the same counts as twice the slowest.
      if (!ok && !space_.legal(space_.decode(m.index))) continue;
      indices.push_back(m.index);
      targets.push_back(ok ? static_cast<float>(-std::log2(m.cost)) : worst - 1);
    }
    const Stopwatch stopwatch(fit_seconds_);
    ensemble.fit(features_.rows(indices), targets, prior(indices));
  }

  // Legal and unvisited. Where the space is small these are all; else random ones and neighbours of the best.
  std::vector<uint64_t> candidates() {
    std::vector<uint64_t> found;
    if (history_.space_size() <= 8 * options_.candidates) {
      if (!listed_) list_legal();
      std::erase_if(legal_, [&](uint64_t index) { return history_.visited(index); });
      found = legal_;
      if (found.size() <= options_.candidates) return found;
      random_.shuffle(found);
      found.resize(options_.candidates);
      return found;
    }
    std::unordered_set<uint64_t> seen;
    add_neighbours(found, seen);
    for (size_t tries = 0; tries < 4 * options_.candidates && found.size() < options_.candidates; ++tries) {
      add(random_.below(history_.space_size()), found, seen);
    }
    return found;
  }

  void list_legal() {
    for (uint64_t index = 0; index < history_.space_size(); ++index) {
      if (space_.legal(space_.decode(index))) legal_.push_back(index);
    }
    listed_ = true;
  }

  void add(uint64_t index, std::vector<uint64_t>& found, std::unordered_set<uint64_t>& seen) const {
    if (history_.visited(index) || seen.contains(index) || !space_.legal(space_.decode(index))) return;
    seen.insert(index);
    found.push_back(index);
  }

  void add_neighbours(std::vector<uint64_t>& found, std::unordered_set<uint64_t>& seen) const {
    std::vector<Measurement> best;
    for (const Measurement& m : history_.results()) {
      if (m.status == MeasureStatus::kOk) best.push_back(m);
    }
    std::ranges::stable_sort(best, {}, &Measurement::cost);
    best.resize(std::min(best.size(), options_.neighbourhoods));
    for (const Measurement& m : best) {
      const Choice centre = space_.decode(m.index);
      for (size_t j = 0; j < centre.size(); ++j) {
        Choice neighbour = centre;
        for (size_t value = 0; value < space_.knobs()[j].values.size(); ++value) {
          neighbour[j] = static_cast<int>(value);
          add(space_.encode(neighbour), found, seen);
        }
      }
    }
  }

  std::vector<uint64_t> pick_batch(std::vector<Candidate> ranked, size_t count) const {
    // Far down the ranking nothing can come up by being different: factors are at least 1/2.
    constexpr size_t kConsidered = 1024;
    ranked.resize(std::min(ranked.size(), std::max(kConsidered, count)));
    std::vector<Choice> choices;
    for (const Candidate& candidate : ranked) choices.push_back(space_.decode(candidate.index));
    std::vector<size_t> nearest(ranked.size(), space_.knobs().size());  // knobs that differ from the closest pick
    std::vector<uint64_t> picked;
    while (picked.size() < std::min(count, ranked.size())) {
      size_t best = 0;
      double best_value = -1;
      for (size_t i = 0; i < ranked.size(); ++i) {
        if (nearest[i] == 0) continue;  // picked
        const double factor = options_.diverse_batch ? 1 - std::exp2(-static_cast<double>(nearest[i])) : 1;
        if (const double value = ranked[i].value * factor; value > best_value) {
          best_value = value;
          best = i;
        }
      }
      picked.push_back(ranked[best].index);
      for (size_t i = 0; i < ranked.size(); ++i) nearest[i] = std::min(nearest[i], distance(choices[i], choices[best]));
    }
    return picked;
  }

  static size_t distance(const Choice& a, const Choice& b) {
    size_t different = 0;
    for (size_t j = 0; j < a.size(); ++j) different += a[j] != b[j] ? 1 : 0;
    return different;
  }

  const SearchSpace& space_;
  BayesianOptions options_;
  Random seeds_;
  Random random_;
  History history_;
  FeatureCache features_;
  double fit_seconds_ = 0;
  bool listed_ = false;
  std::vector<uint64_t> legal_;  // unvisited ones of a small space
};

}  // namespace

std::unique_ptr<Tuner> make_bayesian(const SearchSpace& space, const BayesianOptions& options, uint64_t seed) {
  return std::make_unique<BayesianTuner>(space, options, seed);
}

}  // namespace arco
