// Sums, means, products, extremes and norms along axes, of float32 and integers.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array reduce(const Reduce& op, const Call& call);

}  // namespace arco::reference
