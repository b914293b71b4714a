#include "arco/graph/difference.h"

#include <fmt/ranges.h>

#include <cmath>

#include "arco/base/error.h"

namespace arco {
namespace {

// Calls visit(span of elements) with the array's element type; bool is read as bytes.
template <typename Visit>
void with_elements(const Array& array, const Visit& visit) {
  switch (array.type()) {
    case DataType::kFloat32:
      return visit(array.data<float>());
    case DataType::kInt8:
      return visit(array.data<int8_t>());
    case DataType::kUint8:
      return visit(array.data<uint8_t>());
    case DataType::kInt32:
      return visit(array.data<int32_t>());
    case DataType::kInt64:
      return visit(array.data<int64_t>());
    case DataType::kBool:
      return visit(array.bytes());
  }
}

std::vector<int64_t> position_of(int64_t index, const Shape& shape) {
  std::vector<int64_t> position(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    position[d] = index % shape[d];
    index /= shape[d];
  }
  return position;
}

double largest_magnitude(std::span<const float> values) {
  double largest = 0;
  for (const float value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  return largest;
}

struct Equal {
  double allowed = 0;

  bool operator()(float a, float b) const {
    if (a == b || (std::isnan(a) && std::isnan(b))) return true;
    return std::abs(static_cast<double>(a) - static_cast<double>(b)) <= allowed;
  }
  template <typename Integer>
  bool operator()(Integer a, Integer b) const {
    return a == b;
  }
};

}  // namespace

std::string Difference::to_string() const {
  return fmt::format("[{}]: expected {}, got {} ({} of {} values differ)", fmt::join(position, ", "), expected, actual,
                     count, size);
}

std::string position_text(int64_t index, const Shape& shape) {
  return fmt::format("[{}]", fmt::join(position_of(index, shape), ", "));
}

std::optional<Difference> first_difference(const Array& expected, const Array& actual, double tolerance) {
  ARCO_CHECK(expected.type() == actual.type() && expected.shape() == actual.shape(), "{} {} compared with {} {}",
             arco::to_string(expected.type()), arco::to_string(expected.shape()), arco::to_string(actual.type()),
             arco::to_string(actual.shape()));
  Equal equal;
  if (expected.type() == DataType::kFloat32) equal.allowed = tolerance * largest_magnitude(expected.data<float>());
  std::optional<Difference> first;
  with_elements(expected, [&](auto want) {
    const decltype(want) got(reinterpret_cast<decltype(want.data())>(actual.bytes().data()), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      if (equal(want[i], got[i])) continue;
      if (!first) {
        const auto position = position_of(static_cast<int64_t>(i), expected.shape());
        first = {position, static_cast<double>(want[i]), static_cast<double>(got[i]), 0,
                 static_cast<int64_t>(want.size())};
      }
      ++first->count;
    }
  });
  return first;
}

}  // namespace arco
