// The activation that an operator has fused into it, or that can be taken through it.
#pragma once

#include "arco/graph/operators.h"

namespace arco {

// Of Conv, ConvTranspose, Dense, Add, Clip and Pool; nullptr for the others.
Clamp* clamp_of(Op& op);

// Whether every value of the output is one of the inputs': limiting these limits it.
bool only_moves(const Op& op);

}  // namespace arco
