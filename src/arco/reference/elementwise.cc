// Add:       y = clamp(a + b), numpy broadcasting;  int8: requantize((a << shift_a) + (b << shift_b)), or
//            requantize((a * multiplier_a + b * multiplier_b) >> shift)
// Clip:      y = min(max(x, low), high);            int8: requantize(x)
// BatchNorm: y = scale * (x - mean) / sqrt(variance + epsilon) + bias, per channel (dimension 1)
#include "arco/reference/elementwise.h"

#include <cmath>
#include <type_traits>

#include "arco/reference/broadcast.h"

namespace arco::reference {
namespace {

// Integers add and wrap; a clamp is for floats.
template <typename T>
Array add_integers(const Add& op, const Array& a, const std::vector<size_t>& ia, const Array& b,
                   const std::vector<size_t>& ib, const Shape& shape) {
  using Unsigned = std::make_unsigned_t<T>;
  ARCO_CHECK(op.clamp.is_identity(), "integer addition with an activation");
  Array y(data_type_of<T>(), shape);
  const auto out = y.mutable_data<T>();
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<T>(static_cast<Unsigned>(a.data<T>()[ia[i]]) + static_cast<Unsigned>(b.data<T>()[ib[i]]));
  }
  return y;
}

// The accumulator of two int8 operands.
int32_t sum_of(int8_t a, int8_t b, const Requantize& scale) {
  if (scale.add_scales) {
    const auto& [multipliers, shift] = *scale.add_scales;
    return wrap_add(wrap_multiply(a, multipliers[0]), wrap_multiply(b, multipliers[1])) >> shift;
  }
  return wrap_add(wrap_shift_left(a, scale.add_shifts[0]), wrap_shift_left(b, scale.add_shifts[1]));
}

// Bounds beyond the type's range clamp nothing.
template <typename T>
Array clip_integers(const Clip& op, const Array& x) {
  Array y(x.type(), x.shape());
  const auto in = x.data<T>();
  const auto out = y.mutable_data<T>();
  const T low = convert(Array::of<float>({}, {op.clamp.low}), x.type()).template data<T>()[0];
  const T high = convert(Array::of<float>({}, {op.clamp.high}), x.type()).template data<T>()[0];
  for (size_t i = 0; i < in.size(); ++i) out[i] = std::min(std::max(in[i], low), high);
  return y;
}

}  // namespace

Array add(const Add& op, const Call& call) {
  const Array& a = call.input(0);
  const Array& b = call.input(1);
  const auto ia = broadcast_indices(a.shape(), call.output_shape);
  const auto ib = broadcast_indices(b.shape(), call.output_shape);
  if (call.requantize) {
    const Requantize& scale = *call.requantize;
    Array y(DataType::kInt8, call.output_shape);
    const auto out = y.mutable_data<int8_t>();
    const auto pa = a.data<int8_t>();
    const auto pb = b.data<int8_t>();
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = requantize(sum_of(pa[ia[i]], pb[ib[i]], scale), scale);
    }
    return y;
  }
  if (a.type() == DataType::kInt32) return add_integers<int32_t>(op, a, ia, b, ib, call.output_shape);
  if (a.type() == DataType::kInt64) return add_integers<int64_t>(op, a, ia, b, ib, call.output_shape);
  Array y(DataType::kFloat32, call.output_shape);
  const auto out = y.mutable_data<float>();
  const auto pa = a.data<float>();
  const auto pb = b.data<float>();
  for (size_t i = 0; i < out.size(); ++i) out[i] = apply(op.clamp, pa[ia[i]] + pb[ib[i]]);
  return y;
}

Array clip(const Clip& op, const Call& call) {
  const Array& x = call.input(0);
  if (x.type() == DataType::kInt32) return clip_integers<int32_t>(op, x);
  if (x.type() == DataType::kInt64) return clip_integers<int64_t>(op, x);
  Array y(x.type(), x.shape());
  if (call.requantize) {
    const auto in = x.data<int8_t>();
    const auto out = y.mutable_data<int8_t>();
    for (size_t i = 0; i < in.size(); ++i) out[i] = requantize(in[i], *call.requantize);
    return y;
  }
  const auto in = x.data<float>();
  const auto out = y.mutable_data<float>();
  for (size_t i = 0; i < in.size(); ++i) out[i] = apply(op.clamp, in[i]);
  return y;
}

Array batch_norm(const BatchNorm& op, const Call& call) {
  const Array& x = call.input(0);
  ARCO_CHECK(x.shape().size() >= 2, "batch normalisation of shape {}", to_string(x.shape()));
  const auto channels = static_cast<size_t>(x.shape()[1]);
  for (size_t i = 1; i <= 4; ++i) {
    ARCO_CHECK(call.input(i).size() == x.shape()[1], "statistics of {} for {} channels", call.input(i).size(),
               channels);
  }
  const auto scale = call.input(1).data<float>();
  const auto bias = call.input(2).data<float>();
  const auto mean = call.input(3).data<float>();
  const auto variance = call.input(4).data<float>();
  const auto in = x.data<float>();
  Array y(DataType::kFloat32, x.shape());
  const auto out = y.mutable_data<float>();
  const size_t planes = static_cast<size_t>(x.shape()[0]) * channels;
  const size_t plane = planes == 0 ? 0 : in.size() / planes;
  for (size_t i = 0; i < in.size(); ++i) {
    const size_t c = i / plane % channels;
    const double factor =
        static_cast<double>(scale[c]) / std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(op.epsilon));
    const double centred = static_cast<double>(in[i]) - static_cast<double>(mean[c]);
    out[i] = static_cast<float>(centred * factor + static_cast<double>(bias[c]));
  }
  return y;
}

int8_t quantize_value(double value, int exponent) {
  const double scaled = std::round(std::ldexp(value, exponent));  // std::round: half away from zero
  if (std::isnan(scaled)) return 0;
  return static_cast<int8_t>(scaled < -127 ? -127 : (scaled > 127 ? 127 : scaled));
}

int8_t quantize_value(double value, const Grid& grid) {
  if (std::isnan(value)) return 0;
  const float steps = std::nearbyint(static_cast<float>(value) / static_cast<float>(grid.step));
  const float q = steps + static_cast<float>(grid.zero);
  return static_cast<int8_t>(q < -128 ? -128 : (q > 127 ? 127 : q));
}

Array quantize(const Call& call) {
  const Array& x = call.input(0);
  Array y(DataType::kInt8, x.shape());
  const auto in = x.data<float>();
  const auto out = y.mutable_data<int8_t>();
  for (size_t i = 0; i < in.size(); ++i) {
    const auto value = static_cast<double>(in[i]);
    out[i] = call.output_grid ? quantize_value(value, *call.output_grid) : quantize_value(value, call.output_exponent);
  }
  return y;
}

Array dequantize(const Call& call) {
  const Array& x = call.input(0);
  Array y(DataType::kFloat32, x.shape());
  const auto in = x.data<int8_t>();
  const auto out = y.mutable_data<float>();
  for (size_t i = 0; i < in.size(); ++i) {
    out[i] = call.input_grid
                 ? static_cast<float>(in[i] - call.input_grid->zero) * static_cast<float>(call.input_grid->step)
                 : static_cast<float>(std::ldexp(static_cast<double>(in[i]), -call.input_exponent));
  }
  return y;
}

}  // namespace arco::reference
