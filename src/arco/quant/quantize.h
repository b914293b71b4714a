// From a float graph to one that runs in int8. Scales of activations are powers of two, or those that the model brings.
#pragma once

#include <string>
#include <vector>

#include "arco/graph/graph.h"
#include "arco/quant/calibrate.h"

namespace arco {

enum class WeightScales {
  kPerTensor,  // a power of two for all weights of a layer: any chip
  kPerChannel  // a multiplier for each output channel: chips of variant vta++, a few ALU passes more
};

struct QuantizeOptions {
  WeightScales weight_scales = WeightScales::kPerTensor;
  // Tensor::grid and Tensor::int8_steps as they are, wherever the hardware can: chips of variant vta++. Else the next
  // power of two.
  bool keep_brought = false;
  // Exponents that ranges may choose: steps between 2^-40 and 2^40. Hardware limits may lower them further.
  int lowest_exponent = -40;
  int highest_exponent = 40;
  std::vector<std::string> float_nodes = {};  // names of nodes that must stay in float
};

// The optimised `graph` (batch norms folded, activations fused) with all nodes that can in int8, see choose.h. Weights
// become int8 constants, biases int32; Requantize is filled in. `Quantize` nodes stand where float results meet int8
// nodes, `Dequantize` nodes where int8 results meet float nodes; graph inputs and outputs stay float32; nodes left in
// float say why. Names of nodes and tensors are kept; the second form of a tensor is called "<name>.int8" or
// "<name>.float". Weights that are not finite are a UserError that lists them.
Graph quantize(const Graph& graph, const Ranges& ranges, const QuantizeOptions& options = {});

// Throws InternalError naming the node if the graph breaks a rule of int8 arithmetic: operand types, exponents that do
// not match their shifts, shifts or multipliers out of the hardware's range (scales.h).
void check_quantized(const Graph& graph);

}  // namespace arco
