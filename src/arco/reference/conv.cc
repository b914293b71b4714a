// y[n,co,oh,ow] = clamp(sum over ci,kh,kw of w[co,ci,kh,kw] * x[n, ci, oh*sh - top + kh*dh, ow*sw - left + kw*dw]
//                       + bias[co] + residual[n,co,oh,ow]);  outside the input x is 0 (int8: zeros.pad).
//
// The output is made tile by tile: 64 neighbouring output positions (row-major over the plane) times up to 64 output
// channels of one image and group. The inputs that a tile needs are copied once into a patch matrix
//
//              position 0 .. 63
//   tap 0    [ x x x x ... x ]      tap = (ci, kh, kw) in the order of the weights
//   tap 1    [ x x 0 0 ... x ]      0 where the window stands on the padding
//   ...
//
// and every channel is then the sum over taps of (one weight) x (one row of the matrix): the same loop for float
// (double accumulator) and int8 (wrapping int32 accumulator).
#include "arco/reference/conv.h"

#include <algorithm>

#include "arco/base/parallel.h"

namespace arco::reference {
namespace {

constexpr int64_t kPositions = 64;
constexpr int64_t kChannels = 64;

struct Extents {
  int64_t n, ci, h, w;            // input; ci is that of one group
  int64_t co, kh, kw;             // weights; co is that of one group
  int64_t groups, oh, ow, taps;   // taps = ci * kh * kw
  int64_t tiles, channel_blocks;  // tiles of positions per plane, blocks of channels per group
};

Extents extents_of(const Conv& op, const Call& call) {
  const Shape& x = call.input(0).shape();
  const Shape& w = call.input(1).shape();
  const Shape& y = call.output_shape;
  ARCO_CHECK(x.size() == 4 && w.size() == 4 && y.size() == 4, "convolution of shapes {}, {}", to_string(x),
             to_string(w));
  ARCO_CHECK(op.groups >= 1 && w[1] * op.groups == x[1] && w[0] % op.groups == 0 && y[1] == w[0] && y[0] == x[0],
             "convolution of {} by {} in {} groups to {}", to_string(x), to_string(w), op.groups, to_string(y));
  Extents e{x[0], w[1], x[2], x[3], w[0] / op.groups, w[2], w[3], op.groups, y[2], y[3], 0, 0, 0};
  e.taps = e.ci * e.kh * e.kw;
  e.tiles = (e.oh * e.ow + kPositions - 1) / kPositions;
  e.channel_blocks = (e.co + kChannels - 1) / kChannels;
  return e;
}

// Operand: the type of the patch matrix, wide enough for vector multiplication. Acc: the accumulator.
struct FloatArithmetic {
  using Element = float;
  using Operand = float;
  using Acc = double;
  static void add_product(Acc& acc, Operand w, Operand x) { acc += static_cast<double>(w) * static_cast<double>(x); }
};
struct IntArithmetic {
  using Element = int8_t;
  using Operand = int16_t;
  using Acc = uint32_t;  // unsigned: wraps
  static void add_product(Acc& acc, Operand w, Operand x) { acc += static_cast<uint32_t>(int32_t{w} * int32_t{x}); }
};

struct WideArithmetic {
  using Element = int32_t;
  using Operand = int32_t;
  using Acc = uint32_t;
  static void add_product(Acc& acc, Operand w, Operand x) {
    acc += static_cast<uint32_t>(w) * static_cast<uint32_t>(x);
  }
};

// Fills the row of one tap: `plane` is the input channel, positions first .. first + 63 of the output plane.
template <typename Element, typename Operand>
void gather_row(const Conv& op, const Extents& e, const Element* plane, int64_t kh, int64_t kw, int64_t first,
                Operand outside, Operand* row) {
  std::fill(row, row + kPositions, outside);
  const int64_t last = std::min(first + kPositions, e.oh * e.ow);
  int64_t oh = first / e.ow;
  int64_t ow = first % e.ow;
  for (int64_t p = first; p < last; ++p) {
    const int64_t ih = oh * op.strides[0] - op.pads[0] + kh * op.dilations[0];
    const int64_t iw = ow * op.strides[1] - op.pads[1] + kw * op.dilations[1];
    if (ih >= 0 && ih < e.h && iw >= 0 && iw < e.w) row[p - first] = static_cast<Operand>(plane[ih * e.w + iw]);
    if (++ow == e.ow) {
      ow = 0;
      ++oh;
    }
  }
}

template <typename A>
void accumulate(const typename A::Operand* patches, const typename A::Element* weights, int64_t taps,
                typename A::Acc* acc) {
  std::fill(acc, acc + kPositions, typename A::Acc{0});
  for (int64_t tap = 0; tap < taps; ++tap) {
    const typename A::Operand w = weights[tap];
    const typename A::Operand* row = patches + tap * kPositions;
    for (int64_t p = 0; p < kPositions; ++p) A::add_product(acc[p], w, row[p]);
  }
}

// Calls finish(flat output index, channel, accumulator) for every output element, in parallel over tiles.
template <typename A, typename Finish>
void for_each_output(const Conv& op, const Call& call, const Extents& e, const Finish& finish) {
  const auto x = call.input(0).data<typename A::Element>();
  const auto w = call.input(1).data<typename A::Element>();
  const auto units = static_cast<size_t>(e.n * e.groups * e.tiles * e.channel_blocks);
  parallel_for(units, 0, [&](size_t unit) {
    auto rest = static_cast<int64_t>(unit);
    const int64_t block = rest % e.channel_blocks;
    const int64_t tile = (rest /= e.channel_blocks) % e.tiles;
    const int64_t group = (rest /= e.tiles) % e.groups;
    const int64_t n = rest / e.groups;

    const int64_t first = tile * kPositions;
    const auto outside = static_cast<typename A::Operand>(call.requantize ? call.requantize->zeros.pad : 0);
    std::vector<typename A::Operand> patches(static_cast<size_t>(e.taps * kPositions));
    for (int64_t tap = 0; tap < e.taps; ++tap) {
      const int64_t channel = group * e.ci + tap / (e.kh * e.kw);
      gather_row(op, e, x.data() + (n * e.groups * e.ci + channel) * e.h * e.w, tap / e.kw % e.kh, tap % e.kw, first,
                 outside, patches.data() + tap * kPositions);
    }
    typename A::Acc acc[kPositions];
    for (int64_t c = block * kChannels; c < std::min(e.co, (block + 1) * kChannels); ++c) {
      const int64_t co = group * e.co + c;
      accumulate<A>(patches.data(), w.data() + co * e.taps, e.taps, acc);
      const int64_t plane = (n * e.groups * e.co + co) * e.oh * e.ow;
      for (int64_t p = first; p < std::min(first + kPositions, e.oh * e.ow); ++p) {
        finish(static_cast<size_t>(plane + p), static_cast<size_t>(co), acc[p - first]);
      }
    }
  });
}

Array float_conv(const Conv& op, const Call& call, const Extents& e) {
  const Array* bias = call.optional_input(2);
  const Array* residual = call.optional_input(3);
  const auto b = bias ? bias->data<float>() : std::span<const float>();
  const auto r = residual ? residual->data<float>() : std::span<const float>();
  Array y(DataType::kFloat32, call.output_shape);
  const auto out = y.mutable_data<float>();
  for_each_output<FloatArithmetic>(op, call, e, [&](size_t i, size_t co, double acc) {
    if (!b.empty()) acc += static_cast<double>(b[co]);
    if (!r.empty()) acc += static_cast<double>(r[i]);
    out[i] = apply(op.clamp, static_cast<float>(acc));
  });
  return y;
}

Array int_conv(const Conv& op, const Call& call, const Extents& e) {
  const Requantize& scale = *call.requantize;
  const Array* bias = call.optional_input(2);
  const Array* residual = call.optional_input(3);
  const auto b = bias ? bias->data<int32_t>() : std::span<const int32_t>();
  const auto r = residual ? residual->data<int8_t>() : std::span<const int8_t>();
  Array y(DataType::kInt8, call.output_shape);
  const auto out = y.mutable_data<int8_t>();
  for_each_output<IntArithmetic>(op, call, e, [&](size_t i, size_t co, uint32_t sum) {
    auto acc = static_cast<int32_t>(sum);
    if (!b.empty()) acc = wrap_add(acc, b[co]);
    if (!r.empty()) acc = wrap_add(acc, scale_residual(r[i], scale, co));
    out[i] = requantize(acc, scale, co);
  });
  return y;
}

// int32 operands and result, wrapping; nothing is requantised.
Array wide_conv(const Conv& op, const Call& call, const Extents& e) {
  const Array* bias = call.optional_input(2);
  const Array* residual = call.optional_input(3);
  const auto b = bias ? bias->data<int32_t>() : std::span<const int32_t>();
  const auto r = residual ? residual->data<int32_t>() : std::span<const int32_t>();
  ARCO_CHECK(op.clamp.is_identity(), "int32 convolution with an activation");
  Array y(DataType::kInt32, call.output_shape);
  const auto out = y.mutable_data<int32_t>();
  for_each_output<WideArithmetic>(op, call, e, [&](size_t i, size_t co, uint32_t sum) {
    auto acc = static_cast<int32_t>(sum);
    if (!b.empty()) acc = wrap_add(acc, b[co]);
    if (!r.empty()) acc = wrap_add(acc, r[i]);
    out[i] = acc;
  });
  return y;
}

}  // namespace

Array conv(const Conv& op, const Call& call) {
  const Extents e = extents_of(op, call);
  if (const Array* bias = call.optional_input(2)) {
    ARCO_CHECK(bias->size() == e.co * e.groups, "bias of {} for {} channels", bias->size(), e.co * e.groups);
  }
  if (const Array* residual = call.optional_input(3)) {
    ARCO_CHECK(residual->shape() == call.output_shape, "residual of shape {}", to_string(residual->shape()));
  }
  if (call.requantize) return int_conv(op, call, e);
  return call.input(0).type() == DataType::kInt32 ? wide_conv(op, call, e) : float_conv(op, call, e);
}

}  // namespace arco::reference
