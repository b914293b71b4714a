// Both copy bytes. Concat: for every index before the axis, the chunk of each input in turn. Transpose: output
// dimension d is input dimension perm[d]; an odometer over the output carries the input offset along.
#include "arco/reference/movement.h"

#include <algorithm>
#include <cstring>

namespace arco::reference {

Array concat(const Concat& op, const Call& call) {
  const DataType type = call.input(0).type();
  const auto rank = static_cast<int64_t>(call.output_shape.size());
  const int64_t axis = op.axis < 0 ? op.axis + rank : op.axis;
  ARCO_CHECK(axis >= 0 && axis < rank, "concatenation axis {} of shape {}", op.axis, to_string(call.output_shape));
  Array y(type, call.output_shape);
  const auto first = call.output_shape.begin();
  const auto outer = static_cast<size_t>(element_count(Shape(first, first + axis)));

  std::vector<size_t> chunks;  // bytes of each input per outer index
  size_t total = 0;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    ARCO_CHECK(call.input(i).type() == type, "concatenation of {} and {}", to_string(type),
               to_string(call.input(i).type()));
    chunks.push_back(outer == 0 ? 0 : call.input(i).bytes().size() / outer);
    total += chunks.back();
  }
  ARCO_CHECK(total * outer == y.bytes().size(), "concatenation to {}", to_string(call.output_shape));
  uint8_t* out = y.mutable_bytes().data();
  for (size_t o = 0; o < outer; ++o) {
    for (size_t i = 0; i < chunks.size(); ++i) {
      if (chunks[i] > 0) std::memcpy(out, call.input(i).bytes().data() + o * chunks[i], chunks[i]);
      out += chunks[i];
    }
  }
  return y;
}

Array unfold_columns(const UnfoldColumns& op, const Call& call) {
  const Array& x = call.input(0);
  const Shape& in = x.shape();
  Array y(x.type(), call.output_shape);
  const Shape& out = y.shape();
  ARCO_CHECK(in.size() == 4 && out.size() == 4 && out[1] == in[1] * op.kernel, "unfolding {} to {}", to_string(in),
             to_string(out));
  const auto width = static_cast<int64_t>(byte_size(x.type()));
  if (call.input_grid) {
    const auto bytes = y.mutable_bytes();
    std::fill(bytes.begin(), bytes.end(), static_cast<uint8_t>(call.input_grid->zero));  // a real 0
  }
  uint8_t* to = y.mutable_bytes().data();
  for (int64_t n = 0; n < out[0]; ++n) {
    for (int64_t c = 0; c < out[1]; ++c) {
      for (int64_t h = 0; h < out[2]; ++h) {
        const uint8_t* row = x.bytes().data() + ((n * in[1] + c / op.kernel) * in[2] + h) * in[3] * width;
        for (int64_t j = 0; j < out[3]; ++j, to += width) {
          const int64_t column = j * op.stride + c % op.kernel * op.dilation - op.pads[0];
          if (column >= 0 && column < in[3]) std::memcpy(to, row + column * width, static_cast<size_t>(width));
        }
      }
    }
  }
  return y;
}

Array transpose(const Transpose& op, const Call& call) {
  const Array& x = call.input(0);
  const size_t rank = x.shape().size();
  ARCO_CHECK(op.perm.empty() || op.perm.size() == rank, "transposition of shape {}", to_string(x.shape()));
  std::vector<int64_t> input_strides(rank, 1);
  for (size_t d = rank; d-- > 1;) input_strides[d - 1] = input_strides[d] * x.shape()[d];
  Shape shape(rank);
  std::vector<int64_t> strides(rank);
  for (size_t d = 0; d < rank; ++d) {
    const auto source = op.perm.empty() ? rank - 1 - d : static_cast<size_t>(op.perm[d]);
    shape[d] = x.shape().at(source);
    strides[d] = input_strides.at(source);
  }
  Array y(x.type(), shape);
  ARCO_CHECK(y.bytes().size() == x.bytes().size(), "transposition of {} to {}", to_string(x.shape()), to_string(shape));
  const size_t width = byte_size(x.type());
  const auto in = x.bytes();
  const auto out = y.mutable_bytes();
  std::vector<int64_t> coordinate(rank, 0);
  int64_t offset = 0;
  for (size_t i = 0; i < out.size(); i += width) {
    std::memcpy(out.data() + i, in.data() + static_cast<size_t>(offset) * width, width);
    for (size_t d = rank; d-- > 0;) {
      offset += strides[d];
      if (++coordinate[d] < shape[d]) break;
      offset -= strides[d] * shape[d];
      coordinate[d] = 0;
    }
  }
  return y;
}

}  // namespace arco::reference
