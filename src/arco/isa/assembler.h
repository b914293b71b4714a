// Text form of instructions: `arco inspect --disassemble` writes it, tests read it back.
#pragma once

#include <string>

#include "arco/isa/encoding.h"
#include "arco/isa/program.h"

namespace arco {

// One line, for instance
//   "load.inp  [pop_next push_next] sram 0 dram 0x1000 y 9 x 14 stride 56 pad 1,0,1,1"
//   "gemm      [pop_prev] uop 0..36 out 14 in 7 dst 14,1 src 16,1 wgt 0,0"
std::string disassemble(const Instruction& instruction);
// The inverse. Throws UserError naming the column and what was expected.
Instruction assemble(const std::string& line);
// The whole program with index, raw words, text and the micro-ops each compute instruction uses.
std::string disassemble(const Program& program);

}  // namespace arco
