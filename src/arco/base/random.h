// Seeded random numbers that are the same on every machine (the standard library's distributions are not).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace arco {

// xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t next();
  // Uniform in [0, bound), without modulo bias; bound >= 1.
  uint64_t below(uint64_t bound);
  // Uniform in [low, high], both included.
  int64_t between(int64_t low, int64_t high);
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Standard normal (Marsaglia's polar method).
  double normal();
  // A new generator whose stream does not depend on how many numbers this one has drawn since its seed.
  Random fork(uint64_t stream) const;

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  uint64_t seed_;
  std::array<uint64_t, 4> state_;
  bool has_spare_ = false;
  double spare_ = 0;
};

// A well-mixed 64-bit hash of a number (splitmix64's finaliser).
uint64_t mix64(uint64_t value);

}  // namespace arco
