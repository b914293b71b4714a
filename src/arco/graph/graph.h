// The one graph type of ARCO: float after import, int8/int32 after quantisation, always in topological order.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace arco {

class ErrorList;

enum class DataType { kFloat32, kInt8, kUint8, kInt32, kInt64, kBool };
const char* to_string(DataType type);
size_t byte_size(DataType type);

using Shape = std::vector<int64_t>;
int64_t element_count(const Shape& shape);
std::string to_string(const Shape& shape);  // "1x3x224x224"

// Larger tensors are refused with a UserError: no network that fits an accelerator has them, and products of
// dimensions and strides stay far from overflow.
constexpr int64_t kMaxElements = int64_t{1} << 31;
// All dimensions positive and at most kMaxElements elements; never overflows.
bool is_reasonable(const Shape& shape);

// A dense row-major array. Copies share the bytes; `mutable_data` is for the one who just made it.
class Array {
 public:
  Array() = default;
  Array(DataType type, Shape shape);  // zero-filled

  template <typename T>
  static Array of(Shape shape, const std::vector<T>& values);

  DataType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  int64_t size() const { return element_count(shape_); }
  // Same bytes under another shape of the same element count.
  Array reshaped(Shape shape) const;

  template <typename T>
  std::span<const T> data() const;
  template <typename T>
  std::span<T> mutable_data();
  std::span<const uint8_t> bytes() const { return {bytes_->data(), bytes_->size()}; }
  std::span<uint8_t> mutable_bytes() { return {bytes_->data(), bytes_->size()}; }

 private:
  DataType type_ = DataType::kFloat32;
  Shape shape_;
  std::shared_ptr<std::vector<uint8_t>> bytes_ = std::make_shared<std::vector<uint8_t>>();
};

using TensorId = int;
constexpr TensorId kNoTensor = -1;

// Quantised tensors hold round(real * 2^exponent): exponent 4 means steps of 1/16.
struct Tensor {
  std::string name;
  DataType type = DataType::kFloat32;
  Shape shape;                    // all dimensions known and positive after shape inference
  std::optional<Array> constant;  // weights and other known values
  int exponent = 0;               // only meaningful for int8 and int32 tensors of a quantised graph
};

// ---- Operators: one attribute struct each. Inputs are listed in order; [x] may be kNoTensor. ----

// The output range of a fused activation: ReLU is {0, inf}.
struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  bool is_identity() const {
    return low == -std::numeric_limits<float>::infinity() && high == std::numeric_limits<float>::infinity();
  }
};

// How an int32 accumulator becomes int8 (vta-isa 5.7). Present on nodes of a quantised graph. The operator's exact
// int32 result `acc` (wrapping) is built first:
//   Conv, Dense:  acc = (residual << residual_shift) + sum x*w + bias
//   Add:          acc = (a << shift_a) + (b << shift_b)          (left shifts; one of them is 0)
//   MaxPool:      acc = max x;       AveragePool: acc = (sum x) * multiplier
// then y = clamp((acc + rounding) >> shift, low, high), rounding = shift > 0 ? 2^(shift-1) : 0; shift < 0: acc <<
// -shift.
struct Requantize {
  int shift = 0;
  int32_t low = -127;
  int32_t high = 127;
  int residual_shift = 0;               // Conv, Dense with a residual
  std::array<int, 2> add_shifts{0, 0};  // Add
  int32_t multiplier = 1;               // AveragePool: fits in 15 bits, positive
};

// Inputs: x [N,CI,H,W], w [CO,CI/groups,KH,KW], [bias CO], [residual N,CO,OH,OW]. Output [N,CO,OH,OW].
struct Conv {
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> dilations{1, 1};
  std::array<int64_t, 4> pads{0, 0, 0, 0};  // top, left, bottom, right (>= 0)
  int64_t groups = 1;
  Clamp clamp;  // applied last, after the residual
};
// Inputs: x [N,I] or any [N,...] of I elements per row (row-major), w [O,I], [bias O], [residual N,O]. Output [N,O].
struct Dense {
  Clamp clamp;
};
// Inputs: x [N,C,...], scale [C], bias [C], mean [C], variance [C].
struct BatchNorm {
  float epsilon = 1e-5F;
};
// Inputs: a, b with numpy broadcasting. Output clamp for fusion.
struct Add {
  Clamp clamp;
};
// Input: x. ReLU is {0, inf}.
struct Clip {
  Clamp clamp;
};
// Input: x [N,C,H,W]. Average pooling divides by the window's size, or by its inside part unless count_include_pad.
struct Pool {
  enum class Kind { kMax, kAverage } kind = Kind::kMax;
  std::array<int64_t, 2> kernel{1, 1};
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> dilations{1, 1};
  std::array<int64_t, 4> pads{0, 0, 0, 0};
  bool ceil_mode = false;
  bool count_include_pad = false;
  bool global = false;  // kernel is the whole plane; resolved to a plain window by passes/
  Clamp clamp;
};
// Input: x. Output has the shape stored on the output tensor.
struct Reshape {
  Shape target;  // as in ONNX: 0 keeps the dimension, one -1 is inferred
};
struct Flatten {
  int64_t axis = 1;
};
struct Lrn {
  int64_t size = 5;
  float alpha = 1e-4F;
  float beta = 0.75F;
  float bias = 1.0F;
};
struct Softmax {
  int64_t axis = -1;
  bool flatten_to_2d = false;  // opsets before 13: softmax over all dimensions from `axis` on
};
struct Concat {
  int64_t axis = 1;
};
struct Identity {};  // also Dropout at inference
// Inputs: a [M,K] (or [...,M,K]), b [K,N] (or [...,K,N]); alpha, beta and transpositions of Gemm with input c
// [broadcast].
struct MatMul {
  bool transpose_a = false;
  bool transpose_b = false;
  float alpha = 1;
  float beta = 1;
};
// Input: x. perm as in ONNX (empty: reversed).
struct Transpose {
  std::vector<int64_t> perm;
};
// Input: x [N,C,H,W]. Output [N,C*kernel,H,OW]: channel c*kernel+k, column j is x's channel c, column
// j*stride + k*dilation - pads[0] (zero outside), so that a convolution over columns needs no window in them.
struct UnfoldColumns {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  std::array<int64_t, 2> pads{0, 0};  // left, right
};
// float -> int8 at the output tensor's exponent: clamp(round_half_away(x * 2^e), -127, 127); and back.
struct Quantize {};
struct Dequantize {};

using Op = std::variant<Conv, Dense, BatchNorm, Add, Clip, Pool, Reshape, Flatten, Lrn, Softmax, Concat, Identity,
                        MatMul, Transpose, UnfoldColumns, Quantize, Dequantize>;
const char* op_name(const Op& op);  // "Conv", "Dense", ...

struct Node {
  std::string name;
  Op op;
  std::vector<TensorId> inputs;  // kNoTensor where an optional one is absent
  std::vector<TensorId> outputs;
  std::optional<Requantize> requantize;  // set: integer arithmetic
};

// Nodes are in topological order; every tensor is produced by at most one node, is a graph input, or is a constant.
class Graph {
 public:
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;
  std::vector<TensorId> inputs;  // without constants
  std::vector<TensorId> outputs;

  TensorId add_tensor(Tensor tensor);
  TensorId add_constant(std::string tensor_name, Array value);
  const Tensor& tensor(TensorId id) const { return tensors[static_cast<size_t>(id)]; }
  Tensor& tensor(TensorId id) { return tensors[static_cast<size_t>(id)]; }

  // For each tensor the index of the node that makes it, or -1; and the nodes that read it, in order.
  std::vector<int> producers() const;
  std::vector<std::vector<int>> consumers() const;

  // Checks the invariants above (ids in range, order, single producer); throws InternalError.
  void check() const;
};

// Sets type and shape of every tensor from the inputs and attributes. Lists every node whose inputs do not fit
// (UserError naming node, operator, shapes).
void infer_shapes(Graph& graph);

// The same for one node whose inputs already have their shapes; problems are added to `errors` and the outputs keep
// what they had. Returns whether the outputs are now known.
bool infer_node_shapes(Graph& graph, const Node& node, ErrorList& errors);

// Output extent of a window operator: floor((in + pads - (dilation*(kernel-1)+1)) / stride) + 1, or ceil with the ONNX
// rule that the last window starts inside the input or its left padding. 0 if the window does not fit.
int64_t window_output(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad_begin, int64_t pad_end,
                      bool ceil_mode);

// One line a node: name, op, attributes that differ from the default, input and output shapes.
std::string to_text(const Graph& graph);

// ---- details ----

template <typename T>
constexpr DataType data_type_of();
template <>
constexpr DataType data_type_of<float>() {
  return DataType::kFloat32;
}
template <>
constexpr DataType data_type_of<int8_t>() {
  return DataType::kInt8;
}
template <>
constexpr DataType data_type_of<uint8_t>() {
  return DataType::kUint8;
}
template <>
constexpr DataType data_type_of<int32_t>() {
  return DataType::kInt32;
}
template <>
constexpr DataType data_type_of<int64_t>() {
  return DataType::kInt64;
}

// Throws InternalError unless `actual` is `expected`.
void check_type(DataType actual, DataType expected);

template <typename T>
std::span<const T> Array::data() const {
  check_type(type_, data_type_of<T>());
  return {reinterpret_cast<const T*>(bytes_->data()), bytes_->size() / sizeof(T)};
}
template <typename T>
std::span<T> Array::mutable_data() {
  check_type(type_, data_type_of<T>());
  return {reinterpret_cast<T*>(bytes_->data()), bytes_->size() / sizeof(T)};
}
template <typename T>
Array Array::of(Shape shape, const std::vector<T>& values) {
  Array array(data_type_of<T>(), std::move(shape));
  auto out = array.mutable_data<T>();
  for (size_t i = 0; i < values.size() && i < out.size(); ++i) out[i] = values[i];
  return array;
}

}  // namespace arco
