// Matrix products: fully connected layers (float32 and int8) and the general MatMul/Gemm (float32; int32
// without alpha and addend, wrapping).
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array dense(const Dense& op, const Call& call);
Array matmul(const MatMul& op, const Call& call);

}  // namespace arco::reference
