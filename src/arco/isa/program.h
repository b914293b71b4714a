// A program for the accelerator and the map of the DRAM it works on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/isa/instruction.h"

namespace arco {

enum class SegmentKind { kInput, kResidual, kWeight, kBias, kUop, kInstruction, kOutput };
const char* to_string(SegmentKind kind);

// A range of physical DRAM from the second page on (the first stays unused), aligned as segment_rules.h says.
struct Segment {
  SegmentKind kind = SegmentKind::kInput;
  std::string name;
  uint64_t address = 0;
  uint64_t bytes = 0;
};
constexpr uint64_t kPageBytes = 4096;
// A layer may read one tensor, or one and a part of it, as input and as residual (x + f(x)): these may share bytes.
bool may_coincide(const Segment& a, const Segment& b);

struct Program {
  std::string name;
  HardwareConfig hardware;
  std::vector<Instruction> instructions;  // ends with FINISH
  std::vector<uint32_t> micro_ops;        // encoded; the image of the kUop segment
  std::vector<Segment> segments;

  const Segment* find(SegmentKind kind) const;  // the first of that kind, or nullptr
};

// Bytes of one DRAM element of a memory type: the unit of dram_base and x_stride.
int64_t dram_element_bytes(const HardwareConfig& hardware, MemoryType type);

// Entries of the scratchpad that a memory type names.
int64_t scratchpad_depth(const HardwareConfig& hardware, MemoryType type);

// Entries a LOAD fills (padding included) or a STORE reads.
uint64_t scratchpad_entries(const Instruction& instruction);

// What a LOAD or STORE touches in DRAM: bytes [begin, end), from the first row's start to the last row's end.
// Empty (begin = end) for no-ops and y_size 0.
struct DramRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};
DramRange dram_range(const HardwareConfig& hardware, const MemoryFields& memory);

// The program's instructions as bytes, 16 each.
std::vector<uint8_t> instruction_bytes(const Program& program);

// Moves segment i to new_addresses[i], rewriting every DRAM address of the instructions (no-ops keep theirs).
// Throws UserError when a new address is on the first page or not aligned (segment_rules.h), two segments would overlap
// (but see may_coincide), an address would leave its 32-bit field, or an instruction's accesses lie in no segment.
Program relocate(const Program& program, const std::vector<uint64_t>& new_addresses);

}  // namespace arco
