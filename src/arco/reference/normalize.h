// Operators that normalise over neighbours: Lrn (across channels) and Softmax. Float only.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array lrn(const Lrn& op, const Call& call);
Array softmax(const Softmax& op, const Call& call);

}  // namespace arco::reference
