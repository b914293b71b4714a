// Bytes of tensors as the accelerator wants them in DRAM (vta-isa 5.1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arco/graph/graph.h"
#include "arco/schedule/geometry.h"

namespace arco {

// int8 [n, c, h, w] (or [n, c]) to and from [N/batch][C/block][H][W][block/element][batch][element]; what pads the
// blocks is zero. `bytes` has layout.bytes(n, c, h, w) entries.
void pack_activation(const Array& tensor, const ActivationLayout& layout, std::span<uint8_t> bytes);
Array unpack_activation(std::span<const uint8_t> bytes, const Shape& shape, const ActivationLayout& layout);

// int8 [CO, CI / groups, KH, KW] or [CO, CI * plane] to [CO/o][CI/i][KH][KW][o][i], where CI counts the input channels
// of one bundle (bundles_of); the input blocks in the order of input_layout(). Zero between groups.
std::vector<uint8_t> pack_weights(const Array& weights, const Workload& workload, const HardwareConfig& hardware);

// int32 [row][CO] to [CO/o][row][batch][o], the same in every batch row, zeros where the channels do not fill a block.
std::vector<uint8_t> pack_bias(const std::vector<std::vector<int32_t>>& rows, const HardwareConfig& hardware);

// One accumulator element full of the constant: the rounding of average pooling.
std::vector<uint8_t> pack_constant(int32_t value, const HardwareConfig& hardware);

}  // namespace arco
