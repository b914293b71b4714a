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
  uint64_t gemm_steps = 0;
  uint64_t alu_steps = 0;
  uint64_t dram_read_bytes = 0;
  uint64_t dram_written_bytes = 0;
};

// Runs `count` instructions stored at byte address `address` of `dram` until FINISH. Throws RunError naming the
// instruction for an undecodable instruction, an access out of bounds, a deadlock, or a missing FINISH.
// `order_seed` varies which ready module goes first: results must not depend on it.
FunctionalResult run_functional(const HardwareConfig& hardware, std::span<uint8_t> dram, uint64_t address, uint64_t count,
                                uint64_t order_seed = 0);

}  // namespace arco
