// What a tuner remembers: the configurations it must not ask for again, and what was measured.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "arco/base/random.h"
#include "arco/search/measurement.h"
#include "arco/search/space.h"

namespace arco {

class History {
 public:
  explicit History(const SearchSpace& space) : space_(space), size_(space.size()) {}

  // Asked for or measured.
  bool visited(uint64_t index) const { return measured_.contains(index); }
  void mark_asked(uint64_t index) { measured_.try_emplace(index, kPending); }
  // Keeps a result; false if this configuration was already told. InternalError if the index is outside the space.
  bool tell(const Measurement& measurement);

  // Results in the order of telling, one per configuration.
  const std::vector<Measurement>& results() const { return results_; }
  // nullptr if the configuration was not measured yet.
  const Measurement* find(uint64_t index) const;
  // The least cost so far; nullptr before the first ok measurement.
  const Measurement* best() const { return best_ == kPending ? nullptr : &results_[best_]; }
  size_t ok_count() const { return ok_count_; }
  bool exhausted() const { return measured_.size() >= size_; }
  uint64_t space_size() const { return size_; }

  // Uniform over the configurations that were never visited (and are legal, if asked so), and near uniform when few of
  // them are left; marks nothing. Empty if none is left, or, in a space too large to look everywhere, none was found.
  std::optional<uint64_t> draw_unvisited(Random& random, bool legal_only) const;

 private:
  static constexpr size_t kPending = ~size_t{0};

  const SearchSpace& space_;
  uint64_t size_;
  std::vector<Measurement> results_;
  std::unordered_map<uint64_t, size_t> measured_;  // to a position in results_, or kPending; never iterated over
  size_t best_ = kPending;
  size_t ok_count_ = 0;
};

}  // namespace arco
