// Where the fields of GEMM and ALU instructions go follows from one list of widths and one rule.
//
//   up:     fields lie one behind the other like C bit-fields in 64-bit storage units: one that would cross bit 63
//           moves to bit 64. With small buffers dst_out (and more) therefore lands in the lo half.
//   vta++:  the same, but the first hi field (dst_out) always starts at bit 64.
//
//     lo:  prefix 7 | reset 1 | uop_begin UD | uop_end UD+1 | iter_out 14 | iter_in 14
//     hi:  dst_out, dst_in | src_out, src_in | GEMM: wgt_out, wgt_in   ALU: alu_op 3, use_imm 1, imm 16
//
// LOAD and STORE have fixed places. Source: vta-isa 2, docs/isa.md.
#include "arco/isa/encoding.h"

#include <algorithm>

#include "arco/base/error.h"

namespace arco {
namespace {

constexpr int kUnitBits = 64;
constexpr int kWordBits = 128;
constexpr int kUopBits = 32;
constexpr int kMaxAluFactorBits = 11;  // vta++: 4 * 11 + 3 + 1 + 16 = 64

constexpr BitField kOpcode{0, 3}, kPopPrev{3, 1}, kPopNext{4, 1}, kPushPrev{5, 1}, kPushNext{6, 1};
constexpr BitField kMemoryType{7, 3}, kSramBase{10, 16}, kDramBase{26, 32}, kPadIsMin{58, 1};
constexpr BitField kYSize{64, 16}, kXSize{80, 16}, kXStride{96, 16};
constexpr BitField kYPad0{112, 4}, kYPad1{116, 4}, kXPad0{120, 4}, kXPad1{124, 4};

class Placer {
 public:
  explicit Placer(int next) : next_(next) {}
  BitField place(int width) {
    ARCO_CHECK(width >= 0 && width <= kUnitBits, "a field of {} bits", width);
    const bool crosses = next_ / kUnitBits != (next_ + std::max(width, 1) - 1) / kUnitBits;
    if (crosses) next_ = (next_ / kUnitBits + 1) * kUnitBits;
    const BitField field{next_, width};
    next_ += width;
    ARCO_CHECK(next_ <= kWordBits, "the fields need more than {} bits; the hardware configuration is illegal",
               kWordBits);
    return field;
  }
  int next() const { return next_; }

 private:
  int next_;
};

uint64_t get(const InstructionWord& word, BitField field) {
  if (field.width == 0) return 0;
  const uint64_t shifted = word[field.begin / kUnitBits] >> (field.begin % kUnitBits);
  return field.width == kUnitBits ? shifted : shifted & ((uint64_t{1} << field.width) - 1);
}

uint32_t get32(const InstructionWord& word, BitField field) {
  return static_cast<uint32_t>(get(word, field));
}

void put(InstructionWord& word, BitField field, uint64_t value) {
  if (field.width != 0) word[field.begin / kUnitBits] |= value << (field.begin % kUnitBits);
}

BitField pad_is_min_field(const IsaLayout& layout) {
  return layout.variant == IsaVariant::kVtaPlus ? kPadIsMin : BitField{};
}

void add_memory_fields(std::vector<FieldValue>& fields, const MemoryFields& memory, const IsaLayout& layout) {
  fields.insert(fields.end(), {{"memory_type", kMemoryType, static_cast<int64_t>(memory.type)},
                               {"sram_base", kSramBase, memory.sram_base},
                               {"dram_base", kDramBase, memory.dram_base},
                               {"pad_is_min", pad_is_min_field(layout), memory.pad_is_min},
                               {"y_size", kYSize, memory.y_size},
                               {"x_size", kXSize, memory.x_size},
                               {"x_stride", kXStride, memory.x_stride},
                               {"y_pad_0", kYPad0, memory.y_pad_0},
                               {"y_pad_1", kYPad1, memory.y_pad_1},
                               {"x_pad_0", kXPad0, memory.x_pad_0},
                               {"x_pad_1", kXPad1, memory.x_pad_1}});
}

void add_loop_fields(std::vector<FieldValue>& fields, const LoopFields& loop, bool gemm, const IsaLayout& layout) {
  fields.insert(fields.end(), {{"reset", layout.reset, gemm && loop.reset},
                               {"uop_begin", layout.uop_begin, loop.uop_begin},
                               {"uop_end", layout.uop_end, loop.uop_end},
                               {"iter_out", layout.iter_out, loop.iter_out},
                               {"iter_in", layout.iter_in, loop.iter_in}});
  if (gemm) {
    fields.insert(fields.end(), {{"dst_out", layout.dst_out, loop.dst_out},
                                 {"dst_in", layout.dst_in, loop.dst_in},
                                 {"src_out", layout.gemm_src_out, loop.src_out},
                                 {"src_in", layout.gemm_src_in, loop.src_in},
                                 {"wgt_out", layout.wgt_out, loop.wgt_out},
                                 {"wgt_in", layout.wgt_in, loop.wgt_in}});
  } else {
    fields.insert(fields.end(), {{"dst_out", layout.alu_dst_out, loop.dst_out},
                                 {"dst_in", layout.alu_dst_in, loop.dst_in},
                                 {"src_out", layout.alu_src_out, loop.src_out},
                                 {"src_in", layout.alu_src_in, loop.src_in},
                                 {"alu_op", layout.alu_op, static_cast<int64_t>(loop.alu_op)},
                                 {"use_imm", layout.use_imm, loop.use_imm},
                                 {"imm", layout.imm, loop.use_imm ? loop.imm : 0, true}});
  }
}

MemoryFields decode_memory(const InstructionWord& word, const IsaLayout& layout) {
  MemoryFields memory;
  memory.type = static_cast<MemoryType>(get(word, kMemoryType));
  memory.pad_is_min = get(word, pad_is_min_field(layout)) != 0;
  memory.sram_base = get32(word, kSramBase);
  memory.dram_base = get32(word, kDramBase);
  memory.y_size = get32(word, kYSize);
  memory.x_size = get32(word, kXSize);
  memory.x_stride = get32(word, kXStride);
  memory.y_pad_0 = get32(word, kYPad0);
  memory.y_pad_1 = get32(word, kYPad1);
  memory.x_pad_0 = get32(word, kXPad0);
  memory.x_pad_1 = get32(word, kXPad1);
  return memory;
}

LoopFields decode_loop(const InstructionWord& word, bool gemm, const IsaLayout& layout) {
  LoopFields loop;
  loop.reset = gemm && get(word, layout.reset) != 0;
  loop.uop_begin = get32(word, layout.uop_begin);
  loop.uop_end = get32(word, layout.uop_end);
  loop.iter_out = get32(word, layout.iter_out);
  loop.iter_in = get32(word, layout.iter_in);
  loop.dst_out = get32(word, gemm ? layout.dst_out : layout.alu_dst_out);
  loop.dst_in = get32(word, gemm ? layout.dst_in : layout.alu_dst_in);
  loop.src_out = get32(word, gemm ? layout.gemm_src_out : layout.alu_src_out);
  loop.src_in = get32(word, gemm ? layout.gemm_src_in : layout.alu_src_in);
  if (gemm) {
    loop.wgt_out = get32(word, layout.wgt_out);
    loop.wgt_in = get32(word, layout.wgt_in);
  } else {
    loop.alu_op = static_cast<AluOp>(get(word, layout.alu_op));
    loop.use_imm = get(word, layout.use_imm) != 0;
    if (loop.use_imm) loop.imm = static_cast<int16_t>(get(word, layout.imm));
  }
  return loop;
}

uint32_t encode_uop_field(uint32_t value, BitField field, const char* name) {
  ARCO_CHECK((FieldValue{name, field, value}.fits()), "micro-op {} {} does not fit {} bits", name, value, field.width);
  return field.width == 0 ? 0 : value << field.begin;
}

uint32_t decode_uop_field(uint32_t word, BitField field) {
  return get32({word, 0}, field);
}

}  // namespace

AluOp last_alu_op(IsaVariant variant) {
  return variant == IsaVariant::kUp ? AluOp::kMul : AluOp::kMov;
}

IsaLayout::IsaLayout(const HardwareConfig& hardware) : variant(hardware.variant) {
  const int ud = hardware.log2_uop_depth(), id = hardware.log2_inp_depth();
  const int wd = hardware.log2_wgt_depth(), ad = hardware.log2_acc_depth();
  const bool up = variant == IsaVariant::kUp;
  Placer lo(kPushNext.begin + kPushNext.width);
  reset = lo.place(1);
  uop_begin = lo.place(ud);
  uop_end = lo.place(ud + 1);
  iter_out = lo.place(14);
  iter_in = lo.place(14);
  const int hi_begin = up ? lo.next() : kUnitBits;
  ARCO_CHECK(lo.next() <= kUnitBits, "the micro-op buffer has 2^{} entries; its indices do not fit the instruction",
             ud);

  Placer gemm(hi_begin);
  dst_out = gemm.place(ad);
  dst_in = gemm.place(ad);
  gemm_src_out = gemm.place(id);
  gemm_src_in = gemm.place(id);
  wgt_out = gemm.place(wd);
  wgt_in = gemm.place(wd);

  Placer alu(hi_begin);
  const int factor = up ? ad : std::min(ad, kMaxAluFactorBits);
  alu_dst_out = alu.place(factor);
  alu_dst_in = alu.place(factor);
  alu_src_out = alu.place(factor);
  alu_src_in = alu.place(factor);
  alu_op = alu.place(3);
  use_imm = alu.place(1);
  imm = alu.place(16);

  const int uop_src = up ? std::max(ad, id) : id;
  uop_dst = {0, ad};
  gemm_uop_src = {ad, uop_src};
  gemm_uop_wgt = {ad + uop_src, wd};
  alu_uop_src = {ad, up ? uop_src : ad};
  ARCO_CHECK(ad + uop_src + wd <= kUopBits && 2 * ad <= kUopBits, "the indices do not fit a micro-op of {} bits",
             kUopBits);
}

std::vector<FieldValue> fields_of(const Instruction& instruction, const IsaLayout& layout) {
  const Tokens& tokens = instruction.tokens;
  std::vector<FieldValue> fields;
  fields.reserve(20);
  fields.insert(fields.end(), {{"opcode", kOpcode, static_cast<int64_t>(instruction.opcode)},
                               {"pop_prev", kPopPrev, tokens.pop_prev},
                               {"pop_next", kPopNext, tokens.pop_next},
                               {"push_prev", kPushPrev, tokens.push_prev},
                               {"push_next", kPushNext, tokens.push_next}});
  switch (instruction.opcode) {
    case Opcode::kLoad:
    case Opcode::kStore:
      add_memory_fields(fields, instruction.memory, layout);
      break;
    case Opcode::kGemm:
    case Opcode::kAlu:
      add_loop_fields(fields, instruction.loop, instruction.opcode == Opcode::kGemm, layout);
      break;
    case Opcode::kFinish:
      break;
  }
  return fields;
}

InstructionWord encode(const Instruction& instruction, const IsaLayout& layout) {
  ARCO_CHECK(instruction.opcode != Opcode::kAlu || instruction.loop.alu_op <= last_alu_op(layout.variant),
             "ALU operation {} does not exist in variant {}", static_cast<int>(instruction.loop.alu_op),
             to_string(layout.variant));
  InstructionWord word{0, 0};
  for (const FieldValue& field : fields_of(instruction, layout)) {
    ARCO_CHECK(field.fits(), "{} {} does not fit {} bits", field.name, field.value, field.place.width);
    put(word, field.place, field.bits());
  }
  return word;
}

Decoded decode(const InstructionWord& word, const IsaLayout& layout) {
  Decoded result;
  Instruction& instruction = result.instruction;
  const uint64_t opcode = get(word, kOpcode);
  if (opcode > static_cast<uint64_t>(Opcode::kAlu)) {
    result.error = fmt::format("unknown opcode {}; 0 to 4 exist", opcode);
    return result;
  }
  instruction.opcode = static_cast<Opcode>(opcode);
  instruction.tokens = {get(word, kPopPrev) != 0, get(word, kPopNext) != 0, get(word, kPushPrev) != 0,
                        get(word, kPushNext) != 0};
  if (instruction.opcode == Opcode::kLoad || instruction.opcode == Opcode::kStore) {
    if (const uint64_t type = get(word, kMemoryType); type > static_cast<uint64_t>(MemoryType::kAcc8)) {
      result.error = fmt::format("unknown memory type {}; 0 to 5 exist", type);
      return result;
    }
    instruction.memory = decode_memory(word, layout);
  } else if (instruction.opcode != Opcode::kFinish) {
    const bool gemm = instruction.opcode == Opcode::kGemm;
    const AluOp last = last_alu_op(layout.variant);
    if (const uint64_t op = get(word, layout.alu_op); !gemm && op > static_cast<uint64_t>(last)) {
      result.error = fmt::format("unknown ALU operation {}; 0 to {} exist in variant {}", op, static_cast<int>(last),
                                 to_string(layout.variant));
      return result;
    }
    instruction.loop = decode_loop(word, gemm, layout);
  }
  return result;
}

uint32_t encode_gemm_uop(const MicroOp& uop, const IsaLayout& layout) {
  return encode_uop_field(uop.dst, layout.uop_dst, "dst") | encode_uop_field(uop.src, layout.gemm_uop_src, "src") |
         encode_uop_field(uop.wgt, layout.gemm_uop_wgt, "wgt");
}

uint32_t encode_alu_uop(const MicroOp& uop, const IsaLayout& layout) {
  return encode_uop_field(uop.dst, layout.uop_dst, "dst") | encode_uop_field(uop.src, layout.alu_uop_src, "src");
}

MicroOp decode_gemm_uop(uint32_t word, const IsaLayout& layout) {
  return {decode_uop_field(word, layout.uop_dst), decode_uop_field(word, layout.gemm_uop_src),
          decode_uop_field(word, layout.gemm_uop_wgt)};
}

MicroOp decode_alu_uop(uint32_t word, const IsaLayout& layout) {
  return {decode_uop_field(word, layout.uop_dst), decode_uop_field(word, layout.alu_uop_src), 0};
}

}  // namespace arco
