// Every window is walked cell by cell. Its cells fall into three zones:
//
//     +--------------------+  padding: counts in the divisor only with count_include_pad, adds 0,
//     |   +----------+     |           is ignored by the maximum
//     |   |  input   |     |
//     |   +----------+     |
//     +--------------------+  beyond (ceil_mode only): never counts
#include "arco/reference/pool.h"

#include <algorithm>

#include "arco/base/parallel.h"

namespace arco::reference {
namespace {

// The cells of one window along one axis that lie in the input, and how many lie in input or padding.
struct Span {
  int64_t begin = 0;  // first input coordinate inside
  int64_t inside = 0;
  int64_t padded = 0;
};

Span span_of(int64_t out, int64_t extent, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad_begin,
             int64_t pad_end) {
  Span span;
  for (int64_t k = 0; k < kernel; ++k) {
    const int64_t at = out * stride - pad_begin + k * dilation;
    if (at < extent + pad_end) ++span.padded;
    if (at < 0 || at >= extent) continue;
    if (span.inside == 0) span.begin = at;
    ++span.inside;
  }
  return span;
}

struct Spans {
  std::vector<Span> rows, columns;
};

// A global pool is one window over the plane.
Pool resolved(Pool op, int64_t h, int64_t w) {
  if (!op.global) return op;
  op.kernel = {h, w};
  op.strides = {1, 1};
  op.dilations = {1, 1};
  op.pads = {0, 0, 0, 0};
  return op;
}

Spans spans_of(const Pool& op, int64_t h, int64_t w, int64_t oh, int64_t ow) {
  Spans spans;
  for (int64_t i = 0; i < oh; ++i) {
    spans.rows.push_back(span_of(i, h, op.kernel[0], op.strides[0], op.dilations[0], op.pads[0], op.pads[2]));
  }
  for (int64_t i = 0; i < ow; ++i) {
    spans.columns.push_back(span_of(i, w, op.kernel[1], op.strides[1], op.dilations[1], op.pads[1], op.pads[3]));
  }
  return spans;
}

int64_t divisor(const Pool& op, const Span& row, const Span& column) {
  return op.count_include_pad ? row.padded * column.padded : row.inside * column.inside;
}

// visit(plane, row, column, flat output index) for every window.
template <typename Element, typename Reduce>
Array for_each_window(const Pool& op, const Call& call, const Reduce& reduce) {
  const Array& x = call.input(0);
  const Shape& in = x.shape();
  const Shape& out_shape = call.output_shape;
  ARCO_CHECK(in.size() == 4 && out_shape.size() == 4 && in[0] == out_shape[0] && in[1] == out_shape[1],
             "pooling of {} to {}", to_string(in), to_string(out_shape));
  const Spans spans = spans_of(op, in[2], in[3], out_shape[2], out_shape[3]);
  Array y(data_type_of<Element>(), out_shape);
  const auto out = y.mutable_data<Element>();
  const Element* data = x.data<Element>().data();
  parallel_for(static_cast<size_t>(in[0] * in[1]), 0, [&](size_t plane) {
    size_t i = plane * spans.rows.size() * spans.columns.size();
    for (const Span& row : spans.rows) {
      for (const Span& column : spans.columns) {
        out[i++] = reduce(data + static_cast<int64_t>(plane) * in[2] * in[3], row, column);
      }
    }
  });
  return y;
}

template <typename Element, typename Acc, typename Combine>
Acc fold(const Pool& op, const Element* plane, int64_t width, const Span& row, const Span& column, Acc acc,
         const Combine& combine) {
  for (int64_t r = 0; r < row.inside; ++r) {
    const Element* line = plane + (row.begin + r * op.dilations[0]) * width + column.begin;
    for (int64_t c = 0; c < column.inside; ++c) acc = combine(acc, line[c * op.dilations[1]]);
  }
  return acc;
}

Array float_pool(const Pool& op, const Call& call, int64_t width) {
  if (op.kind == Pool::Kind::kMax) {
    return for_each_window<float>(op, call, [&](const float* plane, const Span& row, const Span& column) {
      const float lowest = -std::numeric_limits<float>::infinity();
      return apply(op.clamp, fold(op, plane, width, row, column, lowest,
                                  [](float acc, float x) { return x > acc || x != x ? x : acc; }));
    });
  }
  return for_each_window<float>(op, call, [&](const float* plane, const Span& row, const Span& column) {
    const double sum =
        fold(op, plane, width, row, column, 0.0, [](double acc, float x) { return acc + static_cast<double>(x); });
    const int64_t count = divisor(op, row, column);
    return apply(op.clamp, count == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(count)));
  });
}

// The maximum of integers as they are.
template <typename T>
Array plain_max_pool(const Pool& op, const Call& call, int64_t width) {
  ARCO_CHECK(op.clamp.is_identity(), "integer pooling with an activation");
  return for_each_window<T>(op, call, [&](const T* plane, const Span& row, const Span& column) {
    return fold(op, plane, width, row, column, std::numeric_limits<T>::min(),
                [](T acc, T x) { return std::max(acc, x); });
  });
}

Array int_pool(const Pool& op, const Call& call, int64_t width) {
  const Requantize& scale = *call.requantize;
  if (op.kind == Pool::Kind::kMax) {
    return for_each_window<int8_t>(op, call, [&](const int8_t* plane, const Span& row, const Span& column) {
      return requantize(fold(op, plane, width, row, column, int32_t{-128},
                             [](int32_t acc, int8_t x) { return std::max(acc, int32_t{x}); }),
                        scale);
    });
  }
  return for_each_window<int8_t>(op, call, [&](const int8_t* plane, const Span& row, const Span& column) {
    const int64_t outside = row.padded * column.padded - row.inside * column.inside;
    const int32_t padding = wrap_multiply(static_cast<int32_t>(outside), scale.zeros.pad);
    const int32_t sum =
        fold(op, plane, width, row, column, padding, [](int32_t acc, int8_t x) { return wrap_add(acc, x); });
    return requantize(wrap_multiply(sum, scale.multiplier), scale);
  });
}

}  // namespace

Array pool(const Pool& op, const Call& call) {
  const Shape& in = call.input(0).shape();
  ARCO_CHECK(in.size() == 4, "pooling of shape {}", to_string(in));
  const Pool window = resolved(op, in[2], in[3]);
  if (call.requantize) return int_pool(window, call, in[3]);
  if (call.input(0).type() == DataType::kInt8) return plain_max_pool<int8_t>(window, call, in[3]);
  if (call.input(0).type() == DataType::kUint8) return plain_max_pool<uint8_t>(window, call, in[3]);
  return float_pool(window, call, in[3]);
}

int64_t uniform_divisor(const Pool& op, int64_t h, int64_t w, int64_t oh, int64_t ow) {
  const Pool window = resolved(op, h, w);
  const Spans spans = spans_of(window, h, w, oh, ow);
  const int64_t first = divisor(window, spans.rows.at(0), spans.columns.at(0));
  for (const Span& row : spans.rows) {
    for (const Span& column : spans.columns) {
      if (divisor(window, row, column) != first) return 0;
    }
  }
  return first;
}

}  // namespace arco::reference
