// The operators of the graph: one attribute struct each, and how an integer accumulator becomes int8.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <variant>
#include <vector>

#include "arco/graph/array.h"

namespace arco {

// Inputs are listed in order; [x] may be kNoTensor.

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
//   Conv, Dense:  acc = (residual << residual_shift) + sum x*w + bias      (x outside of the input: zeros.pad)
//   Add:          acc = (a << shift_a) + (b << shift_b)                    (left shifts; one of them is 0)
//                 with add_scales: acc = (a * multipliers[0] + b * multipliers[1]) >> add_scales->shift
//   MaxPool:      acc = max x;       AveragePool: acc = (sum x) * multiplier   (x in the padding: zeros.pad)
// then y = clamp((acc + zeros.offset + rounding) >> shift, low, high), rounding = shift > 0 ? 2^(shift-1) : 0;
// shift < 0: acc << -shift, and no offset.
//
// Conv and Dense with `channels` have a scale for each output channel c, with m = multipliers[c], and
// t = shift + channels->shift (docs/quantisation.md), z = zeros.output:
//   acc = ((residual * residual_multipliers[c]) << residual_shift) + sum x*w + bias
//   a   = (acc + o) >> shift,  o = floor((2^(t-1) + z * 2^t + floor(m / 2)) / m) + (shift > 0 ? 2^(shift-1) : 0)
//   y   = clamp((a * m) >> channels->shift, low, high)
// all modulo 2^32, so that a half rounds up at the precision of `a`.
struct ChannelRequantize {
  std::vector<int32_t> multipliers;           // in [1, 32767]
  std::vector<int32_t> residual_multipliers;  // the same; empty without a residual
  int shift = 1;                              // in [1, 31]
  bool operator==(const ChannelRequantize&) const = default;
};
struct AddScales {
  std::array<int32_t, 2> multipliers{1, 1};  // of the operands, in [0, 32767]
  int shift = 0;                             // of their sum, in [0, 31]
  bool operator==(const AddScales&) const = default;
};
// What zero points of the tensors around a node leave to do; those of operands with weights are in the bias.
struct ZeroPoints {
  int32_t output = 0;  // with channels
  int32_t offset = 0;  // Add, AveragePool
  int32_t pad = 0;     // Conv, AveragePool: the integer of a real 0 around the input, 0 or -128
  bool operator==(const ZeroPoints&) const = default;
};
struct Requantize {
  int shift = 0;
  int32_t low = -127;
  int32_t high = 127;
  int residual_shift = 0;                                    // Conv, Dense with a residual
  std::array<int, 2> add_shifts{0, 0};                       // Add
  int32_t multiplier = 1;                                    // AveragePool: fits in 15 bits, positive
  std::optional<ChannelRequantize> channels = std::nullopt;  // Conv, Dense
  std::optional<AddScales> add_scales = std::nullopt;        // Add: instead of add_shifts
  ZeroPoints zeros = {};
};

// Inputs: x [N,CI,H,W], w [CO,CI/groups,KH,KW], [bias CO], [residual N,CO,OH,OW]. Output [N,CO,OH,OW].
struct Conv {
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> dilations{1, 1};
  std::array<int64_t, 4> pads{0, 0, 0, 0};  // top, left, bottom, right (>= 0)
  int64_t groups = 1;
  Clamp clamp;  // applied last, after the residual
};
// Inputs: x [N,CI,H,W], w [CI,CO/groups,KH,KW], [bias CO]. Output [N,CO,OH,OW] with
// OH = (H - 1) * stride + dilation * (KH - 1) + 1 + output_padding - top - bottom.
struct ConvTranspose {
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> dilations{1, 1};
  std::array<int64_t, 4> pads{0, 0, 0, 0};  // cut off: top, left, bottom, right (may be negative)
  std::array<int64_t, 2> output_padding{0, 0};
  int64_t groups = 1;
  Clamp clamp;
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
  bool logarithm = false;      // LogSoftmax
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
// y = f(x), element by element. alpha and beta as in ONNX, for the kinds that have them. float32; Abs, Neg and Sign
// also take integers.
struct Unary {
  enum class Kind {
    kAbs,
    kCeil,
    kCelu,
    kElu,
    kErf,
    kExp,
    kFloor,
    kHardSigmoid,
    kHardSwish,
    kLeakyRelu,
    kLog,
    kMish,
    kNeg,
    kReciprocal,
    kRound,
    kSelu,
    kSigmoid,
    kSign,
    kSoftplus,
    kSoftsign,
    kSqrt,
    kTanh,
    kThresholdedRelu
  } kind = Kind::kSigmoid;
  float alpha = 0;
  float beta = 0;
};
// Inputs: a, b with numpy broadcasting. PRelu: a where a >= 0, else b * a. Comparisons give bool.
struct Binary {
  enum class Kind { kSub, kMul, kDiv, kPow, kMin, kMax, kPRelu, kEqual, kGreater, kLess } kind = Kind::kMul;
};
// Inputs: condition (bool), a where it holds, b elsewhere; all broadcast.
struct Where {};
// Input: x. Over `axes` (all if empty).
struct Reduce {
  enum class Kind { kMean, kSum, kMax, kMin, kProd, kL1, kL2, kSumSquare } kind = Kind::kMean;
  std::vector<int64_t> axes;
  bool keep_dims = true;
};
// Input: x. Elements convert as in C; float to integer truncates and saturates, anything but 0 is true.
struct Cast {
  DataType to = DataType::kFloat32;
};
// Input: x. One entry of starts, ends and steps for each of `axes`; negative ones count from the end, all are clamped
// into the dimension as in numpy.
struct Slice {
  std::vector<int64_t> starts, ends, axes, steps;
};
// Input: x. `pads`: what is added before each dimension, then after each (negative: cut off).
struct Pad {
  enum class Mode { kConstant, kReflect, kEdge, kWrap } mode = Mode::kConstant;
  std::vector<int64_t> pads;
  float value = 0;  // kConstant
};
// Inputs: x, indices (int32 or int64; negative ones count from the end). Output: x with `axis` replaced by the
// dimensions of the indices.
struct Gather {
  int64_t axis = 0;
};
// Input: x, broadcast to `target` (which may itself have ones where x does not).
struct Expand {
  Shape target;
};
// Input: x. The output has extents `sizes`; output position i along a dimension reads the input around coordinate(i,
// scale) as ONNX Resize defines it.
struct Resize {
  enum class Mode { kNearest, kLinear, kCubic } mode = Mode::kNearest;
  enum class Coordinates {
    kHalfPixel,
    kPytorchHalfPixel,
    kAlignCorners,
    kAsymmetric,
    kHalfPixelForNearest
  } coordinates = Coordinates::kHalfPixel;
  enum class Rounding { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil } rounding = Rounding::kRoundPreferFloor;
  Shape sizes;
  std::vector<float> scales;  // one for each dimension, positive
  float cubic_a = -0.75F;
  bool exclude_outside = false;  // weights outside of the input are left out and the rest renormalised
};
// ONNX QuantizeLinear. Inputs: x float32, scale, zero_point of `type`; the latter two are scalars or vectors along
// `axis`. y = saturate(round_half_to_even(x / scale) + zero_point).
struct QuantizeLinear {
  int64_t axis = 1;
  DataType type = DataType::kUint8;
};
// ONNX DequantizeLinear. Inputs: x (int8, uint8, int32), scale, [zero_point of x's type]. y = (x - zero_point) * scale.
struct DequantizeLinear {
  int64_t axis = 1;
};
// Inputs: x int8, table int8 [256]. y = table[x + 128]: any function of one int8 value, at the scales of the quantised
// graph.
struct Table {};
// Input: x [N,C,H,W]. Output [N,C*kernel,H,OW]: channel c*kernel+k, column j is x's channel c, column
// j*stride + k*dilation - pads[0] (zero outside), so that a convolution over columns needs no window in them.
struct UnfoldColumns {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  std::array<int64_t, 2> pads{0, 0};  // left, right
};
// float -> int8 at the output tensor's exponent: clamp(round_half_away(x * 2^e), -127, 127); on its grid as
// QuantizeLinear does it: clamp(round_half_to_even(x / step) + zero, -128, 127). And back.
struct Quantize {};
struct Dequantize {};

using Op = std::variant<Conv, ConvTranspose, Dense, BatchNorm, Add, Clip, Pool, Reshape, Flatten, Lrn, Softmax, Concat,
                        Identity, MatMul, Transpose, UnfoldColumns, Unary, Binary, Where, Reduce, Cast, Slice, Pad,
                        Gather, Expand, Resize, QuantizeLinear, DequantizeLinear, Table, Quantize, Dequantize>;
const char* op_name(const Op& op);  // "Conv", "Dense", ...; the kind's for Pool, Unary, Binary and Reduce

// The names of an enumeration's values, in their order: names of operators for kinds, of attribute values for the
// others.
constexpr std::array kNamesOfPools{"MaxPool", "AveragePool"};
constexpr std::array kNamesOfUnary{
    "Abs",       "Ceil",      "Celu",     "Elu",      "Erf",  "Exp",        "Floor",          "HardSigmoid",
    "HardSwish", "LeakyRelu", "Log",      "Mish",     "Neg",  "Reciprocal", "Round",          "Selu",
    "Sigmoid",   "Sign",      "Softplus", "Softsign", "Sqrt", "Tanh",       "ThresholdedRelu"};
constexpr std::array kNamesOfBinary{"Sub", "Mul", "Div", "Pow", "Min", "Max", "PRelu", "Equal", "Greater", "Less"};
constexpr std::array kNamesOfReduce{"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin",
                                    "ReduceProd", "ReduceL1",  "ReduceL2",  "ReduceSumSquare"};
constexpr auto& names_of(Pool::Kind /*kind*/) {
  return kNamesOfPools;
}
constexpr auto& names_of(Unary::Kind /*kind*/) {
  return kNamesOfUnary;
}
constexpr auto& names_of(Binary::Kind /*kind*/) {
  return kNamesOfBinary;
}
constexpr auto& names_of(Reduce::Kind /*kind*/) {
  return kNamesOfReduce;
}

constexpr std::array kNamesOfTypes{"float32", "int8", "uint8", "int32", "int64", "bool"};
constexpr std::array kNamesOfPadModes{"constant", "reflect", "edge", "wrap"};
constexpr std::array kNamesOfResizeModes{"nearest", "linear", "cubic"};
constexpr std::array kNamesOfCoordinates{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                                         "tf_half_pixel_for_nn"};
constexpr std::array kNamesOfRoundings{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
constexpr auto& names_of(DataType /*type*/) {
  return kNamesOfTypes;
}
constexpr auto& names_of(Pad::Mode /*mode*/) {
  return kNamesOfPadModes;
}
constexpr auto& names_of(Resize::Mode /*mode*/) {
  return kNamesOfResizeModes;
}
constexpr auto& names_of(Resize::Coordinates /*coordinates*/) {
  return kNamesOfCoordinates;
}
constexpr auto& names_of(Resize::Rounding /*rounding*/) {
  return kNamesOfRoundings;
}
template <typename Enum>
constexpr const char* name_of(Enum value) {
  return names_of(value)[static_cast<size_t>(value)];
}

}  // namespace arco
