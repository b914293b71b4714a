// The arithmetic of one ALU instruction.
#pragma once

#include <cstdint>
#include <span>

#include "arco/isa/instruction.h"

namespace arco {

// acc: [entry][lanes] with lanes = BATCH*BLOCK_OUT; every index that the loops reach lies inside.
struct AluTask {
  int32_t* acc = nullptr;
  int64_t lanes = 16;
  LoopFields loop;
  std::span<const MicroOp> uops;  // of [uop_begin, uop_end)
};

// For every step, in order: ACC[dst] = ACC[dst] op ACC[src], or ACC[dst] = ACC[src] op imm. (Variant up reads ACC[dst]
// for immediates: the caller gives it src = dst.)
void run_alu(const AluTask& task);

// One lane of an operation: the definition (docs/isa.md). Shifts by 32 and more give what 31 single shifts and more
// would: 0 or -1 to the right, 0 to the left.
int32_t alu_lane(AluOp op, int32_t x, int32_t y);

}  // namespace arco
