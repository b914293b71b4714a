// QuantizeLinear:   y = saturate(round_half_to_even(x / scale) + zero_point)
// DequantizeLinear: y = (x - zero_point) * scale
// in float32 as ONNX defines them. Scale and zero point are one value, or one for each index along `axis`.
#include "arco/reference/linear_quantization.h"

#include <cmath>
#include <limits>

#include "arco/reference/elementwise.h"

namespace arco::reference {
namespace {

// Which entry of scale and zero point belongs to element i.
struct Entry {
  size_t inner, count;
  size_t operator()(size_t i) const { return i / inner % count; }
};

Entry entry_of(const Shape& shape, const Array& scale, int64_t axis) {
  const auto count = static_cast<size_t>(scale.size());
  if (count == 1) return {1, 1};
  const auto rank = static_cast<int64_t>(shape.size());
  const auto at = shape.begin() + (axis < 0 ? axis + rank : axis);
  ARCO_CHECK(*at == scale.size(), "{} scales for {}", count, to_string(shape));
  return {static_cast<size_t>(element_count(Shape(at + 1, shape.end()))), count};
}

template <typename T>
Array quantize_to(const Call& call, const Entry& entry) {
  const Array& x = call.input(0);
  Array y(data_type_of<T>(), x.shape());
  const auto in = x.data<float>();
  const auto scale = call.input(1).data<float>();
  const auto zero = call.input(2).data<T>();
  const auto out = y.mutable_data<T>();
  for (size_t i = 0; i < in.size(); ++i) {
    const size_t e = entry(i);
    const float steps = std::nearbyint(in[i] / scale[e]) + static_cast<float>(zero[e]);
    const float low = std::numeric_limits<T>::min();
    const float high = std::numeric_limits<T>::max();
    out[i] = steps >= high ? std::numeric_limits<T>::max()
             : steps > low ? static_cast<T>(steps)
                           : std::numeric_limits<T>::min();
  }
  return y;
}

}  // namespace

Array quantize_linear(const QuantizeLinear& op, const Call& call) {
  const Entry entry = entry_of(call.input(0).shape(), call.input(1), op.axis);
  return op.type == DataType::kInt8 ? quantize_to<int8_t>(call, entry) : quantize_to<uint8_t>(call, entry);
}

Array dequantize_linear(const DequantizeLinear& op, const Call& call) {
  const Shape& shape = call.input(0).shape();
  const Array x = convert(call.input(0), DataType::kInt64);
  const Entry entry = entry_of(shape, call.input(1), op.axis);
  const auto in = x.data<int64_t>();
  const auto scale = call.input(1).data<float>();
  const Array zeros = call.optional_input(2) ? convert(*call.optional_input(2), DataType::kInt64) : Array();
  Array y(DataType::kFloat32, shape);
  const auto out = y.mutable_data<float>();
  for (size_t i = 0; i < in.size(); ++i) {
    const size_t e = entry(i);
    const int64_t zero = call.optional_input(2) ? zeros.data<int64_t>()[e] : 0;
    out[i] = static_cast<float>(in[i] - zero) * scale[e];
  }
  return y;
}

}  // namespace arco::reference
