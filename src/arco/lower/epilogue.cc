#include "arco/lower/epilogue.h"

#include "arco/lower/lower.h"

namespace arco {

int32_t rounding_of(int shift) {
  return shift > 0 ? int32_t{1} << (shift - 1) : 0;
}

// SHR takes a signed immediate of at most 31 places; a negative one shifts left.
void emit_left_shift(Emitter& emitter, const LoopPlan& range, int64_t base, int shift) {
  if (shift > 0) emitter.alu_immediate(AluOp::kShr, range, base, -shift);
}

void emit_requantize(Emitter& emitter, const HardwareConfig& hardware, const Requantize& numbers, const LoopPlan& range,
                     int64_t base) {
  if (numbers.shift != 0) emitter.alu_immediate(AluOp::kShr, range, base, numbers.shift);
  if (hardware.variant == IsaVariant::kVtaPlus && numbers.high >= 0 && numbers.low == -numbers.high) {
    emitter.alu_immediate(AluOp::kClp, range, base, numbers.high);
    return;
  }
  emitter.alu_immediate(AluOp::kMax, range, base, numbers.low);
  emitter.alu_immediate(AluOp::kMin, range, base, numbers.high);
}

}  // namespace arco
