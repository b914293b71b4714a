// ONNX's affine quantisation with arbitrary scales and zero points.
#pragma once

#include "arco/reference/kernel.h"

namespace arco::reference {

Array quantize_linear(const QuantizeLinear& op, const Call& call);
Array dequantize_linear(const DequantizeLinear& op, const Call& call);

}  // namespace arco::reference
