// With the legal configurations in ascending order of bound(c) <= cost(c),
//
//     bound:  100  104  110 | 131  150 ...        best measured: 127
//             measured      | cannot beat 127
//
// everything behind the first bound >= best is pruned. The order needs the fewest measurements a proof by this bound
// can have: whatever lies below the optimum must be measured by any method.
#include "arco/search/tuners/exhaustive.h"

#include <algorithm>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/search/history.h"

namespace arco {
namespace {

struct Bounded {
  double bound;
  uint64_t index;
  bool operator<(const Bounded& other) const {
    return bound != other.bound ? bound < other.bound : index < other.index;
  }
};

// The legal configurations with an index in [begin, end).
std::vector<Bounded> enumerate_range(const SearchSpace& space, uint64_t begin, uint64_t end) {
  std::vector<Bounded> found;
  Choice choice = space.decode(begin);
  for (uint64_t index = begin; index < end; ++index) {
    if (space.legal(choice)) found.push_back({space.bound(choice), index});
    for (size_t j = 0; j < choice.size(); ++j) {
      if (static_cast<size_t>(++choice[j]) < space.knobs()[j].values.size()) break;
      choice[j] = 0;
    }
  }
  return found;
}

class ExhaustiveTuner : public Tuner {
 public:
  ExhaustiveTuner(const SearchSpace& space, const ExhaustiveOptions& options)
      : space_(space), options_(options), history_(space) {
    if (space.size() > options.most_configurations) {
      fail_user(
          "exhaustive: the space has {} configurations, more than most_configurations = {}. Choose fewer knobs, raise "
          "that option (16 bytes of memory each), or take another tuner.",
          space.size(), options.most_configurations);
    }
  }

  std::vector<uint64_t> ask(size_t count) override {
    enumerate();
    std::vector<uint64_t> asked;
    for (; next_ < ordered_.size() && asked.size() < count; ++next_) {
      const auto [bound, index] = ordered_[next_];
      if (pruned(bound)) break;
      if (history_.visited(index)) continue;
      history_.mark_asked(index);
      asked.push_back(index);
    }
    return asked;
  }

  void tell(const std::vector<Measurement>& results) override {
    for (const Measurement& m : results) history_.tell(m);
    skip_measured();
  }

  bool proved_optimal() const override {
    return enumerated_ && (unproven_ == ordered_.size() || pruned(ordered_[unproven_].bound));
  }

  double proven_bound() const override {
    if (!enumerated_) return 0;
    const double best = history_.best() ? history_.best()->cost : 0;
    if (unproven_ == ordered_.size()) return best;
    const double bound = ordered_[unproven_].bound;
    return history_.best() ? std::min(best, bound) : bound;
  }

 private:
  bool pruned(double bound) const { return history_.best() && bound >= history_.best()->cost; }

  void skip_measured() {
    while (unproven_ < ordered_.size() && history_.find(ordered_[unproven_].index)) ++unproven_;
  }

  void enumerate() {
    if (enumerated_) return;
    constexpr uint64_t kChunk = 16'384;
    const uint64_t size = space_.size();
    std::vector<std::vector<Bounded>> chunks((size + kChunk - 1) / kChunk);
    parallel_for(chunks.size(), options_.jobs, [&](size_t i) {
      if (interrupted()) return;
      chunks[i] = enumerate_range(space_, i * kChunk, std::min(size, (i + 1) * kChunk));
    });
    if (interrupted()) return;  // half an enumeration proves nothing
    for (const auto& chunk : chunks) ordered_.insert(ordered_.end(), chunk.begin(), chunk.end());
    std::sort(ordered_.begin(), ordered_.end());
    enumerated_ = true;
    skip_measured();
  }

  const SearchSpace& space_;
  ExhaustiveOptions options_;
  History history_;
  bool enumerated_ = false;
  std::vector<Bounded> ordered_;
  size_t next_ = 0;      // the first that was not asked for
  size_t unproven_ = 0;  // the first that was not measured
};

}  // namespace

std::unique_ptr<Tuner> make_exhaustive(const SearchSpace& space, const ExhaustiveOptions& options) {
  return std::make_unique<ExhaustiveTuner>(space, options);
}

}  // namespace arco
