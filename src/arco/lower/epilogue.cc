#include "arco/lower/epilogue.h"

#include <algorithm>

#include "arco/lower/lower.h"

namespace arco {

int32_t rounding_of(int shift) {
  return shift > 0 ? int32_t{1} << (shift - 1) : 0;
}

// SHR takes the shift from a signed immediate; 15 places a time is what every implementation of the ALU can do.
constexpr int kShiftStep = 15;

void emit_left_shift(Emitter& emitter, const LoopPlan& range, int64_t base, int shift) {
  for (; shift > 0; shift -= kShiftStep) {
    emitter.alu_immediate(AluOp::kShr, range, base, -std::min(shift, kShiftStep));
  }
}

void emit_requantize(Emitter& emitter, const HardwareConfig& hardware, const Requantize& numbers, const LoopPlan& range,
                     int64_t base) {
  emit_left_shift(emitter, range, base, -numbers.shift);
  for (int shift = numbers.shift; shift > 0; shift -= kShiftStep) {
    emitter.alu_immediate(AluOp::kShr, range, base, std::min(shift, kShiftStep));
  }
  if (hardware.variant == IsaVariant::kVtaPlus && numbers.high >= 0 && numbers.low == -numbers.high) {
    emitter.alu_immediate(AluOp::kClp, range, base, numbers.high);
    return;
  }
  emitter.alu_immediate(AluOp::kMax, range, base, numbers.low);
  emitter.alu_immediate(AluOp::kMin, range, base, numbers.high);
}

}  // namespace arco
