// What became of the scales that a model brought.
#pragma once

#include <cstddef>
#include <string>

#include "arco/graph/graph.h"

namespace arco {

// One for each tensor.
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

}  // namespace arco
