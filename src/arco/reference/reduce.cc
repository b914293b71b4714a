// Every input element is folded into the output element that has its coordinates outside of the reduced axes. Floats
// are folded in double, integers in a wrapping int64.
#include "arco/reference/reduce.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "arco/reference/broadcast.h"

namespace arco::reference {
namespace {

using Kind = Reduce::Kind;

// The output's shape as if the reduced axes were kept with extent 1.
Shape kept_shape(const Reduce& op, const Shape& x) {
  Shape kept = op.axes.empty() ? Shape(x.size(), 1) : x;
  for (const int64_t axis : op.axes)
    kept[static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(x.size()) : axis)] = 1;
  return kept;
}

template <typename Acc>
Acc start(Kind kind) {
  using Limits = std::numeric_limits<Acc>;
  if (kind == Kind::kProd) return 1;
  if (kind == Kind::kMax) return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  if (kind == Kind::kMin) return Limits::has_infinity ? Limits::infinity() : Limits::max();
  return 0;
}

template <typename Acc>
Acc fold(Kind kind, Acc acc, Acc x) {
  using Wrapping =
      typename std::conditional_t<std::is_integral_v<Acc>, std::make_unsigned<Acc>, std::type_identity<Acc>>::type;
  const auto a = static_cast<Wrapping>(acc);
  const auto b = static_cast<Wrapping>(x);
  switch (kind) {
    case Kind::kMean:
    case Kind::kSum:
      return static_cast<Acc>(a + b);
    case Kind::kMax:
      return x > acc || x != x ? x : acc;
    case Kind::kMin:
      return x < acc || x != x ? x : acc;
    case Kind::kProd:
      return static_cast<Acc>(a * b);
    case Kind::kL1:
      return static_cast<Acc>(x < 0 ? a - b : a + b);
    case Kind::kL2:
    case Kind::kSumSquare:
      return static_cast<Acc>(a + b * b);
  }
  return acc;
}

template <typename T, typename Acc>
Array on(const Reduce& op, const Call& call) {
  const Array& x = call.input(0);
  const Shape kept = kept_shape(op, x.shape());
  const auto to = broadcast_indices(kept, x.shape());
  std::vector<Acc> sums(static_cast<size_t>(element_count(kept)), start<Acc>(op.kind));
  const auto in = x.data<T>();
  for (size_t i = 0; i < in.size(); ++i) sums[to[i]] = fold(op.kind, sums[to[i]], static_cast<Acc>(in[i]));
  Array y(x.type(), call.output_shape);
  const auto out = y.mutable_data<T>();
  ARCO_CHECK(out.size() == sums.size(), "reduction of {} to {}", to_string(x.shape()), to_string(y.shape()));
  const auto count = static_cast<Acc>(in.size() / std::max<size_t>(1, sums.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    Acc value = sums[i];
    if (op.kind == Kind::kMean) value /= count;
    if (op.kind == Kind::kL2) value = static_cast<Acc>(std::sqrt(static_cast<double>(value)));
    out[i] = static_cast<T>(value);
  }
  return y;
}

}  // namespace

Array reduce(const Reduce& op, const Call& call) {
  switch (call.input(0).type()) {
    case DataType::kInt32:
      return on<int32_t, int64_t>(op, call);
    case DataType::kInt64:
      return on<int64_t, int64_t>(op, call);
    default:
      return on<float, double>(op, call);
  }
}

}  // namespace arco::reference
