// Makes room between tensors that must share a scale and bring different ones.
#pragma once

#include "arco/graph/graph.h"

namespace arco {

// Operators that keep their input's scale (concatenations, maxima ...) get a node that requantises before every input
// [N, C, H, W] whose grid is not that of their output; clamps between two grids become such nodes. Where the output
// brings no grid, it has that of its inputs, the coarsest one. Others stay as they are, and cannot keep their grids.
void match_grids(Graph& graph);

}  // namespace arco
