// Operators that only move elements, of any type: Concat, Transpose, UnfoldColumns.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array concat(const Concat& op, const Call& call);
Array transpose(const Transpose& op, const Call& call);
Array unfold_columns(const UnfoldColumns& op, const Call& call);

}  // namespace arco::reference
