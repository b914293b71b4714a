// The bytes of fuzz_program (fuzz_targets.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arco/isa/program.h"

namespace arco {

// Chips that the first byte chooses from.
const std::vector<HardwareConfig>& fuzz_chips();

// The bytes that fuzz_program reads as this program for the chip of that index. At most 255 instructions and 64 KiB a
// segment.
std::vector<uint8_t> fuzz_bytes(const Program& program, size_t chip);
// The program that fuzz_program makes of them, without the instructions that do not decode. At least two bytes.
Program fuzz_program_of(std::span<const uint8_t> bytes);

}  // namespace arco
