// Dense:  y[n,o] = clamp(sum over i of x[n,i] * w[o,i] + bias[o] + residual[n,o]).
// MatMul: y = alpha * op(a) op(b) + beta * c over the last two dimensions; leading dimensions broadcast (ONNX MatMul,
// Gemm). Float products are summed in double, integer ones in a wrapping int32.
#include "arco/reference/dense.h"

#include <algorithm>

#include "arco/base/parallel.h"
#include "arco/reference/broadcast.h"

namespace arco::reference {
namespace {

double dot(const float* a, const float* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

int32_t dot(const int8_t* a, const int8_t* b, int64_t count) {
  uint32_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<uint32_t>(int32_t{a[i]} * int32_t{b[i]});
  return static_cast<int32_t>(sum);
}

// Calls finish(flat output index, output channel, sum) for every output element.
template <typename Element, typename Finish>
void for_each_output(const Call& call, const Finish& finish) {
  const Array& x = call.input(0);
  const Array& w = call.input(1);
  const int64_t outputs = w.shape()[0];
  const int64_t length = w.shape()[1];
  const int64_t rows = call.output_shape[0];
  const auto* px = x.data<Element>().data();
  const auto* pw = w.data<Element>().data();
  parallel_for(static_cast<size_t>(outputs), 0, [&](size_t o) {
    for (int64_t n = 0; n < rows; ++n) {
      const auto sum = dot(px + n * length, pw + static_cast<int64_t>(o) * length, length);
      finish(static_cast<size_t>(n * outputs) + o, o, sum);
    }
  });
}

void check_dense(const Call& call) {
  const Shape& w = call.input(1).shape();
  const Shape& y = call.output_shape;
  ARCO_CHECK(w.size() == 2 && y.size() == 2 && y[1] == w[0] && call.input(0).size() == y[0] * w[1],
             "dense layer of {} by {} to {}", to_string(call.input(0).shape()), to_string(w), to_string(y));
  if (const Array* bias = call.optional_input(2)) {
    ARCO_CHECK(bias->size() == w[0], "bias of {} for {} outputs", bias->size(), w[0]);
  }
  if (const Array* residual = call.optional_input(3)) {
    ARCO_CHECK(residual->shape() == y, "residual of shape {}", to_string(residual->shape()));
  }
}

// Rows, columns and element strides of a matrix operand after its transposition; vectors become matrices.
struct Matrix {
  int64_t rows, columns, row_stride, column_stride;
  Shape batch;  // leading dimensions
};

Matrix matrix_of(const Shape& shape, bool transpose, bool is_left) {
  if (shape.size() == 1) return is_left ? Matrix{1, shape[0], shape[0], 1, {}} : Matrix{shape[0], 1, 1, 1, {}};
  ARCO_CHECK(shape.size() >= 2, "matrix product of a scalar");
  const int64_t rows = shape[shape.size() - 2];
  const int64_t columns = shape.back();
  const Shape batch(shape.begin(), shape.end() - 2);
  if (transpose) return {columns, rows, 1, columns, batch};
  return {rows, columns, columns, 1, batch};
}

// The common leading shape of two operands by numpy broadcasting.
Shape broadcast_batch(const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (const Shape* shape : {&a, &b}) {
    for (size_t i = 0; i < shape->size(); ++i) {
      int64_t& extent = result[result.size() - shape->size() + i];
      if ((*shape)[i] != 1) extent = (*shape)[i];
    }
  }
  return result;
}

// alpha * a b for floats, summed in double.
void store(const std::vector<double>& sums, float alpha, float* out) {
  for (size_t j = 0; j < sums.size(); ++j) out[j] = static_cast<float>(static_cast<double>(alpha) * sums[j]);
}
// Integers wrap and know no alpha.
void store(const std::vector<uint32_t>& sums, float /*alpha*/, int32_t* out) {
  for (size_t j = 0; j < sums.size(); ++j) out[j] = static_cast<int32_t>(sums[j]);
}

// One product of matrices, row by row: every row of b is scaled and added to a row of sums.
template <typename Acc, typename T>
void multiply(const Matrix& a, const T* pa, const Matrix& b, const T* pb, float alpha, T* out) {
  std::vector<Acc> sums(static_cast<size_t>(b.columns));
  for (int64_t i = 0; i < a.rows; ++i) {
    std::fill(sums.begin(), sums.end(), Acc{0});
    for (int64_t k = 0; k < a.columns; ++k) {
      const auto left = static_cast<Acc>(pa[i * a.row_stride + k * a.column_stride]);
      for (int64_t j = 0; j < b.columns; ++j) {
        sums[static_cast<size_t>(j)] += left * static_cast<Acc>(pb[k * b.row_stride + j * b.column_stride]);
      }
    }
    store(sums, alpha, out + i * b.columns);
  }
}

template <typename Acc, typename T>
Array product(const MatMul& op, const Call& call, const Matrix& a, const Matrix& b, const Shape& batch) {
  const auto ia = broadcast_indices(a.batch, batch);
  const auto ib = broadcast_indices(b.batch, batch);
  const T* pa = call.input(0).data<T>().data();
  const T* pb = call.input(1).data<T>().data();
  Array y(data_type_of<T>(), call.output_shape);
  const auto out = y.mutable_data<T>();
  parallel_for(ia.size(), 0, [&](size_t m) {
    multiply<Acc>(a, pa + static_cast<int64_t>(ia[m]) * a.rows * a.columns, b,
                  pb + static_cast<int64_t>(ib[m]) * b.rows * b.columns, op.alpha,
                  out.data() + static_cast<int64_t>(m) * a.rows * b.columns);
  });
  return y;
}

}  // namespace

Array dense(const Dense& op, const Call& call) {
  check_dense(call);
  const Array* bias = call.optional_input(2);
  const Array* residual = call.optional_input(3);
  if (call.requantize) {
    const Requantize& scale = *call.requantize;
    Array y(DataType::kInt8, call.output_shape);
    const auto out = y.mutable_data<int8_t>();
    for_each_output<int8_t>(call, [&](size_t i, size_t o, int32_t acc) {
      if (bias) acc = wrap_add(acc, bias->data<int32_t>()[o]);
      if (residual) acc = wrap_add(acc, scale_residual(residual->data<int8_t>()[i], scale, o));
      out[i] = requantize(acc, scale, o);
    });
    return y;
  }
  Array y(DataType::kFloat32, call.output_shape);
  const auto out = y.mutable_data<float>();
  for_each_output<float>(call, [&](size_t i, size_t o, double acc) {
    if (bias) acc += static_cast<double>(bias->data<float>()[o]);
    if (residual) acc += static_cast<double>(residual->data<float>()[i]);
    out[i] = apply(op.clamp, static_cast<float>(acc));
  });
  return y;
}

Array matmul(const MatMul& op, const Call& call) {
  const Matrix a = matrix_of(call.input(0).shape(), op.transpose_a, true);
  const Matrix b = matrix_of(call.input(1).shape(), op.transpose_b, false);
  ARCO_CHECK(a.columns == b.rows, "matrix product of {} by {}", to_string(call.input(0).shape()),
             to_string(call.input(1).shape()));
  const Shape batch = broadcast_batch(a.batch, b.batch);
  ARCO_CHECK(element_count(batch) * a.rows * b.columns == element_count(call.output_shape),
             "matrix product of {} by {} to {}", to_string(call.input(0).shape()), to_string(call.input(1).shape()),
             to_string(call.output_shape));
  if (call.input(0).type() == DataType::kInt32) return product<uint32_t, int32_t>(op, call, a, b, batch);
  Array y = product<double, float>(op, call, a, b, batch);
  const auto out = y.mutable_data<float>();
  if (const Array* c = call.optional_input(2)) {
    const auto ic = broadcast_indices(c->shape(), call.output_shape);
    const auto pc = c->data<float>();
    for (size_t i = 0; i < out.size(); ++i) out[i] += op.beta * pc[ic[i]];
  }
  return y;
}

}  // namespace arco::reference
