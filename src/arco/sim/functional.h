// Executes a program's bits on an image of DRAM exactly as docs/isa.md says: decodes the instruction stream and the
// micro-ops from memory, respects tokens, checks every access. Knows nothing of the compiler.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "arco/hardware/hardware_config.h"

namespace arco {

struct FunctionalResult {
  uint64_t instructions = 0;  // executed
  uint64_t gemm_steps = 0;    // resets included
  uint64_t alu_steps = 0;
  uint64_t dram_read_bytes = 0;  // of LOADs; instructions are not counted
  uint64_t dram_written_bytes = 0;
};

// A program that takes more steps than this is refused: 2^36, several times what VGG-16 takes on the smallest
// accelerator.
constexpr uint64_t kMaxFunctionalSteps = uint64_t{1} << 36;

// Runs `count` instructions stored at byte address `address` of `dram` until FINISH; what stands behind FINISH is
// ignored. Scratchpads start as zeros. Throws RunError naming the instruction for illegal hardware, an undecodable
// instruction, an illegal memory type or token flag, an access out of bounds, a deadlock, a missing FINISH, FINISH
// before the other modules are done, or too many steps; `dram` may then be partly changed.
// `order_seed` varies which ready module goes first: results must not depend on it.
FunctionalResult run_functional(const HardwareConfig& hardware, std::span<uint8_t> dram, uint64_t address,
                                uint64_t count, uint64_t order_seed = 0);

}  // namespace arco
