// Instruction streams for tests and benchmarks of the cycle simulator.
#pragma once

#include <cstdint>
#include <vector>

#include "arco/isa/instruction.h"

namespace arco::cycle {

inline Instruction load(MemoryType type, uint32_t x_size, uint32_t y_size = 1, uint32_t x_stride = 0,
                        uint32_t dram_base = 0) {
  Instruction instruction;
  instruction.opcode = Opcode::kLoad;
  instruction.memory.type = type;
  instruction.memory.x_size = x_size;
  instruction.memory.y_size = y_size;
  instruction.memory.x_stride = x_stride == 0 ? x_size : x_stride;
  instruction.memory.dram_base = dram_base;
  return instruction;
}

inline Instruction store(uint32_t x_size, uint32_t y_size = 1, uint32_t x_stride = 0, uint32_t dram_base = 0) {
  Instruction instruction = load(MemoryType::kOut, x_size, y_size, x_stride, dram_base);
  instruction.opcode = Opcode::kStore;
  return instruction;
}

inline Instruction steps(Opcode opcode, uint32_t outer, uint32_t inner, uint32_t micro_ops) {
  Instruction instruction;
  instruction.opcode = opcode;
  instruction.loop.iter_out = outer;
  instruction.loop.iter_in = inner;
  instruction.loop.uop_end = micro_ops;
  return instruction;
}
inline Instruction gemm(uint32_t outer, uint32_t inner = 1, uint32_t micro_ops = 1) {
  return steps(Opcode::kGemm, outer, inner, micro_ops);
}
inline Instruction gemm_reset(uint32_t outer, uint32_t inner = 1, uint32_t micro_ops = 1) {
  Instruction instruction = gemm(outer, inner, micro_ops);
  instruction.loop.reset = true;
  return instruction;
}
inline Instruction alu(uint32_t outer, bool use_imm) {
  Instruction instruction = steps(Opcode::kAlu, outer, 1, 1);
  instruction.loop.use_imm = use_imm;
  return instruction;
}
inline Instruction finish() {
  return Instruction{};
}

// A no-op of each module: a transfer of nothing.
inline Instruction load_no_op() {
  return load(MemoryType::kInp, 0, 0);
}
inline Instruction compute_no_op() {
  return load(MemoryType::kUop, 0, 0);
}
inline Instruction store_no_op() {
  return store(0, 0);
}

inline Instruction with(Instruction instruction, bool pop_prev, bool pop_next, bool push_prev, bool push_next) {
  instruction.tokens = {pop_prev, pop_next, push_prev, push_next};
  return instruction;
}

// One tile's work in a convolution-like stream.
struct TileShape {
  uint32_t inp_columns = 30, inp_rows = 9, inp_pad = 1;  // with stride 56
  uint32_t wgt = 72;
  uint32_t outer = 28, inner = 3, micro_ops = 24;
  uint32_t out = 224;
  uint32_t reductions = 4;
};

// Two virtual threads with double-buffered loads, as in vta-isa 5.5; `tiles` is even.
inline std::vector<Instruction> convolution_stream(uint32_t tiles, const TileShape& shape = {}) {
  std::vector<Instruction> stream;
  for (int thread = 0; thread < 2; ++thread) stream.push_back(with(store_no_op(), false, false, true, false));
  for (uint32_t tile = 0; tile < tiles; tile += 2) {
    for (int thread = 0; thread < 2; ++thread) {
      stream.push_back(load(MemoryType::kUop, shape.micro_ops));
      stream.push_back(with(gemm_reset(shape.outer, 1, shape.out / shape.outer), false, true, true, false));
    }
    for (uint32_t k = 0; k < shape.reductions; ++k) {
      for (int thread = 0; thread < 2; ++thread) {
        Instruction inp =
            load(MemoryType::kInp, shape.inp_columns - shape.inp_pad, shape.inp_rows - shape.inp_pad, 56, tile * 64);
        inp.memory.y_pad_0 = inp.memory.x_pad_0 = shape.inp_pad;
        stream.push_back(with(inp, false, true, false, false));
        stream.push_back(with(load(MemoryType::kWgt, shape.wgt, 1, 0, k * shape.wgt), false, false, false, true));
        stream.push_back(with(gemm(shape.outer, shape.inner, shape.micro_ops), true, false, true, false));
      }
    }
    for (int thread = 0; thread < 2; ++thread) {
      stream.push_back(with(load_no_op(), false, true, false, false));
      stream.push_back(load(MemoryType::kAcc, 4));
      stream.push_back(alu(shape.out, false));
      for (int op = 0; op < 3; ++op) stream.push_back(alu(shape.out, true));
      stream.back().tokens.push_next = true;
      stream.push_back(with(store(shape.out / 8, 8, 56, tile * 64), true, false, true, false));
    }
  }
  for (int thread = 0; thread < 2; ++thread) stream.push_back(with(compute_no_op(), false, true, false, false));
  stream.push_back(finish());
  return stream;
}

}  // namespace arco::cycle
