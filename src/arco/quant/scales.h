// The scale of every int8 tensor and weight such that all shifts are within the hardware's reach: powers of two, but
// for what a model brings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arco/graph/graph.h"
#include "arco/quant/calibrate.h"
#include "arco/quant/channel_scales.h"

namespace arco {

// What requantisation may ask of the hardware.
constexpr int kLowestShift = -15;
constexpr int kHighestShift = 31;
constexpr int kHighestResidualShift = 24;
constexpr int kHighestAddShift = 16;
constexpr int32_t kHighestMultiplier = 32767;
constexpr double kHighestBias = 1073741824;         // 2^30
constexpr double kAccumulatorLimit = 2147483648.0;  // 2^31: accumulators and products stay below

struct QuantizeOptions;

struct Scales {
  std::vector<bool> int8;       // by node: runs in int8
  std::vector<int> activation;  // by TensorId: exponent of its int8 form; meaningful for operands of int8 nodes
  std::vector<int> weight;      // by node: exponent of the weights of Conv and Dense
  std::vector<std::optional<ChannelScales>> channels;  // by node: set instead where each channel has its own scale
  std::vector<std::optional<Grid>> grids;              // by TensorId: set instead of the exponent where one was brought
  std::vector<std::string> why_float;                  // by node: a reason for people; empty if it runs in int8

  double step(TensorId id) const;
  int32_t zero(TensorId id) const;
};

// The largest e with max_abs * 2^e <= limit; max_abs > 0.
int largest_exponent(double max_abs, double limit);

// multiplier / 2^shift approximates 2^exponent / divisor, with the largest multiplier that cannot overflow; nothing if
// there is none within the limits above.
struct AverageScale {
  int32_t multiplier = 1;
  int shift = 0;
};
std::optional<AverageScale> average_scale(int64_t divisor, int exponent);

Scales choose_scales(const Graph& graph, const Ranges& ranges, const QuantizeOptions& options);

}  // namespace arco
