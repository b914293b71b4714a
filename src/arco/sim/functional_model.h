// For tests: the instruction set once more, as plainly as the document puts it, and random programs to compare with.
#pragma once

#include <cstdint>
#include <vector>

#include "arco/base/random.h"
#include "arco/hardware/hardware_config.h"
#include "arco/isa/instruction.h"

namespace arco {

// Executes the instructions one after the other; tokens are ignored.
void run_model(const HardwareConfig& hardware, const std::vector<Instruction>& instructions,
               std::vector<uint8_t>& dram);

// Small buffers, any block sizes, either variant.
HardwareConfig random_hardware(Random& random);

struct RandomProgram {
  std::vector<uint8_t> dram;
  uint64_t instruction_address = 0;
  std::vector<Instruction> instructions;
};

// Loads, a few GEMM and ALU instructions, then stores of all four bytes of every accumulator. Tokens order everything.
RandomProgram random_program(const HardwareConfig& hardware, Random& random);

// The instructions in DRAM take more steps than a test should.
bool too_long(const RandomProgram& program, const HardwareConfig& hardware);

}  // namespace arco
