// Text form of instructions: `arco inspect --disassemble` writes it, tests read it back.
#pragma once

#include <string>

#include "arco/isa/encoding.h"
#include "arco/isa/program.h"

namespace arco {

// One line, for instance
//   "load.inp   [pop_next push_next] sram 0 dram 0x1000 y 9 x 14 stride 56 pad 1,0,1,1"
//   "gemm       [pop_prev] uop 0..36 out 14 in 7 dst 14,1 src 16,1 wgt 0,0"
//   "gemm.reset uop 0..8 out 2 in 4 dst 8,1 src 0,0 wgt 0,0"
//   "alu.shr    uop 0..16 out 4 in 8 dst 128,16 src 128,16 imm 8"
//   "store.out  [pop_prev] sram 64 dram 0x3000 y 2 x 8 stride 56"
//   "finish"
// Pads are y_pad_0, y_pad_1, x_pad_0, x_pad_1, left out when all are zero; "pad_min" follows where pad_is_min is set.
// Pairs are the factors of the outer and the inner loop.
std::string disassemble(const Instruction& instruction);
// The inverse; fields stand in the order above, numbers are decimal or 0x hexadecimal. Throws UserError naming the
// column (from 1) and what was expected there.
Instruction assemble(const std::string& line);
// The whole program with index, raw words, text and the micro-ops each compute instruction uses.
std::string disassemble(const Program& program);

}  // namespace arco
