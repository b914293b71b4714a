// Lrn:     y[n,c,...] = x / (bias + alpha / size * sum of x[n,i,...]^2)^beta,
//          i from max(0, c - floor((size-1)/2)) to min(C-1, c + ceil((size-1)/2))
// Softmax: y = exp(x - max) / sum exp(x - max) along `axis`; before opset 13 along all dimensions from `axis` on; or
// its
//          logarithm.
// Both see the tensor as [outer, length, inner].
#include "arco/reference/normalize.h"

#include <algorithm>
#include <cmath>

namespace arco::reference {
namespace {

int64_t product(const Shape& shape, size_t begin, size_t end) {
  return element_count(Shape(shape.begin() + static_cast<int64_t>(begin), shape.begin() + static_cast<int64_t>(end)));
}

void softmax_line(const float* in, float* out, int64_t length, int64_t stride, bool logarithm) {
  double highest = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < length; ++i) highest = std::max(highest, static_cast<double>(in[i * stride]));
  double sum = 0;
  for (int64_t i = 0; i < length; ++i) sum += std::exp(static_cast<double>(in[i * stride]) - highest);
  for (int64_t i = 0; i < length; ++i) {
    const double centred = static_cast<double>(in[i * stride]) - highest;
    out[i * stride] = static_cast<float>(logarithm ? centred - std::log(sum) : std::exp(centred) / sum);
  }
}

}  // namespace

Array lrn(const Lrn& op, const Call& call) {
  const Array& x = call.input(0);
  const Shape& shape = x.shape();
  ARCO_CHECK(shape.size() >= 2 && op.size >= 1, "local response normalisation of shape {}", to_string(shape));
  const int64_t channels = shape[1];
  const int64_t inner = product(shape, 2, shape.size());
  const int64_t before = (op.size - 1) / 2;
  const int64_t after = op.size - 1 - before;
  Array y(DataType::kFloat32, shape);
  const auto in = x.data<float>();
  const auto out = y.mutable_data<float>();
  for (int64_t i = 0; i < x.size(); ++i) {
    const int64_t c = i / inner % channels;
    double squares = 0;
    for (int64_t k = std::max<int64_t>(0, c - before); k <= std::min(channels - 1, c + after); ++k) {
      const auto neighbour = static_cast<double>(in[static_cast<size_t>(i + (k - c) * inner)]);
      squares += neighbour * neighbour;
    }
    const double base =
        static_cast<double>(op.bias) + static_cast<double>(op.alpha) / static_cast<double>(op.size) * squares;
    out[static_cast<size_t>(i)] = static_cast<float>(static_cast<double>(in[static_cast<size_t>(i)]) /
                                                     std::pow(base, static_cast<double>(op.beta)));
  }
  return y;
}

Array softmax(const Softmax& op, const Call& call) {
  const Array& x = call.input(0);
  const Shape& shape = x.shape();
  const auto rank = static_cast<int64_t>(shape.size());
  const int64_t axis = op.axis < 0 ? op.axis + rank : op.axis;
  ARCO_CHECK(axis >= 0 && (axis < rank || op.flatten_to_2d), "softmax axis {} of shape {}", op.axis, to_string(shape));
  const auto first = static_cast<size_t>(axis);
  const size_t last = op.flatten_to_2d ? shape.size() : first + 1;
  const int64_t outer = product(shape, 0, first);
  const int64_t length = product(shape, first, last);
  const int64_t inner = product(shape, last, shape.size());
  Array y(DataType::kFloat32, shape);
  const float* in = x.data<float>().data();
  float* out = y.mutable_data<float>().data();
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      const int64_t offset = o * length * inner + i;
      softmax_line(in + offset, out + offset, length, inner, op.logarithm);
    }
  }
  return y;
}

}  // namespace arco::reference
