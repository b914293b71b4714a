// Two numbers computed alike: a lower bound and an average of the same quantity. One instruction does both.
#pragma once

namespace arco {

using Two = double __attribute__((vector_size(2 * sizeof(double))));
enum Lane : int { kLeast = 0, kMean = 1 };

inline Two both(double value) {
  return Two{value, value};
}
inline Two max(Two a, Two b) {
  return a > b ? a : b;
}
inline Two min(Two a, Two b) {
  return a < b ? a : b;
}
// smaller <= larger in both.
inline bool all_less_equal(Two smaller, Two larger) {
  return smaller[kLeast] <= larger[kLeast] && smaller[kMean] <= larger[kMean];
}

}  // namespace arco
