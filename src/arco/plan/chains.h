// Which layers of a plan could run as one, the tensor between them staying in the scratchpad.
#pragma once

#include <vector>

#include "arco/plan/network_plan.h"

namespace arco {

// Pairs of a convolution and the pooling or addition that alone reads it, where one layer gives the same bits.
// Independent of the hardware. No step is in two chains; of two convolutions that are added the one with more
// multiplications joins.
std::vector<Chain> find_chains(const Graph& quantized, const std::vector<Step>& steps);

}  // namespace arco
