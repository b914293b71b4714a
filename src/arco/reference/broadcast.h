// numpy broadcasting: which element of an operand belongs to an element of the result.
#pragma once

#include "arco/graph/graph.h"

namespace arco::reference {

// The flat index into an operand of shape `operand` for each element of the result shape, in order.
// InternalError when the operand does not broadcast to it.
std::vector<size_t> broadcast_indices(const Shape& operand, const Shape& result);

}  // namespace arco::reference
