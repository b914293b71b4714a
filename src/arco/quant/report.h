// How much of the float network's signal survives in int8, tensor by tensor.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// 10 log10(sum of signal^2 / sum of (signal - approximation)^2) in dB; +infinity if they are equal.
double signal_to_noise_db(std::span<const float> signal, std::span<const float> approximation);

struct TensorNoise {
  std::string tensor;  // its name in both graphs
  std::string node;    // that makes it
  std::string op;
  bool is_int8 = false;
  int exponent = 0;  // of the int8 tensor
  double signal_to_noise_db = 0;
  double max_abs = 0;    // of the float tensor
  double max_error = 0;  // largest absolute difference
  double saturated = 0;  // share of int8 elements at -127 or 127
};

// Runs both graphs on the same inputs and compares each node's result, in the order of the float graph. Signal and
// noise are summed over all input sets.
std::vector<TensorNoise> compare_quantized(const Graph& float_graph, const Graph& quantized,
                                           const std::vector<std::vector<Array>>& sets);

// A table, worst signal-to-noise ratio first.
std::string to_text(const std::vector<TensorNoise>& report);

}  // namespace arco
