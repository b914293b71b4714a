// Where two arrays differ: what a failed verification reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arco/graph/array.h"

namespace arco {

struct Difference {
  std::vector<int64_t> position;  // of the first element that differs, in row-major order
  double expected = 0;
  double actual = 0;
  int64_t count = 0;  // elements that differ
  int64_t size = 0;   // elements in all
  // "[0, 3, 1]: expected 5, got 6 (1 of 48 values differ)"
  std::string to_string() const;
};

// "[0, 3, 1]": the place of the index-th element in row-major order.
std::string position_text(int64_t index, const Shape& shape);

// Types and shapes must be equal. Floats differ when they are further apart than `tolerance` times the largest finite
// magnitude of `expected`; not-a-number equals itself. Integers must be equal.
std::optional<Difference> first_difference(const Array& expected, const Array& actual, double tolerance = 0);

}  // namespace arco
