// Most rules compare a field with a bound. The ALU hazard is the exception: "some step reads what the step before it
// wrote" is asked without walking the steps. Along the micro-ops of one iteration (o, i), from the last micro-op to the
// first of the next inner iteration, and from there to the next outer iteration, it is a question of the form
//
//   is  a + o*p + i*q = 0  for some  0 <= o < O, 0 <= i < I ?
//
// with a the distance of the two micro-ops and p, q the differences of the factors (p = q = 0 when dst and src move
// alike, the common case). For given o there is at most one i unless q = 0; the shorter loop is walked.
#include "arco/isa/instruction_rules.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace arco {
namespace {

constexpr int kMaxShift = 31;

constexpr unsigned bit(SegmentKind kind) {
  return 1u << static_cast<unsigned>(kind);
}

// Which segments a LOAD or STORE of a memory type may touch.
unsigned fitting_segments(MemoryType type) {
  constexpr unsigned kActivations = bit(SegmentKind::kInput) | bit(SegmentKind::kResidual) | bit(SegmentKind::kOutput);
  constexpr unsigned kConstants = bit(SegmentKind::kWeight) | bit(SegmentKind::kBias);
  switch (type) {
    case MemoryType::kUop:
      return bit(SegmentKind::kUop);
    case MemoryType::kWgt:
      return bit(SegmentKind::kWeight);
    case MemoryType::kInp:
      return kActivations;
    case MemoryType::kAcc:
    case MemoryType::kAcc8:
      return kActivations | kConstants;
    case MemoryType::kOut:
      break;
  }
  return bit(SegmentKind::kOutput);
}

bool check_fields(const Instruction& instruction, const IsaLayout& layout, int64_t index, CheckReport& report) {
  bool fine = true;
  for (const FieldValue& field : fields_of(instruction, layout)) {
    if (field.fits()) continue;
    fine = false;
    report.add(index, "field-width", "{} is {}, but the field has {} bits", field.name, field.value, field.place.width);
  }
  if (instruction.opcode == Opcode::kAlu && instruction.loop.alu_op > last_alu_op(layout.variant)) {
    fine = false;
    report.add(index, "alu-op", "{} does not exist in variant {}", to_string(instruction.loop.alu_op),
               to_string(layout.variant));
  }
  return fine;
}

bool check_dram(const Program& program, const MemoryFields& memory, int64_t index, CheckReport& report) {
  const DramRange range = dram_range(program.hardware, memory);
  if (range.begin == range.end) return true;
  for (const Segment& segment : program.segments) {
    if ((fitting_segments(memory.type) & bit(segment.kind)) == 0) continue;
    uint64_t bytes = segment.bytes;
    if (segment.kind == SegmentKind::kUop) {
      bytes = std::min<uint64_t>(bytes, program.micro_ops.size() * HardwareConfig::kUopElementBytes);
    }
    if (range.begin >= segment.address && range.end - segment.address <= bytes) return true;
  }
  report.add(index, "dram-segment", "{} bytes {:#x} to {:#x} lie in no segment that holds them", to_string(memory.type),
             range.begin, range.end);
  return false;
}

bool check_pads(const Instruction& instruction, int64_t index, CheckReport& report) {
  const MemoryFields& memory = instruction.memory;
  const bool padded = (memory.y_pad_0 | memory.y_pad_1 | memory.x_pad_0 | memory.x_pad_1) != 0;
  if (instruction.opcode == Opcode::kStore && (padded || memory.pad_is_min)) {
    report.add(index, "pad", "a STORE has pads {},{},{},{}; they must be 0", memory.y_pad_0, memory.y_pad_1,
               memory.x_pad_0, memory.x_pad_1);
    return false;
  }
  if (memory.pad_is_min && (memory.type == MemoryType::kUop || memory.type == MemoryType::kWgt)) {
    report.add(index, "pad", "pad_is_min exists for inp, acc and acc8, not for {}", to_string(memory.type));
    return false;
  }
  return true;
}

bool check_memory(const Program& program, const Instruction& instruction, int64_t index, CheckReport& report) {
  const MemoryFields& memory = instruction.memory;
  const bool load = instruction.opcode == Opcode::kLoad;
  // A store that moves nothing has no use for its type; the public runtime leaves it at 0.
  const bool type_matters = load || !instruction.is_no_op();
  if (type_matters && load == (memory.type == MemoryType::kOut)) {
    report.add(index, "memory-type", "a {} of memory type {} does not exist", load ? "LOAD" : "STORE",
               to_string(memory.type));
    return false;
  }
  if (!load && type_matters && memory.type != MemoryType::kOut) {
    report.add(index, "memory-type", "a STORE of memory type {} does not exist; expected out", to_string(memory.type));
    return false;
  }
  if (instruction.is_no_op()) return true;
  bool fine = check_pads(instruction, index, report);
  if (memory.y_size == 0) {
    report.add(index, "zero-size", "y_size is 0 with x_size {}; the hardware would never end", memory.x_size);
    fine = false;
  }
  const uint64_t entries = scratchpad_entries(instruction);
  const int64_t depth = scratchpad_depth(program.hardware, memory.type);
  if (memory.sram_base + entries > static_cast<uint64_t>(depth)) {
    report.add(index, "sram-bounds", "{} entries {} to {} of {}", to_string(memory.type), memory.sram_base,
               memory.sram_base + entries, depth);
    fine = false;
  }
  return check_dram(program, memory, index, report) && fine;
}

bool check_loop(const Instruction& instruction, int64_t depth, int64_t index, CheckReport& report) {
  const LoopFields& loop = instruction.loop;
  if (loop.steps() == 0) {
    report.add(index, "zero-loop", "micro-ops {}..{}, out {}, in {}: no step to do; the hardware would never end",
               loop.uop_begin, loop.uop_end, loop.iter_out, loop.iter_in);
    return false;
  }
  if (loop.uop_end > depth) {
    report.add(index, "sram-bounds", "uop entries {} to {} of {}", loop.uop_begin, loop.uop_end, depth);
    return false;
  }
  const bool shift = instruction.opcode == Opcode::kAlu && loop.alu_op == AluOp::kShr && loop.use_imm;
  if (shift && std::abs(loop.imm) > kMaxShift) {
    report.add(index, "shift-range", "a shift by {}; at most {} either way", loop.imm, kMaxShift);
  }
  return true;
}

// Is offset + o*step_out + i*step_in zero for some o < out, i < in?
bool reaches_zero(int64_t offset, int64_t step_out, int64_t out, int64_t step_in, int64_t in) {
  if (out <= 0 || in <= 0) return false;
  if (step_out == 0) {
    std::swap(step_out, step_in);
    std::swap(out, in);
  }
  if (step_in == 0) {
    if (step_out == 0) return offset == 0;
    return offset % step_out == 0 && -offset / step_out >= 0 && -offset / step_out < out;
  }
  if (out > in) {
    std::swap(step_out, step_in);
    std::swap(out, in);
  }
  for (int64_t o = 0; o < out; ++o) {
    const int64_t rest = offset + o * step_out;
    if (rest % step_in == 0 && -rest / step_in >= 0 && -rest / step_in < in) return true;
  }
  return false;
}

bool has_hazard(const LoopFields& loop, const std::vector<MicroOp>& uops) {
  const int64_t out = loop.iter_out, in = loop.iter_in;
  const int64_t dst_out = loop.dst_out, dst_in = loop.dst_in;
  // Immediates read where they write (immediate-source sees to that), tensors read src.
  const int64_t src_out = loop.use_imm ? dst_out : loop.src_out;
  const int64_t src_in = loop.use_imm ? dst_in : loop.src_in;
  const auto read = [&](const MicroOp& uop) { return int64_t{loop.use_imm ? uop.dst : uop.src}; };
  for (size_t u = 1; u < uops.size(); ++u) {
    const int64_t offset = uops[u - 1].dst - read(uops[u]);
    if (reaches_zero(offset, dst_out - src_out, out, dst_in - src_in, in)) return true;
  }
  const int64_t around = uops.back().dst - read(uops.front());
  if (reaches_zero(around - src_in, dst_out - src_out, out, dst_in - src_in, in - 1)) return true;
  return reaches_zero(around + (in - 1) * dst_in - src_out, dst_out - src_out, out - 1, 0, 1);
}

}  // namespace

bool check_instruction(const Program& program, const IsaLayout& layout, int64_t index, CheckReport& report) {
  const Instruction& instruction = program.instructions[static_cast<size_t>(index)];
  if (!check_fields(instruction, layout, index, report)) return false;
  switch (instruction.opcode) {
    case Opcode::kLoad:
    case Opcode::kStore:
      return check_memory(program, instruction, index, report);
    case Opcode::kGemm:
    case Opcode::kAlu:
      return check_loop(instruction, program.hardware.uop_depth(), index, report);
    case Opcode::kFinish:
      break;
  }
  return true;
}

void check_alu_steps(const LoopFields& loop, const std::vector<MicroOp>& uops, int64_t index, CheckReport& report) {
  if (loop.use_imm) {
    const bool factors =
        (loop.iter_out == 1 || loop.dst_out == loop.src_out) && (loop.iter_in == 1 || loop.dst_in == loop.src_in);
    const auto other = std::find_if(uops.begin(), uops.end(), [](const MicroOp& uop) { return uop.dst != uop.src; });
    if (!factors) {
      report.add(index, "immediate-source", "dst factors {},{} and src factors {},{} of an immediate differ",
                 loop.dst_out, loop.dst_in, loop.src_out, loop.src_in);
    } else if (other != uops.end()) {
      report.add(index, "immediate-source", "micro-op {} of an immediate has dst {} and src {}",
                 loop.uop_begin + (other - uops.begin()), other->dst, other->src);
    }
  }
  if (has_hazard(loop, uops)) {
    report.add(index, "alu-hazard", "a step reads the accumulator that the step before it writes");
  }
}

}  // namespace arco
