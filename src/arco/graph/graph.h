// The one graph type of ARCO: float after import, int8/int32 after quantisation, always in topological order.
#pragma once

#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "arco/graph/array.h"
#include "arco/graph/operators.h"

namespace arco {

class ErrorList;

using TensorId = int;
constexpr TensorId kNoTensor = -1;

// Integers q that stand for real values: real = (q - zero) * step.
struct Grid {
  double step = 1;
  int32_t zero = 0;
  bool operator==(const Grid&) const = default;
};

// Quantised tensors hold round(real * 2^exponent): exponent 4 means steps of 1/16. Those with a grid hold the integers
// of the grid instead.
struct Tensor {
  std::string name;
  DataType type = DataType::kFloat32;
  Shape shape;                    // all dimensions known and positive after shape inference
  std::optional<Array> constant;  // weights and other known values
  // Only meaningful for int8 and int32 tensors of a quantised graph. Weights and biases of a node with a scale for each
  // channel hold round(real * 2^exponent / multipliers[c]).
  int exponent = 0;
  // Of float weights that a quantised ONNX model holds as integers around 0: the real size of a step, one value, or one
  // for each index of dimension `int8_axis`. Empty where the model says nothing.
  std::vector<float> int8_steps = {};
  int int8_axis = 0;
  // Of a float activation: the int8 grid that a quantised ONNX model brings for it. Of an int8 tensor of a quantised
  // graph: its own where that is more than 2^-exponent; weights and biases of a node with a scale for each channel have
  // steps of multipliers[c] * grid->step.
  std::optional<Grid> grid = std::nullopt;

  // Of an int8 or int32 tensor.
  double step() const { return grid ? grid->step : std::ldexp(1.0, -exponent); }
  int32_t zero() const { return grid ? grid->zero : 0; }
};

struct Node {
  std::string name;
  Op op;
  std::vector<TensorId> inputs;  // kNoTensor where an optional one is absent
  std::vector<TensorId> outputs;
  std::optional<Requantize> requantize;  // set: integer arithmetic
  // What people are told of the node; files do not keep it.
  int origin = -1;             // the node of the model's file that it comes from, by its place there; -1: none
  std::string why_float = {};  // of a quantised graph: why the node is left in float; empty if it is not
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

// What a slice takes of a dimension of `extent`: `count` elements, the first at `start`, then every `step`-th (not 0).
struct SliceRange {
  int64_t start = 0;
  int64_t count = 0;
};
SliceRange slice_range(int64_t start, int64_t end, int64_t step, int64_t extent);

// The `origin` of every node that an output of the graph depends on.
std::set<int> live_origins(const Graph& graph);

// One line a node: name, op, attributes that differ from the default, input and output shapes.
std::string to_text(const Graph& graph);

}  // namespace arco
