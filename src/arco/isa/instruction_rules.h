// The checker's rules that an instruction keeps or breaks by itself, or together with the micro-ops it uses.
#pragma once

#include "arco/isa/checker_report.h"
#include "arco/isa/encoding.h"
#include "arco/isa/program.h"

namespace arco {

// Rules of one instruction that need no micro-ops. False: it broke one that makes its fields meaningless.
bool check_instruction(const Program& program, const IsaLayout& layout, int64_t index, CheckReport& report);

// ALU rules: the source of immediates, and results read by the directly following step (vta-isa 3.5, 3.6).
void check_alu_steps(const LoopFields& loop, const std::vector<MicroOp>& uops, int64_t index, CheckReport& report);

}  // namespace arco
