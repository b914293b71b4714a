// Scales that a model brings: QuantizeLinear and DequantizeLinear around float operators, and weights that are
// dequantised integers (Tensor::int8_steps).
#pragma once

#include <cstddef>
#include <string>

#include "arco/graph/graph.h"

namespace arco {

// Takes each QuantizeLinear with one constant scale out of the float graph, together with the DequantizeLinear nodes
// that read it: these become Identity nodes on the tensor before it, which keeps the size of a step. int8 here is
// symmetric: where the model's integers are not (uint8, a zero point), the step is the one that covers their range.
// Returns the number of scales taken.
size_t take_brought_scales(Graph& graph);

// What became of scales that the model brought, one for each tensor.
struct KeptScales {
  size_t brought = 0;
  size_t kept = 0;      // exactly; those of weights to 0.1 %, their integers exactly
  std::string example;  // of one that was not kept: "'relu1': 0.0173 becomes 0.03125"
};
struct BroughtScales {
  KeptScales activations;
  KeptScales weights;
};
// `graph` is the float graph that was quantised.
BroughtScales compare_brought_scales(const Graph& graph, const Graph& quantized);

// The steps of weights [CO, ...] by channel if all weights are whole multiples of them within int8; empty if not.
std::vector<double> channel_steps(const Tensor& weights);

}  // namespace arco
