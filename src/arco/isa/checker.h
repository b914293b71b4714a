// Finds every rule of the instruction set (docs/isa.md, "Rules") that a program breaks, independently of the lowering.
//
//   hardware, program-end, segments                          the program as a whole
//   field-width, alu-op, memory-type, zero-size, pad,        one instruction by itself
//   sram-bounds, dram-segment, zero-loop, shift-range
//   uop-not-loaded, index-bounds, immediate-source,          an instruction with the micro-ops it uses
//   alu-hazard
//   token-flag, deadlock, token-balance, queue-limit,        the order that tokens enforce
//   finish-order
//   read-before-write, store-not-computed, data-race         what the scratchpads hold
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

// At most `limit` violations, in program order. `limit` 0: all. When the hardware is illegal, nothing else is checked.
// An instruction that breaks a rule by itself does not take part in the rules about scratchpads.
std::vector<Violation> check_program(const Program& program, size_t limit = 100);

}  // namespace arco
