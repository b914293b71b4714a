// Two-dimensional convolution, grouped and dilated, in float32, int8 and int32, and its transpose in float32.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array conv(const Conv& op, const Call& call);
Array conv_transpose(const ConvTranspose& op, const Call& call);

}  // namespace arco::reference
