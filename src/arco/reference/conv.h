// Two-dimensional convolution, grouped and dilated, in float32 and int8.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array conv(const Conv& op, const Call& call);

}  // namespace arco::reference
