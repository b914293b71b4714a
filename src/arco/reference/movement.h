// Operators that only move elements, of any type: Concat, Transpose.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array concat(const Concat& op, const Call& call);
Array transpose(const Transpose& op, const Call& call);

}  // namespace arco::reference
