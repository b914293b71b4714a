// y = f(x). Functions are evaluated in double and rounded once; the formulas are those of the ONNX operators.
#include <cmath>

#include "arco/reference/elementwise.h"

namespace arco::reference {
namespace {

double unit(double x) {
  return std::min(1.0, std::max(0.0, x));
}

// log(1 + e^x) without overflow.
double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

double evaluate(const Unary& op, double x) {
  const double alpha = static_cast<double>(op.alpha);
  const double beta = static_cast<double>(op.beta);
  if (std::isnan(x)) return x;
  using enum Unary::Kind;
  switch (op.kind) {
    case kAbs:
      return std::fabs(x);
    case kCeil:
      return std::ceil(x);
    case kCelu:
      return std::max(0.0, x) + std::min(0.0, alpha * std::expm1(x / alpha));
    case kElu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case kErf:
      return std::erf(x);
    case kExp:
      return std::exp(x);
    case kFloor:
      return std::floor(x);
    case kHardSigmoid:
      return unit(alpha * x + beta);
    case kHardSwish:
      return x * unit(x / 6 + 0.5);
    case kLeakyRelu:
      return x < 0 ? alpha * x : x;
    case kLog:
      return std::log(x);
    case kMish:
      return x * std::tanh(softplus(x));
    case kNeg:
      return -x;
    case kReciprocal:
      return 1 / x;
    case kRound:
      return std::nearbyint(x);  // half to even
    case kSelu:
      return beta * (x > 0 ? x : alpha * std::expm1(x));
    case kSigmoid:
      return 1 / (1 + std::exp(-x));
    case kSign:
      return x > 0 ? 1 : x < 0 ? -1 : 0;
    case kSoftplus:
      return softplus(x);
    case kSoftsign:
      return x / (1 + std::fabs(x));
    case kSqrt:
      return std::sqrt(x);
    case kTanh:
      return std::tanh(x);
    case kThresholdedRelu:
      return x > alpha ? x : 0;
  }
  return x;
}

// The kinds that are exact on integers. Wraps at the lowest value, which has no positive counterpart.
template <typename T>
Array on_integers(const Unary& op, const Array& x) {
  Array y(x.type(), x.shape());
  const auto in = x.data<T>();
  const auto out = y.mutable_data<T>();
  for (size_t i = 0; i < in.size(); ++i) {
    const T negative = static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(in[i]));
    if (op.kind == Unary::Kind::kSign) {
      out[i] = static_cast<T>((in[i] > 0) - (in[i] < 0));
    } else {
      out[i] = op.kind == Unary::Kind::kNeg || in[i] < 0 ? negative : in[i];
    }
  }
  return y;
}

}  // namespace

float apply(const Unary& op, float x) {
  return static_cast<float>(evaluate(op, static_cast<double>(x)));
}

Array unary(const Unary& op, const Call& call) {
  const Array& x = call.input(0);
  if (x.type() == DataType::kInt32) return on_integers<int32_t>(op, x);
  if (x.type() == DataType::kInt64) return on_integers<int64_t>(op, x);
  Array y(DataType::kFloat32, x.shape());
  const auto in = x.data<float>();
  const auto out = y.mutable_data<float>();
  for (size_t i = 0; i < in.size(); ++i) out[i] = apply(op, in[i]);
  return y;
}

Array table(const Call& call) {
  const Array& x = call.input(0);
  const auto entries = call.input(1).data<int8_t>();
  ARCO_CHECK(entries.size() == 256, "table of {} entries", entries.size());
  Array y(DataType::kInt8, x.shape());
  const auto in = x.data<int8_t>();
  const auto out = y.mutable_data<int8_t>();
  for (size_t i = 0; i < in.size(); ++i) out[i] = entries[static_cast<size_t>(in[i] + 128)];
  return y;
}

}  // namespace arco::reference
