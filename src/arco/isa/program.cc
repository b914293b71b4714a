// DRAM addresses of instructions count elements of their memory type; relocation works on bytes and turns the moved
// byte address back into elements. That is exact because every segment begins with a whole element.
#include "arco/isa/program.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "arco/base/error.h"
#include "arco/isa/encoding.h"
#include "arco/isa/segment_rules.h"

namespace arco {
namespace {

void check_new_addresses(const Program& program, const std::vector<uint64_t>& addresses) {
  ErrorList errors("relocation of " + program.name);
  std::vector<size_t> order(addresses.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return addresses[a] < addresses[b]; });
  const Segment* below = nullptr;
  uint64_t end = 0;
  for (const size_t i : order) {
    const Segment& segment = program.segments[i];
    const uint64_t alignment = segment_alignment(program.hardware, segment.kind);
    if (addresses[i] % alignment != 0 || addresses[i] < kPageBytes) {
      errors.add("segment {} cannot start at {:#x}; expected a multiple of {} from {:#x} on", segment.name,
                 addresses[i], alignment, kPageBytes);
    }
    if (below != nullptr && addresses[i] < end && !may_coincide(segment, *below)) {
      errors.add("segment {} at {:#x} overlaps {}, which ends at {:#x}", segment.name, addresses[i], below->name, end);
    }
    if (addresses[i] > UINT64_MAX - segment.bytes) {
      errors.add("segment {} at {:#x} with {} bytes ends beyond 2^64", segment.name, addresses[i], segment.bytes);
      break;
    }
    if (addresses[i] + segment.bytes <= end) continue;
    end = addresses[i] + segment.bytes;
    below = &segment;
  }
  errors.throw_if_any();
}

bool contains(const Segment& segment, const DramRange& range) {
  return range.begin >= segment.address && range.end >= range.begin && range.end - segment.address <= segment.bytes;
}

}  // namespace

const char* to_string(SegmentKind kind) {
  static constexpr const char* kNames[] = {"input", "residual", "weight", "bias", "uop", "instruction", "output"};
  const auto index = static_cast<size_t>(kind);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

uint64_t segment_alignment(const HardwareConfig& hardware, SegmentKind kind) {
  const bool activation = kind == SegmentKind::kInput || kind == SegmentKind::kResidual || kind == SegmentKind::kOutput;
  if (!activation) return kPageBytes;
  return static_cast<uint64_t>(std::max(hardware.inp_element_bytes(), hardware.out_element_bytes()));
}

bool may_coincide(const Segment& a, const Segment& b) {
  const auto is_operand = [](SegmentKind kind) {
    return kind == SegmentKind::kInput || kind == SegmentKind::kResidual;
  };
  return is_operand(a.kind) && is_operand(b.kind);
}

const Segment* Program::find(SegmentKind kind) const {
  const auto found = std::find_if(segments.begin(), segments.end(), [&](const Segment& s) { return s.kind == kind; });
  return found == segments.end() ? nullptr : &*found;
}

int64_t dram_element_bytes(const HardwareConfig& hardware, MemoryType type) {
  switch (type) {
    case MemoryType::kUop:
      return HardwareConfig::kUopElementBytes;
    case MemoryType::kWgt:
      return hardware.wgt_element_bytes();
    case MemoryType::kInp:
      return hardware.inp_element_bytes();
    case MemoryType::kAcc:
      return hardware.acc_element_bytes();
    case MemoryType::kOut:
    case MemoryType::kAcc8:
      break;
  }
  return hardware.out_element_bytes();
}

int64_t scratchpad_depth(const HardwareConfig& hardware, MemoryType type) {
  switch (type) {
    case MemoryType::kUop:
      return hardware.uop_depth();
    case MemoryType::kWgt:
      return hardware.wgt_depth();
    case MemoryType::kInp:
      return hardware.inp_depth();
    case MemoryType::kAcc:
    case MemoryType::kOut:
    case MemoryType::kAcc8:
      break;
  }
  return hardware.acc_depth();
}

uint64_t scratchpad_entries(const Instruction& instruction) {
  const MemoryFields& memory = instruction.memory;
  if (instruction.opcode == Opcode::kStore) return uint64_t{memory.y_size} * memory.x_size;
  return (uint64_t{memory.y_pad_0} + memory.y_size + memory.y_pad_1) *
         (uint64_t{memory.x_pad_0} + memory.x_size + memory.x_pad_1);
}

DramRange dram_range(const HardwareConfig& hardware, const MemoryFields& memory) {
  const auto bytes = static_cast<uint64_t>(dram_element_bytes(hardware, memory.type));
  const uint64_t begin = memory.dram_base * bytes;
  if (memory.x_size == 0 || memory.y_size == 0) return {begin, begin};
  const uint64_t elements = (uint64_t{memory.y_size} - 1) * memory.x_stride + memory.x_size;
  return {begin, begin + elements * bytes};
}

std::vector<uint8_t> instruction_bytes(const Program& program) {
  const IsaLayout layout(program.hardware);
  std::vector<uint8_t> bytes;
  bytes.reserve(program.instructions.size() * kInstructionBytes);
  for (const Instruction& instruction : program.instructions) {
    for (const uint64_t half : encode(instruction, layout)) {
      for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<uint8_t>(half >> shift));
    }
  }
  return bytes;
}

Program relocate(const Program& program, const std::vector<uint64_t>& new_addresses) {
  ARCO_CHECK(new_addresses.size() == program.segments.size(), "{} addresses for {} segments", new_addresses.size(),
             program.segments.size());
  check_new_addresses(program, new_addresses);
  ErrorList errors("relocation of " + program.name);
  Program moved = program;
  for (size_t i = 0; i < program.segments.size(); ++i) moved.segments[i].address = new_addresses[i];
  for (size_t i = 0; i < moved.instructions.size(); ++i) {
    Instruction& instruction = moved.instructions[i];
    const bool memory = instruction.opcode == Opcode::kLoad || instruction.opcode == Opcode::kStore;
    const DramRange range = dram_range(program.hardware, instruction.memory);
    if (!memory || range.begin == range.end) continue;
    const auto segment = std::find_if(program.segments.begin(), program.segments.end(),
                                      [&](const Segment& s) { return contains(s, range); });
    if (segment == program.segments.end()) {
      errors.add("instruction {} accesses DRAM {:#x} to {:#x}, which lies in no segment", i, range.begin, range.end);
      continue;
    }
    const uint64_t byte = range.begin - segment->address + new_addresses[segment - program.segments.begin()];
    const uint64_t element = byte / dram_element_bytes(program.hardware, instruction.memory.type);
    if (element > UINT32_MAX) {
      errors.add("instruction {} would need DRAM element {:#x}, beyond its 32 bits", i, element);
      continue;
    }
    instruction.memory.dram_base = static_cast<uint32_t>(element);
  }
  errors.throw_if_any();
  return moved;
}

}  // namespace arco
