// Every input pixel adds its weights to a window of the output:
//   y[n, co, ih * stride + kh * dilation - top, iw * stride + kw * dilation - left] += x[n,ci,ih,iw] * w[ci,co,kh,kw]
#include <algorithm>

#include "arco/base/parallel.h"
#include "arco/reference/conv.h"

namespace arco::reference {
namespace {

// Adds one input plane under one kernel to the output plane `sums`.
void scatter(const ConvTranspose& op, const float* x, const Shape& xs, const float* w, const Shape& ws, const Shape& ys,
             double* sums) {
  for (int64_t kh = 0; kh < ws[2]; ++kh) {
    for (int64_t kw = 0; kw < ws[3]; ++kw) {
      const double weight = static_cast<double>(w[kh * ws[3] + kw]);
      for (int64_t ih = 0; ih < xs[2]; ++ih) {
        const int64_t oh = ih * op.strides[0] + kh * op.dilations[0] - op.pads[0];
        if (oh < 0 || oh >= ys[2]) continue;
        for (int64_t iw = 0; iw < xs[3]; ++iw) {
          const int64_t ow = iw * op.strides[1] + kw * op.dilations[1] - op.pads[1];
          if (ow >= 0 && ow < ys[3]) sums[oh * ys[3] + ow] += weight * static_cast<double>(x[ih * xs[3] + iw]);
        }
      }
    }
  }
}

}  // namespace

Array conv_transpose(const ConvTranspose& op, const Call& call) {
  const Shape& xs = call.input(0).shape();
  const Shape& ws = call.input(1).shape();
  const Shape& ys = call.output_shape;
  ARCO_CHECK(xs.size() == 4 && ws.size() == 4 && ys.size() == 4 && ws[0] == xs[1] && ys[1] == ws[1] * op.groups &&
                 xs[1] % op.groups == 0,
             "transposed convolution of {} by {} to {}", to_string(xs), to_string(ws), to_string(ys));
  const Array* bias = call.optional_input(2);
  const float* x = call.input(0).data<float>().data();
  const float* w = call.input(1).data<float>().data();
  Array y(DataType::kFloat32, ys);
  const auto out = y.mutable_data<float>();
  const int64_t inputs = xs[1] / op.groups;
  const int64_t plane = ys[2] * ys[3];
  parallel_for(static_cast<size_t>(ys[0] * ys[1]), 0, [&](size_t unit) {
    const int64_t n = static_cast<int64_t>(unit) / ys[1];
    const int64_t co = static_cast<int64_t>(unit) % ys[1];
    std::vector<double> sums(static_cast<size_t>(plane),
                             bias ? static_cast<double>(bias->data<float>()[static_cast<size_t>(co)]) : 0.0);
    for (int64_t i = 0; i < inputs; ++i) {
      const int64_t ci = co / ws[1] * inputs + i;
      scatter(op, x + (n * xs[1] + ci) * xs[2] * xs[3], xs, w + (ci * ws[1] + co % ws[1]) * ws[2] * ws[3], ws, ys,
              sums.data());
    }
    for (size_t p = 0; p < sums.size(); ++p) {
      out[unit * static_cast<size_t>(plane) + p] = apply(op.clamp, static_cast<float>(sums[p]));
    }
  });
  return y;
}

}  // namespace arco::reference
