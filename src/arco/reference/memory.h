// What running a graph takes, before it is run.
#pragma once

#include <cstdint>

#include "arco/graph/graph.h"

namespace arco {

struct PeakMemory {
  uint64_t bytes = 0;
  int node = -1;  // while it is computed; -1: a graph without nodes
};

// The most bytes of tensors that run_reference holds at a time, constants left out. Shapes must have been inferred.
PeakMemory peak_memory(const Graph& graph);

}  // namespace arco
