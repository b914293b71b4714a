// AutoTVM's optimiser (sa_model_optimizer). A step of a chain gives one random knob a random value and is taken with
// probability exp(min((new - old) / (T + 1e-5), 1)), so every improvement is. Every proposed configuration, taken or
// not, is offered to a heap of the best `count`.
#include "arco/search/tuners/model_annealing.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

namespace arco {
namespace {

// The best `capacity` configurations offered, each once. The worst of them is on top of the heap.
class BestSet {
 public:
  BestSet(size_t capacity, const std::function<bool(uint64_t)>& excluded) : capacity_(capacity), excluded_(excluded) {}

  // True if it was taken in.
  bool offer(float score, uint64_t index) {
    if (heap_.size() == capacity_ && (capacity_ == 0 || !(score > heap_.front().score))) return false;
    if (excluded_(index) || !members_.insert(index).second) return false;
    if (heap_.size() == capacity_) {
      std::pop_heap(heap_.begin(), heap_.end(), better);
      members_.erase(heap_.back().index);
      heap_.pop_back();
    }
    heap_.push_back({score, index});
    std::push_heap(heap_.begin(), heap_.end(), better);
    return true;
  }

  std::vector<uint64_t> descending() const {
    std::vector<Entry> sorted = heap_;
    std::sort(sorted.begin(), sorted.end(), better);
    std::vector<uint64_t> indices;
    for (const auto& [score, index] : sorted) {
      if (score >= 0) indices.push_back(index);
    }
    return indices;
  }

 private:
  struct Entry {
    float score;
    uint64_t index;
  };
  static bool better(const Entry& a, const Entry& b) {
    return a.score != b.score ? a.score > b.score : a.index > b.index;
  }

  size_t capacity_;
  const std::function<bool(uint64_t)>& excluded_;
  std::vector<Entry> heap_;
  std::unordered_set<uint64_t> members_;
};

// `count` different configurations, uniformly.
std::vector<uint64_t> draw_distinct(Random& random, uint64_t size, size_t count) {
  std::vector<uint64_t> drawn;
  if (size <= 4 * count) {
    for (uint64_t index = 0; index < size; ++index) drawn.push_back(index);
    random.shuffle(drawn);
    drawn.resize(std::min(count, drawn.size()));
    return drawn;
  }
  std::unordered_set<uint64_t> seen;
  while (drawn.size() < count) {
    const uint64_t index = random.below(size);
    if (seen.insert(index).second) drawn.push_back(index);
  }
  return drawn;
}

}  // namespace

ModelAnnealing::ModelAnnealing(const SearchSpace& space, const ModelAnnealingOptions& options, uint64_t seed)
    : space_(space), options_(options), random_(seed) {}

uint64_t ModelAnnealing::random_walk(uint64_t from) {
  const Choice old = space_.decode(from);
  Choice moved = old;
  while (moved == old) {
    const size_t knob = random_.below(moved.size());
    moved[knob] = static_cast<int>(random_.below(space_.knobs()[knob].values.size()));
  }
  return space_.encode(moved);
}

std::vector<uint64_t> ModelAnnealing::maximise(const BatchScorer& score, size_t count,
                                               const std::function<bool(uint64_t)>& excluded) {
  const uint64_t size = space_.size();
  if (chains_.empty()) chains_ = draw_distinct(random_, size, options_.chains);
  BestSet best(count, excluded);
  std::vector<float> scores = score(chains_);
  for (size_t i = 0; i < chains_.size(); ++i) best.offer(scores[i], chains_[i]);
  if (size == 1) return best.descending();  // there is no move

  double temperature = options_.temperature_start;
  const double cooling =
      (options_.temperature_start - options_.temperature_end) / static_cast<double>(options_.iterations + 1);
  int last_change = 0;
  std::vector<uint64_t> moved(chains_.size());
  for (int k = 0; k < options_.iterations && k < last_change + options_.early_stop; ++k) {
    for (size_t i = 0; i < chains_.size(); ++i) moved[i] = random_walk(chains_[i]);
    const std::vector<float> moved_scores = score(moved);
    for (size_t i = 0; i < chains_.size(); ++i) {
      const double gain = static_cast<double>(moved_scores[i]) - scores[i];
      const double accept = std::exp(std::min(gain / (temperature + 1e-5), 1.0));
      if (best.offer(moved_scores[i], moved[i])) last_change = k;
      if (random_.uniform() >= accept) continue;
      chains_[i] = moved[i];
      scores[i] = moved_scores[i];
    }
    temperature -= cooling;
  }
  return best.descending();
}

}  // namespace arco
