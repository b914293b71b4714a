// Finds every rule of the instruction set (docs/isa.md) that a program breaks, independently of the lowering:
// field widths, buffer and DRAM bounds, zero loops, illegal token flags, token balance and queue limits, deadlock,
// entries read before written, stores of entries not written by ALU or GEMM since their last load or reset (3.3),
// read-after-write in consecutive ALU steps (3.6), immediate with src != dst (3.5), accesses outside the segments,
// micro-ops used before being loaded, data races between modules that no token orders.
#pragma once

#include <string>
#include <vector>

#include "arco/isa/program.h"

namespace arco {

struct Violation {
  int64_t instruction = -1;  // index, or -1 for the whole program
  std::string rule;          // short name, for instance "sram-bounds"
  std::string detail;        // with numbers: needed, available
};

// At most `limit` violations, in program order. `limit` 0: all.
std::vector<Violation> check_program(const Program& program, size_t limit = 100);

}  // namespace arco
