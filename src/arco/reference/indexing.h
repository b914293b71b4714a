// Operators that cut out, add to or repeat parts of a tensor of any type: Slice, Pad, Gather, Expand.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array slice(const Slice& op, const Call& call);
Array pad(const Pad& op, const Call& call);
// Indices outside of the axis are a UserError.
Array gather(const Gather& op, const Call& call);
Array expand(const Call& call);

}  // namespace arco::reference
