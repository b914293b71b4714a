// Scales that a model brings: QuantizeLinear and DequantizeLinear around float operators, and weights that are
// dequantised integers (Tensor::int8_steps).
#pragma once

#include <cstddef>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// Takes each QuantizeLinear with one constant scale out of the float graph, together with the DequantizeLinear nodes
// that read it: these become Identity nodes on the tensor before it, which gets the model's grid (uint8 q is int8
// q-128). What makes that tensor is limited to the grid's range: graph inputs, and the others with `keep`, or where the
// range begins or ends at 0, which then is an activation such as ReLU. What cannot be limited itself (no clamp, other
// readers) gets a Clip behind it, and that the grid. Returns the number of scales taken.
//
// With `keep`, tensors that must share a scale and bring different ones get a node between them that requantises: an
// average over windows of one pixel.
size_t take_brought_scales(Graph& graph, bool keep);

// The exponent that weights bring, if it is one power of two for all; else INT_MAX.
int brought_exponent(const Tensor& weights);

// The power of two that covers a grid's range around 0, as an exponent; the ends may saturate by half of its step.
int covering_exponent(const Grid& grid);
// Whether the grid is a power of two around 0, which an exponent says as well.
bool is_power_of_two(const Grid& grid);

// Relative difference up to which a step counts as kept: 127 steps stay the same integer.
constexpr double kStepTolerance = 1e-3;

// The clamp within the range of the grid.
Clamp limited(const Clamp& clamp, const Grid& grid);

// The steps of weights [CO, ...] by channel if all weights are whole multiples of them within int8; empty if not.
std::vector<double> channel_steps(const Tensor& weights);

}  // namespace arco
