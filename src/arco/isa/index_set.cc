// repeat() doubles: a set that holds n copies holds 2n after or-ing itself shifted by n*step, so `count` copies take
// about log2(count) passes over the words.
#include "arco/isa/index_set.h"

namespace arco {

void IndexSet::insert_range(uint64_t begin, uint64_t end) {
  while (begin < end && begin % 64 != 0) insert(begin++);
  for (; begin + 64 <= end; begin += 64) words_[begin / 64] = ~uint64_t{0};
  while (begin < end) insert(begin++);
}

void IndexSet::add_shifted_self(uint64_t shift) {
  const size_t words = shift / 64, bits = shift % 64;
  // From the top down: what is read lies below and is still unchanged.
  for (size_t w = words_.size(); w-- > words;) {
    uint64_t moved = words_[w - words] << bits;
    if (bits != 0 && w > words) moved |= words_[w - words - 1] >> (64 - bits);
    words_[w] |= moved;
  }
}

void IndexSet::repeat(uint64_t count, uint64_t step) {
  if (step == 0) return;
  uint64_t copies = 1;
  for (; copies * 2 <= count; copies *= 2) add_shifted_self(copies * step);
  if (copies < count) add_shifted_self((count - copies) * step);
}

void IndexSet::add(const IndexSet& other) {
  for (size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
}

void IndexSet::remove(const IndexSet& other) {
  for (size_t w = 0; w < words_.size(); ++w) words_[w] &= ~other.words_[w];
}

int64_t IndexSet::first_missing_in(const IndexSet& other) const {
  for (size_t w = 0; w < words_.size(); ++w) {
    const uint64_t missing = words_[w] & ~other.words_[w];
    if (missing != 0) return static_cast<int64_t>(w * 64) + std::countr_zero(missing);
  }
  return -1;
}

}  // namespace arco
