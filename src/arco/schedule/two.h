// Two numbers computed alike: a lower bound and an average of the same quantity. One instruction does both.
#pragma once

namespace arco {

using Two = double __attribute__((vector_size(2 * sizeof(double))));
enum Side : int { kLeast = 0, kMean = 1 };

inline Two both(double value) {
  return Two{value, value};
}
inline Two max(Two a, Two b) {
  return a > b ? a : b;
}

}  // namespace arco
