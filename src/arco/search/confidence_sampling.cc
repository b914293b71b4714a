//   pool S ------ v = z(critic) [+ z(model)] ------ p = softmax(v / tau)
//     |
//     +-- draw 2 b without replacement by p:  argmax of log p + Gumbel noise gives exactly that (Gumbel-top-k; Kool et
//     |   al., 2019)
//     +-- threshold = median of v over the drawn; keep with probability sigmoid((v - threshold) / 0.25)
//     |
//     +-- missing ones are made: every knob at the kept set's most frequent value; while that is not open, one knob
//     |   after the other is drawn anew from the kept set's p-weighted values; after 64 tries the next best by p
//     +-- a twentieth of the batch is random
#include "arco/search/confidence_sampling.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "arco/base/error.h"

namespace arco {
namespace {

// (x - mean) / deviation; all 0 when they are equal.
std::vector<double> z_scores(std::vector<double> values) {
  const auto count = static_cast<double>(values.size());
  double mean = 0, square = 0;
  for (const double value : values) mean += value / count;
  for (const double value : values) square += (value - mean) * (value - mean) / count;
  const double deviation = std::sqrt(square);
  for (double& value : values) value = deviation > 1e-9 ? (value - mean) / deviation : 0;
  return values;
}

class ConfidenceSampler {
 public:
  ConfidenceSampler(const ConfidenceSurroundings& surroundings, const std::vector<ConfidenceCandidate>& pool,
                    const ConfidenceSamplingOptions& options, Random& random)
      : surroundings_(surroundings), options_(options), random_(random), pool_(pool) {
    trim_pool();
  }

  std::vector<ConfidentChoice> choose(size_t batch, double temperature) {
    size_t reserved = static_cast<size_t>(std::lround(options_.random_share * static_cast<double>(batch)));
    if (options_.random_share > 0) reserved = std::max<size_t>(reserved, 1);
    reserved = std::min(reserved, batch - std::min<size_t>(batch, 1));  // a batch of one is no exploration
    if (!pool_.empty()) {
      weigh(temperature);
      const std::vector<size_t> drawn = draw(batch);
      const std::vector<size_t> kept = keep(drawn);
      for (const size_t i : kept) {
        if (chosen_.size() < batch - reserved) add(pool_[i].index, ChoiceReason::kKept, i);
      }
      synthesise(kept.empty() ? drawn : kept, batch - reserved);
    }
    while (chosen_.size() < batch) {
      const auto index = draw_unchosen();
      if (!index) break;
      add(*index, ChoiceReason::kRandom);
    }
    return chosen_;
  }

 private:
  static constexpr size_t kNone = ~size_t{0};

  void trim_pool() {
    std::stable_sort(pool_.begin(), pool_.end(), [](const auto& a, const auto& b) { return a.mean > b.mean; });
    if (pool_.size() > options_.pool) pool_.resize(options_.pool);
  }

  void weigh(double temperature) {
    std::vector<double> critic, model;
    for (const ConfidenceCandidate& candidate : pool_) {
      critic.push_back(candidate.critic);
      model.push_back(candidate.mean + options_.optimism * candidate.spread);
    }
    confidence_ = z_scores(std::move(critic));
    if (options_.mix_model) {
      const std::vector<double> other = z_scores(std::move(model));
      for (size_t i = 0; i < confidence_.size(); ++i) confidence_[i] = 0.5 * confidence_[i] + 0.5 * other[i];
    }
    const double largest = *std::ranges::max_element(confidence_);
    double sum = 0;
    for (const double v : confidence_) {
      probability_.push_back(std::exp((v - largest) / temperature));
      sum += probability_.back();
    }
    for (double& p : probability_) p /= sum;
  }

  // Positions in the pool, without replacement.
  std::vector<size_t> draw(size_t wanted) {
    const auto count =
        std::min(pool_.size(), static_cast<size_t>(std::ceil(options_.drawn_per_slot * static_cast<double>(wanted))));
    std::vector<std::pair<double, size_t>> keys;
    for (size_t i = 0; i < pool_.size(); ++i) {
      const double u = random_.uniform() + 0x1p-54;  // never 0
      keys.emplace_back(-(std::log(std::max(probability_[i], 1e-300)) - std::log(-std::log(u))), i);
    }
    std::ranges::sort(keys);
    std::vector<size_t> drawn;
    for (size_t i = 0; i < count; ++i) drawn.push_back(keys[i].second);
    return drawn;
  }

  // Those above the soft threshold, most confident first.
  std::vector<size_t> keep(const std::vector<size_t>& drawn) {
    std::vector<double> values;
    for (const size_t i : drawn) values.push_back(confidence_[i]);
    std::ranges::sort(values);
    if (values.empty()) return {};
    const size_t half = values.size() / 2;
    const double threshold = values.size() % 2 ? values[half] : 0.5 * (values[half - 1] + values[half]);
    std::vector<size_t> kept;
    for (const size_t i : drawn) {
      const double above = confidence_[i] - threshold;
      const bool is_kept = options_.threshold_width > 0
                               ? random_.uniform() < 1 / (1 + std::exp(-above / options_.threshold_width))
                               : above >= 0;
      if (is_kept) kept.push_back(i);
    }
    std::ranges::stable_sort(kept, [&](size_t a, size_t b) { return confidence_[a] > confidence_[b]; });
    return kept;
  }

  void synthesise(const std::vector<size_t>& kept, size_t wanted) {
    if (chosen_.size() >= wanted || kept.empty()) return;
    std::vector<Choice> choices;
    for (const size_t i : kept) choices.push_back(surroundings_.space.decode(pool_[i].index));
    const Choice mode = most_frequent(choices);
    while (chosen_.size() < wanted) {
      Choice made = mode;
      bool found = false;
      for (int attempt = 0; attempt < options_.synthesis_tries && !found; ++attempt) {
        found = try_add(surroundings_.space.encode(made), ChoiceReason::kSynthesised);
        if (found) break;
        const size_t knob = random_.below(made.size());
        made[knob] = choices[draw_weighted(kept)][knob];
      }
      if (!found && !add_next_by_probability()) return;
    }
  }

  // Per knob the most frequent position, the lower one of equals.
  Choice most_frequent(const std::vector<Choice>& choices) const {
    Choice mode;
    for (size_t j = 0; j < choices[0].size(); ++j) {
      std::vector<size_t> count(surroundings_.space.knobs()[j].values.size());
      for (const Choice& choice : choices) ++count[static_cast<size_t>(choice[j])];
      mode.push_back(static_cast<int>(std::ranges::max_element(count) - count.begin()));
    }
    return mode;
  }

  // A position in `kept`, by probability.
  size_t draw_weighted(const std::vector<size_t>& kept) {
    double sum = 0;
    for (const size_t i : kept) sum += probability_[i];
    double rest = random_.uniform() * sum;
    for (size_t k = 0; k + 1 < kept.size(); ++k) {
      rest -= probability_[kept[k]];
      if (rest < 0) return k;
    }
    return kept.size() - 1;
  }

  bool add_next_by_probability() {
    size_t best = kNone;
    for (size_t i = 0; i < pool_.size(); ++i) {
      if (taken_.contains(pool_[i].index)) continue;
      if (best == kNone || probability_[i] > probability_[best]) best = i;
    }
    if (best == kNone) return false;
    add(pool_[best].index, ChoiceReason::kDrawn, best);
    return true;
  }

  std::optional<uint64_t> draw_unchosen() {
    constexpr int kTries = 64;
    for (int i = 0; i < kTries; ++i) {
      const auto index = surroundings_.draw_open(random_);
      if (!index || !taken_.contains(*index)) return index;
    }
    return std::nullopt;
  }

  bool try_add(uint64_t index, ChoiceReason reason) {
    if (taken_.contains(index) || !surroundings_.open(index)) return false;
    add(index, reason);
    return true;
  }

  void add(uint64_t index, ChoiceReason reason, size_t candidate = kNone) {
    if (!taken_.insert(index).second) return;
    ConfidentChoice choice{.index = index, .reason = reason};
    if (candidate != kNone) {
      choice.confidence = confidence_[candidate];
      choice.probability = probability_[candidate];
    }
    chosen_.push_back(choice);
  }

  const ConfidenceSurroundings& surroundings_;
  const ConfidenceSamplingOptions& options_;
  Random& random_;
  std::vector<ConfidenceCandidate> pool_;
  std::vector<double> confidence_;
  std::vector<double> probability_;
  std::vector<ConfidentChoice> chosen_;
  std::unordered_set<uint64_t> taken_;
};

}  // namespace

const char* to_string(ChoiceReason reason) {
  switch (reason) {
    case ChoiceReason::kInitial:
      return "initial";
    case ChoiceReason::kExact:
      return "exact";
    case ChoiceReason::kTop:
      return "top";
    case ChoiceReason::kKept:
      return "kept";
    case ChoiceReason::kSynthesised:
      return "synthesised";
    case ChoiceReason::kDrawn:
      return "drawn";
    case ChoiceReason::kRandom:
      return "random";
  }
  return "unknown";
}

std::vector<ConfidentChoice> confidence_sampling(const ConfidenceSurroundings& surroundings,
                                                 const std::vector<ConfidenceCandidate>& pool, size_t batch,
                                                 double temperature, const ConfidenceSamplingOptions& options,
                                                 Random& random) {
  ARCO_CHECK(temperature > 0, "temperature {}", temperature);
  return ConfidenceSampler(surroundings, pool, options, random).choose(batch, temperature);
}

}  // namespace arco
