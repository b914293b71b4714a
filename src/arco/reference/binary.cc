// y = f(a, b) and y = condition ? a : b with numpy broadcasting, on float32 and on integers (which wrap; division
// truncates).
#include <cmath>
#include <limits>
#include <type_traits>

#include "arco/reference/broadcast.h"
#include "arco/reference/elementwise.h"

namespace arco::reference {
namespace {

template <typename T>
T divide(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a / b;
  } else {
    if (b == 0) fail_user("an integer is divided by zero");
    if (a == std::numeric_limits<T>::min() && b == -1) return a;
    return static_cast<T>(a / b);
  }
}

// Arithmetic that wraps for integers.
template <typename T>
T evaluate(Binary::Kind kind, T a, T b) {
  using Wrapping =
      typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<T>>::type;
  const auto wa = static_cast<Wrapping>(a);
  const auto wb = static_cast<Wrapping>(b);
  using enum Binary::Kind;
  switch (kind) {
    case kSub:
      return static_cast<T>(wa - wb);
    case kMul:
      return static_cast<T>(wa * wb);
    case kDiv:
      return divide(a, b);
    case kPow:
      return static_cast<T>(std::pow(static_cast<double>(a), static_cast<double>(b)));
    case kMin:
      return b < a || b != b ? b : a;
    case kMax:
      return b > a || b != b ? b : a;
    case kPRelu:
      return a < 0 ? static_cast<T>(wa * wb) : a;
    default:
      break;
  }
  throw InternalError(fmt::format("{} is no arithmetic", name_of(kind)));
}

template <typename T>
bool compare(Binary::Kind kind, T a, T b) {
  if (kind == Binary::Kind::kEqual) return a == b;
  return kind == Binary::Kind::kGreater ? a > b : a < b;
}

bool is_comparison(Binary::Kind kind) {
  return kind == Binary::Kind::kEqual || kind == Binary::Kind::kGreater || kind == Binary::Kind::kLess;
}

template <typename T>
Array on(const Binary& op, const Call& call) {
  const auto ia = broadcast_indices(call.input(0).shape(), call.output_shape);
  const auto ib = broadcast_indices(call.input(1).shape(), call.output_shape);
  const auto a = call.input(0).data<T>();
  const auto b = call.input(1).data<T>();
  if (is_comparison(op.kind)) {
    Array y(DataType::kBool, call.output_shape);
    const auto out = y.mutable_bytes();
    for (size_t i = 0; i < out.size(); ++i) out[i] = compare(op.kind, a[ia[i]], b[ib[i]]) ? 1 : 0;
    return y;
  }
  Array y(data_type_of<T>(), call.output_shape);
  const auto out = y.mutable_data<T>();
  for (size_t i = 0; i < out.size(); ++i) out[i] = evaluate(op.kind, a[ia[i]], b[ib[i]]);
  return y;
}

}  // namespace

Array binary(const Binary& op, const Call& call) {
  switch (call.input(0).type()) {
    case DataType::kInt32:
      return on<int32_t>(op, call);
    case DataType::kInt64:
      return on<int64_t>(op, call);
    default:
      return on<float>(op, call);
  }
}

Array where(const Call& call) {
  const Array& condition = call.input(0);
  const Array& a = call.input(1);
  const Array& b = call.input(2);
  const auto ic = broadcast_indices(condition.shape(), call.output_shape);
  const auto ia = broadcast_indices(a.shape(), call.output_shape);
  const auto ib = broadcast_indices(b.shape(), call.output_shape);
  Array y(a.type(), call.output_shape);
  const size_t width = byte_size(a.type());
  const auto out = y.mutable_bytes();
  for (size_t i = 0; i < ic.size(); ++i) {
    const bool holds = condition.bytes()[ic[i]] != 0;
    const uint8_t* from = holds ? a.bytes().data() + ia[i] * width : b.bytes().data() + ib[i] * width;
    std::copy(from, from + width, out.begin() + static_cast<std::ptrdiff_t>(i * width));
  }
  return y;
}

}  // namespace arco::reference
