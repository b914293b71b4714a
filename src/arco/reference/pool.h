// Maximum and average pooling in float32 and int8.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array pool(const Pool& op, const Call& call);

// The divisor of average pooling when it is the same for all windows of an h x w plane with an oh x ow result;
// 0 when windows differ (some hang over the edge).
int64_t uniform_divisor(const Pool& op, int64_t h, int64_t w, int64_t oh, int64_t ow);

}  // namespace arco::reference
