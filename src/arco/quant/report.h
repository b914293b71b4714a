// How much of the float network's signal survives in int8, tensor by tensor, and whether it still decides the same.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "arco/graph/graph.h"
#include "arco/quant/top1.h"

namespace arco {

// 10 log10(sum of signal^2 / sum of (signal - approximation)^2) in dB; +infinity if they are equal.
double signal_to_noise_db(std::span<const float> signal, std::span<const float> approximation);

struct TensorNoise {
  std::string tensor;  // its name in both graphs
  std::string node;    // that makes it
  std::string op;
  bool is_int8 = false;
  Grid scale = {};       // of the int8 tensor
  bool on_grid = false;  // brought by the model; else scale.step is a power of two and zero is 0
  double signal_to_noise_db = 0;
  double max_abs = 0;    // of the float tensor
  double max_error = 0;  // largest absolute difference
  double saturated = 0;  // share of int8 elements at -127 or 127; on a grid, at an end that is not a real 0
};

struct AccuracyReport {
  int64_t samples = 0;
  std::vector<TensorNoise> layers;  // in the order of the float graph
  Top1 top1;
};

// Runs both graphs on the same inputs and compares each node's result and the classes. Signal and noise are summed over
// all input sets. `labels`: top1.h.
AccuracyReport measure_accuracy(const Graph& float_graph, const Graph& quantized,
                                const std::vector<std::vector<Array>>& sets, const std::vector<int64_t>& labels = {});
std::vector<TensorNoise> compare_quantized(const Graph& float_graph, const Graph& quantized,
                                           const std::vector<std::vector<Array>>& sets);

// Worst signal-to-noise ratio first.
std::vector<TensorNoise> worst_first(std::vector<TensorNoise> layers);
// A table in the order given.
std::string to_text(const std::vector<TensorNoise>& report);

}  // namespace arco
