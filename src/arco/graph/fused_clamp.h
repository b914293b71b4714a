// The activation that an operator has fused into it.
#pragma once

#include "arco/graph/operators.h"

namespace arco {

// Of Conv, ConvTranspose, Dense, Add, Clip and Pool; nullptr for the others.
Clamp* clamp_of(Op& op);

}  // namespace arco
