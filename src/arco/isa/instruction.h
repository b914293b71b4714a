// Instructions and micro-ops as values; encoding.h turns them into bits. Semantics: docs/isa.md.
#pragma once

#include <cstdint>

namespace arco {

enum class Opcode : uint8_t { kLoad = 0, kStore = 1, kGemm = 2, kFinish = 3, kAlu = 4 };
enum class MemoryType : uint8_t { kUop = 0, kWgt = 1, kInp = 2, kAcc = 3, kOut = 4, kAcc8 = 5 };
// The values are the bits of the field. kClp and kMov exist in vta++ only.
enum class AluOp : uint8_t { kMin, kMax, kAdd, kShr, kMul, kClp, kMov };
// Names of the assembler text: "load", "inp", "add" ...
const char* to_string(Opcode opcode);
const char* to_string(MemoryType type);
const char* to_string(AluOp op);
// Which module executes an instruction.
enum class Module : uint8_t { kLoad = 0, kCompute = 1, kStore = 2 };
const char* to_string(Module module);  // "load", "compute", "store"

// Tokens taken before and given after execution. "prev" of compute is load, "next" is store.
struct Tokens {
  bool pop_prev = false;
  bool pop_next = false;
  bool push_prev = false;
  bool push_next = false;
  bool operator==(const Tokens&) const = default;
};

// LOAD and STORE: y_size rows of x_size elements; addresses and strides in elements of the memory type.
struct MemoryFields {
  MemoryType type = MemoryType::kUop;
  bool pad_is_min = false;  // vta++: padding is the most negative int8 (INP, ACC8) or int32 (ACC) instead of zero
  uint32_t sram_base = 0;
  uint32_t dram_base = 0;
  uint32_t y_size = 0;
  uint32_t x_size = 0;
  uint32_t x_stride = 0;
  uint32_t y_pad_0 = 0;
  uint32_t y_pad_1 = 0;
  uint32_t x_pad_0 = 0;
  uint32_t x_pad_1 = 0;
  bool operator==(const MemoryFields&) const = default;
};

// GEMM and ALU: for o < iter_out, i < iter_in, u in [uop_begin, uop_end): index = uop field + o*out + i*in.
struct LoopFields {
  bool reset = false;  // GEMM only
  uint32_t uop_begin = 0;
  uint32_t uop_end = 0;
  uint32_t iter_out = 1;
  uint32_t iter_in = 1;
  uint32_t dst_out = 0;
  uint32_t dst_in = 0;
  uint32_t src_out = 0;
  uint32_t src_in = 0;
  uint32_t wgt_out = 0;  // GEMM only
  uint32_t wgt_in = 0;   // GEMM only
  AluOp alu_op = AluOp::kMin;
  bool use_imm = false;
  int32_t imm = 0;  // 16 bits, signed; zero unless use_imm
  bool operator==(const LoopFields&) const = default;
  // Steps the instruction executes.
  uint64_t steps() const { return uint64_t{iter_out} * iter_in * (uop_end > uop_begin ? uop_end - uop_begin : 0); }
};

struct Instruction {
  Opcode opcode = Opcode::kFinish;
  Tokens tokens;
  MemoryFields memory;  // LOAD, STORE; zero otherwise
  LoopFields loop;      // GEMM, ALU; zero otherwise (iter 1)
  bool operator==(const Instruction&) const = default;

  // LOAD, STORE: moves nothing, handles tokens only.
  bool is_no_op() const { return (opcode == Opcode::kLoad || opcode == Opcode::kStore) && memory.x_size == 0; }

  Module module() const {
    if (opcode == Opcode::kStore) return Module::kStore;
    const bool loads_buffer = memory.type == MemoryType::kInp || memory.type == MemoryType::kWgt;
    return opcode == Opcode::kLoad && loads_buffer ? Module::kLoad : Module::kCompute;
  }
};

struct MicroOp {
  uint32_t dst = 0;
  uint32_t src = 0;
  uint32_t wgt = 0;  // GEMM only
  bool operator==(const MicroOp&) const = default;
};

}  // namespace arco
