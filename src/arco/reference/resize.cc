// ONNX Resize, separable: an output position i along a dimension lies at input coordinate
//   half_pixel (i + 0.5) / scale - 0.5      asymmetric i / scale      align_corners i * (in - 1) / (out - 1)
// and is the nearest element there, or the sum of the 2 (linear) or 4 (cubic convolution, Keys 1981) elements around
// it; beyond the edge the edge's element counts.
#include "arco/reference/resize.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "arco/reference/pick.h"

namespace arco::reference {
namespace {

double coordinate(Resize::Coordinates how, double i, double scale, int64_t in, int64_t out) {
  using enum Resize::Coordinates;
  switch (how) {
    case kHalfPixel:
      return (i + 0.5) / scale - 0.5;
    case kPytorchHalfPixel:
      return out > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case kAlignCorners: {
      // The exact extent, before it was rounded down: 2.4 for 4 elements scaled by 0.6.
      const double exact = static_cast<double>(in) * scale;
      const double extent = std::fabs(exact - static_cast<double>(out)) < 1e-3 ? static_cast<double>(out) : exact;
      return extent > 1 ? i * static_cast<double>(in - 1) / (extent - 1) : 0;
    }
    case kAsymmetric:
      return i / scale;
    case kHalfPixelForNearest:
      return (i + 0.5) / scale;
  }
  return i;
}

double rounded(Resize::Rounding how, double x) {
  using enum Resize::Rounding;
  switch (how) {
    case kRoundPreferFloor:
      return std::ceil(x - 0.5);
    case kRoundPreferCeil:
      return std::floor(x + 0.5);
    case kFloor:
      return std::floor(x);
    case kCeil:
      return std::ceil(x);
  }
  return x;
}

// Up to four neighbours and their weights.
struct Taps {
  std::array<int64_t, 4> index{};
  std::array<double, 4> weight{};
};

// Weights of the elements at distances 1 + r, r, 1 - r, 2 - r.
std::array<double, 4> cubic_weights(double r, double a) {
  const auto near = [&](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };       // |d| <= 1
  const auto far = [&](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };  // 1 < |d| < 2
  return {far(1 + r), near(r), near(1 - r), far(2 - r)};
}

Taps taps_at(const Resize& op, double x, int64_t in) {
  const double base = std::floor(x);
  const double ratio = x - base;
  Taps taps;
  if (op.mode == Resize::Mode::kLinear) {
    taps.weight = {0, 1 - ratio, ratio, 0};
  } else {
    taps.weight = cubic_weights(ratio, static_cast<double>(op.cubic_a));
  }
  double sum = 0;
  for (size_t k = 0; k < taps.index.size(); ++k) {
    const auto at = static_cast<int64_t>(base) - 1 + static_cast<int64_t>(k);
    if (op.exclude_outside && (at < 0 || at >= in)) taps.weight[k] = 0;
    taps.index[k] = std::clamp<int64_t>(at, 0, in - 1);
    sum += taps.weight[k];
  }
  if (op.exclude_outside && sum != 0) {
    for (double& weight : taps.weight) weight /= sum;
  }
  return taps;
}

// Resamples dimension `d` of values of shape `shape`, which becomes the result's.
std::vector<double> resampled(const Resize& op, const std::vector<double>& values, Shape& shape, size_t d) {
  const auto at = shape.begin() + static_cast<std::ptrdiff_t>(d);
  const int64_t outer = element_count(Shape(shape.begin(), at));
  const int64_t inner = element_count(Shape(at + 1, shape.end()));
  const int64_t in = shape[d];
  const int64_t out = op.sizes[d];
  std::vector<double> result(static_cast<size_t>(outer * out * inner));
  for (int64_t i = 0; i < out; ++i) {
    const double x = coordinate(op.coordinates, static_cast<double>(i), static_cast<double>(op.scales[d]), in, out);
    const Taps taps = taps_at(op, std::clamp(x, -2.0, static_cast<double>(in) + 1), in);
    for (int64_t o = 0; o < outer; ++o) {
      double* to = result.data() + (o * out + i) * inner;
      for (size_t k = 0; k < taps.index.size(); ++k) {
        if (taps.weight[k] == 0) continue;
        const double* from = values.data() + (o * in + taps.index[k]) * inner;
        for (int64_t c = 0; c < inner; ++c) to[c] += taps.weight[k] * from[c];
      }
    }
  }
  shape[d] = out;
  return result;
}

Array nearest(const Resize& op, const Array& x) {
  IndexMaps maps;
  for (size_t d = 0; d < x.shape().size(); ++d) {
    const int64_t in = x.shape()[d];
    const int64_t out = op.sizes[d];
    std::vector<int64_t> map(static_cast<size_t>(out));
    for (int64_t i = 0; i < out; ++i) {
      const double at = coordinate(op.coordinates, static_cast<double>(i), static_cast<double>(op.scales[d]), in, out);
      const double last = static_cast<double>(in - 1);
      map[static_cast<size_t>(i)] = static_cast<int64_t>(std::clamp(rounded(op.rounding, at), 0.0, last));
    }
    maps.push_back(std::move(map));
  }
  return pick(x, maps);
}

}  // namespace

Array resize(const Resize& op, const Call& call) {
  const Array& x = call.input(0);
  ARCO_CHECK(op.sizes == call.output_shape && op.scales.size() == op.sizes.size(), "resizing to {}",
             to_string(op.sizes));
  if (op.mode == Resize::Mode::kNearest) return nearest(op, x);
  Shape shape = x.shape();
  std::vector<double> values(x.data<float>().begin(), x.data<float>().end());
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] != op.sizes[d] || op.scales[d] != 1) values = resampled(op, values, shape, d);
  }
  Array y(DataType::kFloat32, shape);
  std::copy(values.begin(), values.end(), y.mutable_data<float>().begin());
  return y;
}

}  // namespace arco::reference
