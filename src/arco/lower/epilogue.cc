#include "arco/lower/epilogue.h"

#include "arco/lower/lower.h"
#include "arco/quant/channel_scales.h"

namespace arco {

int32_t rounding_of(int shift) {
  return shift > 0 ? int32_t{1} << (shift - 1) : 0;
}

std::vector<std::vector<int32_t>> bias_rows(const Array* bias, const Requantize& numbers, int64_t channels) {
  std::vector<std::vector<int32_t>> rows(1);
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    int64_t value = bias == nullptr ? 0 : bias->data<int32_t>()[c];
    const auto& scales = numbers.channels;
    value += scales ? channel_offset(numbers.shift, scales->shift, scales->multipliers[c], numbers.zeros.output)
                    : rounding_of(numbers.shift);
    rows[0].push_back(static_cast<int32_t>(value));
  }
  if (!numbers.channels) return rows;
  rows.push_back(numbers.channels->multipliers);
  if (!numbers.channels->residual_multipliers.empty()) rows.push_back(numbers.channels->residual_multipliers);
  return rows;
}

// SHR takes a signed immediate of at most 31 places; a negative one shifts left.
void emit_left_shift(Emitter& emitter, const LoopPlan& range, int64_t base, int shift) {
  if (shift > 0) emitter.alu_immediate(AluOp::kShr, range, base, -shift);
}

void emit_addition(Emitter& emitter, const HardwareConfig& hardware, const Requantize& numbers, const LoopPlan& range,
                   int64_t a, int64_t b) {
  const auto bring_to_scale = [&](int64_t base, size_t operand) {
    if (numbers.add_scales) {
      emitter.alu_immediate(AluOp::kMul, range, base, numbers.add_scales->multipliers[operand]);
    } else {
      emit_left_shift(emitter, range, base, numbers.add_shifts[operand]);
    }
  };
  bring_to_scale(a, 0);
  bring_to_scale(b, 1);
  emitter.alu(AluOp::kAdd, range, {a, b, 0});
  if (numbers.add_scales) emitter.alu_immediate(AluOp::kShr, range, a, numbers.add_scales->shift);
  if (numbers.shift > 0) {
    emitter.alu_immediate(AluOp::kAdd, range, a, numbers.zeros.offset + rounding_of(numbers.shift));
  }
  emit_requantize(emitter, hardware, numbers, range, a);
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
