// The rules of shape inference, internal to this room: each a function from the inputs of an operator to the shape of
// its output, or a sentence that says what does not fit.
#pragma once

#include <optional>
#include <string>

#include "arco/graph/graph.h"

namespace arco {

// What a rule returns: the shape, or why there is none.
struct Inferred {
  Shape shape;
  std::string problem;

  static Inferred error(std::string text) { return {{}, std::move(text)}; }
};

class Inputs {
 public:
  Inputs(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}
  size_t count() const { return node_.inputs.size(); }
  bool has(size_t i) const { return i < count() && node_.inputs[i] != kNoTensor; }
  const Tensor& tensor(size_t i) const { return graph_.tensor(node_.inputs[i]); }
  const Shape& shape(size_t i) const { return tensor(i).shape; }

 private:
  const Graph& graph_;
  const Node& node_;
};

// Inputs that must be there have been checked before.
struct ShapeRule {
  const Inputs& in;

  Inferred operator()(const Conv& op) const;
  Inferred operator()(const ConvTranspose& op) const;
  Inferred operator()(const Dense& op) const;
  Inferred operator()(const BatchNorm& op) const;
  Inferred operator()(const Add& op) const;
  Inferred operator()(const Clip& /*op*/) const { return {in.shape(0), ""}; }
  Inferred operator()(const Pool& op) const;
  Inferred operator()(const Reshape& op) const;
  Inferred operator()(const Flatten& op) const;
  Inferred operator()(const Lrn& op) const;
  Inferred operator()(const Softmax& op) const;
  Inferred operator()(const Concat& op) const;
  Inferred operator()(const Identity& /*op*/) const { return {in.shape(0), ""}; }
  Inferred operator()(const MatMul& op) const;
  Inferred operator()(const Transpose& op) const;
  Inferred operator()(const UnfoldColumns& op) const;
  Inferred operator()(const Unary& /*op*/) const { return {in.shape(0), ""}; }
  Inferred operator()(const Binary& op) const;
  Inferred operator()(const Where& op) const;
  Inferred operator()(const Reduce& op) const;
  Inferred operator()(const Cast& /*op*/) const { return {in.shape(0), ""}; }
  Inferred operator()(const Slice& op) const;
  Inferred operator()(const Pad& op) const;
  Inferred operator()(const Gather& op) const;
  Inferred operator()(const Expand& op) const;
  Inferred operator()(const Resize& op) const;
  Inferred operator()(const QuantizeLinear& op) const;
  Inferred operator()(const DequantizeLinear& op) const;
  Inferred operator()(const Table& op) const;
  Inferred operator()(const Quantize& /*op*/) const { return {in.shape(0), ""}; }
  Inferred operator()(const Dequantize& /*op*/) const { return {in.shape(0), ""}; }
};

// The type of the node's output; where the types of the inputs do not fit, `problem` says why.
DataType infer_type(const Node& node, const Inputs& in, std::string& problem);

// ---- What several rules need ----

// Window attributes beyond this are mistakes or attacks; the limit keeps products inside 64 bits.
constexpr int64_t kMaxWindow = int64_t{1} << 24;

// The common shape of two operands by numpy broadcasting.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

// Counts from the back if negative; -1 if out of [-rank, rank) (or rank itself when `end_allowed`).
int64_t normal_axis(int64_t axis, size_t rank, bool end_allowed = false);

// Bias [outputs] at input 2 and residual of the output's shape at input 3, as Conv and Dense have them.
std::string epilogue_problem(const Inputs& in, int64_t outputs, const Shape& result);

}  // namespace arco
