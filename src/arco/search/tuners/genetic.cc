// Generations. Parents are drawn in proportion to their throughput from the last generation and the elite; a child
// takes the knobs before a random cut from one parent and the others from the second; every knob mutates with a small
// probability; a child that was measured before mutates further until it is new (AutoTVM, ga_tuner).
#include "arco/search/tuners/genetic.h"

#include <algorithm>

#include "arco/search/history.h"

namespace arco {
namespace {

struct Individual {
  Choice genes;
  double throughput = 0;  // 1 / cost, 0 for a failure
};

class GeneticTuner : public Tuner {
 public:
  GeneticTuner(const SearchSpace& space, const GeneticOptions& options, uint64_t seed)
      : space_(space), options_(options), random_(seed), history_(space) {}

  std::vector<uint64_t> ask(size_t count) override {
    if (planned_ == plan_.size()) next_generation();
    count = std::min(count, plan_.size() - planned_);
    const auto begin = plan_.begin() + static_cast<std::ptrdiff_t>(planned_);
    planned_ += count;
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }

  void tell(const std::vector<Measurement>& results) override {
    for (const Measurement& m : results) {
      if (!history_.tell(m)) continue;
      evaluated_.push_back({space_.decode(m.index), m.status == MeasureStatus::kOk ? 1 / m.cost : 0});
    }
  }

 private:
  void next_generation() {
    plan_.clear();
    planned_ = 0;
    if (evaluated_.size() >= options_.population) {
      breed();
    } else {
      plan_random(options_.population - evaluated_.size());
    }
  }

  void plan_random(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const auto index = history_.draw_unvisited(random_, options_.legal_only);
      if (!index) return;
      plan(*index);
    }
  }

  void plan(uint64_t index) {
    history_.mark_asked(index);
    plan_.push_back(index);
  }

  void breed() {
    // A resumed run may have told more than one generation: the latest counts.
    const auto surplus = static_cast<std::ptrdiff_t>(evaluated_.size() - options_.population);
    update_elites();
    std::vector<Individual> parents(evaluated_.begin() + surplus, evaluated_.end());
    parents.insert(parents.end(), elites_.begin(), elites_.end());
    evaluated_.clear();

    std::vector<double> weights;
    double best = 0;
    for (const Individual& parent : parents) best = std::max(best, parent.throughput);
    // The small constant lets a generation without a single success breed at all.
    for (const Individual& parent : parents) weights.push_back((best > 0 ? parent.throughput / best : 0) + 1e-8);
    for (size_t i = 0; i < options_.population && !history_.exhausted(); ++i) {
      const size_t first = roulette(weights, weights.size());
      const size_t second = roulette(weights, first);
      Choice child = cross(parents[first].genes, parents[second].genes);
      mutate(child);
      if (make_new(child)) {
        plan(space_.encode(child));
      } else {
        plan_random(1);
      }
    }
  }

  void update_elites() {
    elites_.insert(elites_.end(), evaluated_.begin(), evaluated_.end());
    std::ranges::stable_sort(elites_, std::greater<>{}, &Individual::throughput);
    elites_.resize(std::min(elites_.size(), options_.elite));
  }

  // A position drawn in proportion to the weights, never `excluded`.
  size_t roulette(const std::vector<double>& weights, size_t excluded) {
    double sum = 0;
    for (size_t i = 0; i < weights.size(); ++i) sum += i == excluded ? 0 : weights[i];
    double left = random_.uniform() * sum;
    size_t last = excluded == 0 ? 1 : 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (i == excluded) continue;
      last = i;
      left -= weights[i];
      if (left < 0) break;
    }
    return last;
  }

  Choice cross(const Choice& first, const Choice& second) {
    const size_t cut = random_.below(first.size());
    Choice child = second;
    std::copy_n(first.begin(), cut, child.begin());
    return child;
  }

  int random_value(size_t knob) { return static_cast<int>(random_.below(space_.knobs()[knob].values.size())); }

  void mutate(Choice& genes) {
    for (size_t j = 0; j < genes.size(); ++j) {
      if (random_.uniform() < options_.mutation) genes[j] = random_value(j);
    }
  }

  // Mutates one knob at a time until the child was never visited; false if that takes too long.
  bool make_new(Choice& genes) {
    constexpr int kTries = 1000;
    for (int i = 0; i < kTries; ++i) {
      if (!history_.visited(space_.encode(genes)) && (!options_.legal_only || space_.legal(genes))) return true;
      const size_t knob = random_.below(genes.size());
      genes[knob] = random_value(knob);
    }
    return false;
  }

  const SearchSpace& space_;
  GeneticOptions options_;
  Random random_;
  History history_;
  std::vector<Individual> evaluated_;  // since the last breeding
  std::vector<Individual> elites_;
  std::vector<uint64_t> plan_;
  size_t planned_ = 0;  // how many of the plan were asked for
};

}  // namespace

std::unique_ptr<Tuner> make_genetic(const SearchSpace& space, const GeneticOptions& options, uint64_t seed) {
  return std::make_unique<GeneticTuner>(space, options, seed);
}

}  // namespace arco
