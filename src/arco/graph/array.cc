// Element types, shapes and the dense array. Array bytes are shared between copies, so graphs with hundreds of
// megabytes of weights are cheap to copy.
#include "arco/graph/array.h"

#include <limits>

#include "arco/base/error.h"
#include "arco/graph/operators.h"

namespace arco {

const char* to_string(DataType type) {
  return name_of(type);
}

size_t byte_size(DataType type) {
  switch (type) {
    case DataType::kFloat32:
    case DataType::kInt32:
      return 4;
    case DataType::kInt64:
      return 8;
    case DataType::kInt8:
    case DataType::kUint8:
    case DataType::kBool:
      return 1;
  }
  return 1;
}

int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    ARCO_CHECK(extent >= 0, "negative dimension in shape {}", to_string(shape));
    ARCO_CHECK(!__builtin_mul_overflow(count, extent, &count), "shape {} overflows", to_string(shape));
  }
  return count;
}

std::string to_string(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const int64_t extent : shape) {
    if (!text.empty()) text += 'x';
    text += std::to_string(extent);
  }
  return text;
}

bool is_reasonable(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 1 || extent > kMaxElements / count) return false;
    count *= extent;
  }
  return true;
}

Array::Array(DataType type, Shape shape) : type_(type), shape_(std::move(shape)) {
  const auto bytes = static_cast<size_t>(element_count(shape_)) * byte_size(type);
  bytes_ = std::make_shared<std::vector<uint8_t>>(bytes);
}

Array Array::reshaped(Shape shape) const {
  ARCO_CHECK(element_count(shape) == size(), "cannot view {} as {}", to_string(shape_), to_string(shape));
  Array view = *this;
  view.shape_ = std::move(shape);
  return view;
}

void check_type(DataType actual, DataType expected) {
  ARCO_CHECK(actual == expected, "array of {} read as {}", to_string(actual), to_string(expected));
}

}  // namespace arco
