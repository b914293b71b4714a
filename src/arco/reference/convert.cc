// One conversion loop for each pair of element types.
#include <cmath>
#include <limits>
#include <type_traits>

#include "arco/reference/elementwise.h"

namespace arco::reference {
namespace {

template <typename To, typename From>
To convert_value(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Compared in double: the largest int64 is no float, and rounds up to one that does not fit.
    const auto x = static_cast<double>(value);
    if (std::isnan(x)) return 0;
    if (x <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (x >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(x);
  } else {
    return static_cast<To>(value);
  }
}

template <typename From>
Array convert_from(const From* in, const Shape& shape, DataType to) {
  Array y(to, shape);
  const auto fill = [&](auto out) {
    using To = typename decltype(out)::value_type;
    for (size_t i = 0; i < out.size(); ++i) out[i] = convert_value<To>(in[i]);
  };
  switch (to) {
    case DataType::kFloat32:
      fill(y.mutable_data<float>());
      break;
    case DataType::kInt8:
      fill(y.mutable_data<int8_t>());
      break;
    case DataType::kUint8:
      fill(y.mutable_data<uint8_t>());
      break;
    case DataType::kInt32:
      fill(y.mutable_data<int32_t>());
      break;
    case DataType::kInt64:
      fill(y.mutable_data<int64_t>());
      break;
    case DataType::kBool:
      for (size_t i = 0; i < y.bytes().size(); ++i) y.mutable_bytes()[i] = in[i] != 0 ? 1 : 0;
      break;
  }
  return y;
}

}  // namespace

Array convert(const Array& x, DataType to) {
  if (x.type() == to) return x;
  switch (x.type()) {
    case DataType::kFloat32:
      return convert_from(x.data<float>().data(), x.shape(), to);
    case DataType::kInt8:
      return convert_from(x.data<int8_t>().data(), x.shape(), to);
    case DataType::kUint8:
      return convert_from(x.data<uint8_t>().data(), x.shape(), to);
    case DataType::kInt32:
      return convert_from(x.data<int32_t>().data(), x.shape(), to);
    case DataType::kInt64:
      return convert_from(x.data<int64_t>().data(), x.shape(), to);
    case DataType::kBool:
      return convert_from(x.bytes().data(), x.shape(), to);
  }
  return x;
}

}  // namespace arco::reference
