// Resampling along any dimensions: nearest (any type), linear and cubic (float32).
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array resize(const Resize& op, const Call& call);

}  // namespace arco::reference
