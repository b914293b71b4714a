// What hostile bytes are given to: one function for everything that reads from outside.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arco/base/error.h"

namespace arco {

// Each takes any bytes at all. It returns for good input and throws UserError for input that is refused as it should
// be; whatever else escapes, and every property that does not hold, is a bug of ours.

// A model, and the graph passes on it where it is small.
void fuzz_onnx(std::span<const uint8_t> bytes);
// vta_config.json; what is accepted is legal and survives writing and reading.
void fuzz_hardware(std::span<const uint8_t> bytes);
// design.json; the same.
void fuzz_design(std::span<const uint8_t> bytes);
// An .arco file, or what is inside its compressed frame (then without "ARCO").
void fuzz_executable(std::span<const uint8_t> bytes);
// A byte that chooses the hardware, a byte that counts instructions, these (16 bytes each), micro-ops. What decodes
// survives text and bits, and the functional simulator runs whatever the checker accepts.
void fuzz_program(std::span<const uint8_t> bytes);

// Input that is refused is no finding.
inline void run_target(void (*target)(std::span<const uint8_t>), std::span<const uint8_t> bytes) {
  try {
    target(bytes);
  } catch (const UserError& refused) {
    ARCO_CHECK(refused.what()[0] != '\0', "an error without a message");
  }
}

}  // namespace arco
