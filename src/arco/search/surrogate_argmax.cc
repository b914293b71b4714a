// Climbing keeps two lists: everything scored so far (each configuration once) and which of it was expanded.
//
//     starts -> score -> [ best 32 not expanded -> all neighbours -> score new ones -> merge ] x 12
#include "arco/search/surrogate_argmax.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace arco {
namespace {

constexpr size_t kScoredAtOnce = 4096;

void keep_best(std::vector<ScoredConfiguration>& list, size_t count) {
  std::ranges::sort(list, std::less<>());
  if (list.size() > count) list.resize(count);
}

size_t differing_knobs(const Choice& a, const Choice& b) {
  size_t different = 0;
  for (size_t j = 0; j < a.size(); ++j) different += a[j] != b[j] ? 1 : 0;
  return different;
}

void add_scored(const ArgmaxProblem& problem, const std::vector<uint64_t>& indices,
                std::vector<ScoredConfiguration>& list) {
  if (indices.empty()) return;
  const std::vector<float> values = problem.score(indices);
  for (size_t i = 0; i < indices.size(); ++i) list.push_back({indices[i], values[i]});
}

}  // namespace

std::vector<ScoredConfiguration> argmax_of_listed(const ArgmaxProblem& problem, const LegalPoints& listed, size_t count,
                                                  const std::function<float(double)>& ceiling) {
  std::vector<ScoredConfiguration> best;
  std::vector<uint64_t> chunk;
  const auto flush = [&] {
    add_scored(problem, chunk, best);
    keep_best(best, count);
    chunk.clear();
  };
  for (const uint32_t position : listed.by_estimate()) {
    const LegalPoint& point = listed.by_bound()[position];
    if (chunk.empty() && best.size() == count && ceiling(point.estimate) < best.back().value) break;
    if (!problem.open(point.index)) continue;
    chunk.push_back(point.index);
    if (chunk.size() == kScoredAtOnce) flush();
  }
  flush();
  return best;
}

std::vector<ScoredConfiguration> argmax_by_climbing(const ArgmaxProblem& problem, const std::vector<uint64_t>& starts,
                                                    const std::function<bool(uint64_t)>& legal, size_t count,
                                                    const ClimbOptions& options) {
  std::unordered_set<uint64_t> seen, expanded;  // only looked into
  std::vector<ScoredConfiguration> met;
  std::vector<uint64_t> fresh;
  const auto consider = [&](uint64_t index) {
    if (seen.insert(index).second && legal(index)) fresh.push_back(index);
  };
  for (const uint64_t index : starts) consider(index);
  for (int round = 0; round <= options.rounds && !fresh.empty(); ++round) {
    add_scored(problem, fresh, met);
    fresh.clear();
    std::ranges::sort(met, std::less<>());
    if (round == options.rounds) break;
    for (size_t i = 0; i < std::min(options.beam, met.size()); ++i) {
      if (!expanded.insert(met[i].index).second) continue;
      Choice neighbour = problem.space.decode(met[i].index);
      for (size_t j = 0; j < neighbour.size(); ++j) {
        const int kept = neighbour[j];
        for (size_t value = 0; value < problem.space.knobs()[j].values.size(); ++value) {
          neighbour[j] = static_cast<int>(value);
          consider(problem.space.encode(neighbour));
        }
        neighbour[j] = kept;
      }
    }
  }
  std::vector<ScoredConfiguration> best;
  for (size_t i = 0; i < met.size() && best.size() < count; ++i) {
    if (problem.open(met[i].index)) best.push_back(met[i]);
  }
  return best;
}

std::vector<uint64_t> spread_out(const SearchSpace& space, const std::vector<ScoredConfiguration>& best, size_t count,
                                 double diversity) {
  std::vector<Choice> choices;
  for (const ScoredConfiguration& scored : best) choices.push_back(space.decode(scored.index));
  std::vector<size_t> nearest(best.size(), space.knobs().size());
  std::vector<uint64_t> picked;
  while (picked.size() < std::min(count, best.size())) {
    size_t chosen = best.size();
    double chosen_value = 0;
    for (size_t i = 0; i < best.size(); ++i) {
      if (nearest[i] == 0) continue;  // picked
      const double likeness = picked.empty() ? 0 : std::exp2(1 - static_cast<double>(nearest[i]));
      const double value = best[i].value - diversity * likeness;
      if (chosen < best.size() && value <= chosen_value) continue;
      chosen = i;
      chosen_value = value;
    }
    picked.push_back(best[chosen].index);
    for (size_t i = 0; i < best.size(); ++i) {
      nearest[i] = std::min(nearest[i], differing_knobs(choices[i], choices[chosen]));
    }
  }
  return picked;
}

}  // namespace arco
