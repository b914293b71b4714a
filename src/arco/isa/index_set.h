// Sets of scratchpad entries as bitmaps: what a whole instruction touches, without walking its steps.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace arco {

class IndexSet {
 public:
  explicit IndexSet(int64_t depth = 0) : words_(static_cast<size_t>((depth + 63) / 64)) {}

  void insert(uint64_t index) { words_[index / 64] |= uint64_t{1} << (index % 64); }
  bool contains(uint64_t index) const { return (words_[index / 64] >> (index % 64) & 1) != 0; }
  void insert_range(uint64_t begin, uint64_t end);

  // The union of the set moved up by 0, step, 2*step ... (count-1)*step; nothing may leave the depth. count >= 1.
  void repeat(uint64_t count, uint64_t step);

  void add(const IndexSet& other);
  void remove(const IndexSet& other);

  // The first index that is in this set and not in `other`, or -1.
  int64_t first_missing_in(const IndexSet& other) const;

  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t rest = words_[w]; rest != 0; rest &= rest - 1) {
        visit(w * 64 + static_cast<size_t>(std::countr_zero(rest)));
      }
    }
  }

 private:
  void add_shifted_self(uint64_t shift);

  std::vector<uint64_t> words_;
};

}  // namespace arco
