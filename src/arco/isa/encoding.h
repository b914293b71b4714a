// Bits of instructions and micro-ops (vta-isa 2). Positions of GEMM and ALU fields depend on the configuration.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/isa/instruction.h"

namespace arco {

// [0]: bits 0..63, [1]: bits 64..127. In memory both little-endian, [0] first.
using InstructionWord = std::array<uint64_t, 2>;
constexpr uint64_t kInstructionBytes = 16;

// A field's place: bits [begin, begin + width) of the 128; width 0: absent.
struct BitField {
  int begin = 0;
  int width = 0;
};

// Places of all configuration-dependent fields.
struct IsaLayout {
  // Throws InternalError when the fields of a (then illegal) configuration do not fit their 32, 64 or 128 bits.
  explicit IsaLayout(const HardwareConfig& hardware);

  IsaVariant variant;
  BitField reset, uop_begin, uop_end, iter_out, iter_in;
  BitField dst_out, dst_in;          // GEMM
  BitField alu_dst_out, alu_dst_in;  // as GEMM's in up; in vta++ at most 11 bits wide
  BitField gemm_src_out, gemm_src_in, wgt_out, wgt_in;
  BitField alu_src_out, alu_src_in, alu_op, use_imm, imm;
  // Micro-op, 32 bits.
  BitField uop_dst, gemm_uop_src, gemm_uop_wgt, alu_uop_src;
};

// The ALU operations of a variant are those from kMin to this one.
AluOp last_alu_op(IsaVariant variant);

// A field of an instruction with the value that goes there.
struct FieldValue {
  const char* name;
  BitField place;  // at most 32 bits wide
  int64_t value;
  bool is_signed = false;  // two's complement
  bool fits() const {
    const int64_t values = int64_t{1} << place.width;
    return is_signed ? value >= -values / 2 && value < values / 2 : value >= 0 && value < values;
  }
  uint64_t bits() const { return static_cast<uint64_t>(value) & ((uint64_t{1} << place.width) - 1); }
};
// All fields of an instruction, in the order of their bits.
std::vector<FieldValue> fields_of(const Instruction& instruction, const IsaLayout& layout);

// Throws InternalError when a value does not fit its field (the checker reports such programs first).
InstructionWord encode(const Instruction& instruction, const IsaLayout& layout);
// A decoded instruction (bits that belong to no field are ignored, as the hardware does), or why the bits are not one
// (unknown opcode, memory type, ALU op).
struct Decoded {
  Instruction instruction;
  std::string error;  // empty: valid
};
Decoded decode(const InstructionWord& word, const IsaLayout& layout);

// Throw InternalError when an index does not fit, as encode does.
uint32_t encode_gemm_uop(const MicroOp& uop, const IsaLayout& layout);
uint32_t encode_alu_uop(const MicroOp& uop, const IsaLayout& layout);
MicroOp decode_gemm_uop(uint32_t word, const IsaLayout& layout);
MicroOp decode_alu_uop(uint32_t word, const IsaLayout& layout);

}  // namespace arco
