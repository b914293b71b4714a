// Every configuration that was not asked for yet is equally likely.
#include "arco/search/tuners/random.h"

#include "arco/search/history.h"

namespace arco {
namespace {

class RandomTuner : public Tuner {
 public:
  RandomTuner(const SearchSpace& space, const RandomOptions& options, uint64_t seed)
      : options_(options), random_(seed), history_(space) {}

  std::vector<uint64_t> ask(size_t count) override {
    std::vector<uint64_t> asked;
    while (asked.size() < count) {
      const auto index = history_.draw_unvisited(random_, options_.legal_only);
      if (!index) break;
      history_.mark_asked(*index);
      asked.push_back(*index);
    }
    return asked;
  }

  void tell(const std::vector<Measurement>& results) override {
    for (const Measurement& m : results) history_.tell(m);
  }

 private:
  RandomOptions options_;
  Random random_;
  History history_;
};

}  // namespace

std::unique_ptr<Tuner> make_random(const SearchSpace& space, const RandomOptions& options, uint64_t seed) {
  return std::make_unique<RandomTuner>(space, options, seed);
}

}  // namespace arco
