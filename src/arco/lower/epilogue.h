// The ALU instructions that turn an accumulator tile into its int8 result (vta-isa 5.7).
#pragma once

#include "arco/graph/graph.h"
#include "arco/lower/emitter.h"

namespace arco {

// ((acc << or >> shift) clamped to [low, high]) on the tile at `base`; rounding has been added before. At least one ALU
// instruction is emitted, so that the tile may be stored (docs/isa.md, STORE).
void emit_requantize(Emitter& emitter, const HardwareConfig& hardware, const Requantize& numbers, const LoopPlan& range,
                     int64_t base);
// The tile at `a` plus the one at `b`, brought to one scale and requantised, at `a`. The first shift of a sum of
// products leaves so few bits that offset and rounding fit an immediate.
void emit_addition(Emitter& emitter, const HardwareConfig& hardware, const Requantize& numbers, const LoopPlan& range,
                   int64_t a, int64_t b);
// acc << shift; nothing for shift 0.
void emit_left_shift(Emitter& emitter, const LoopPlan& range, int64_t base, int shift);

}  // namespace arco
