// The checker's rules about what the scratchpads hold: entries read before they are written, stores of entries that no
// ALU or GEMM step made, and accesses of two modules that no token orders.
#pragma once

#include "arco/isa/checker_report.h"
#include "arco/isa/encoding.h"
#include "arco/isa/program.h"
#include "arco/isa/token_order.h"

namespace arco {

// `usable[i]`: instruction i passed check_instruction. Also checks the rules that need the micro-ops in use.
void check_scratchpads(const Program& program, const IsaLayout& layout, const TokenOrder& tokens,
                       const std::vector<bool>& usable, CheckReport& report);

}  // namespace arco
