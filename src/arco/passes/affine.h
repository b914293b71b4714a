// y = scale * x + offset per channel: batch normalisation and arithmetic with constants, seen alike.
#pragma once

#include <optional>
#include <vector>

#include "arco/graph/graph.h"

namespace arco::passes {

struct Affine {
  TensorId x = kNoTensor;
  std::vector<double> scale, offset;  // one entry a channel (dimension 1)
};

// The affine function that a float node computes: BatchNorm with constant parameters; Add, Sub, Mul or Div of a
// computed tensor and a constant that has one value, or one for each channel. Nothing for other nodes, for rank below 2
// and for additions with a clamp.
std::optional<Affine> affine_of(const Graph& graph, const Node& node);

}  // namespace arco::passes
