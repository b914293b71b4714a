// Names of the instruction set's enumerations, as the assembler text spells them.
#include "arco/isa/instruction.h"

#include <cstddef>

namespace arco {
namespace {

template <typename Enum, size_t size>
const char* name_of(Enum value, const char* const (&names)[size]) {
  const auto index = static_cast<size_t>(value);
  return index < size ? names[index] : "unknown";
}

}  // namespace

const char* to_string(Opcode opcode) {
  static constexpr const char* kNames[] = {"load", "store", "gemm", "finish", "alu"};
  return name_of(opcode, kNames);
}

const char* to_string(MemoryType type) {
  static constexpr const char* kNames[] = {"uop", "wgt", "inp", "acc", "out", "acc8"};
  return name_of(type, kNames);
}

const char* to_string(AluOp op) {
  static constexpr const char* kNames[] = {"min", "max", "add", "shr", "mul", "clp", "mov"};
  return name_of(op, kNames);
}

const char* to_string(Module module) {
  static constexpr const char* kNames[] = {"load", "compute", "store"};
  return name_of(module, kNames);
}

}  // namespace arco
