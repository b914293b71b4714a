// A program of arbitrary bits on a fixed map of DRAM:
//
//   page 0 | input | residual | weight | bias | output | micro-ops | instructions
//
// Independent parts of ARCO must agree about it: decoding and encoding, disassembling and assembling, and the checker
// (from the rules) with the functional simulator (from the semantics), which refuses what would go wrong.
#include "arco/fuzz/fuzz_program.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "arco/base/error.h"
#include "arco/fuzz/fuzz_targets.h"
#include "arco/isa/assembler.h"
#include "arco/isa/checker.h"
#include "arco/isa/encoding.h"
#include "arco/sim/functional.h"

namespace arco {

namespace {

constexpr uint64_t kSegmentBytes = 16 * kPageBytes;
constexpr uint64_t kMostSteps = 1 << 20;  // run no longer than this
constexpr size_t kMostMicroOps = 1024;

HardwareConfig chip(IsaVariant variant, int log2_batch, int log2_block_in, int log2_block_out, int buffers) {
  HardwareConfig hardware;
  hardware.variant = variant;
  hardware.log2_batch = log2_batch;
  hardware.log2_block_in = log2_block_in;
  hardware.log2_block_out = log2_block_out;
  hardware.log2_uop_buffer += buffers;
  hardware.log2_inp_buffer += buffers;
  hardware.log2_wgt_buffer += buffers;
  hardware.log2_acc_buffer += buffers;
  return hardware;
}

uint64_t little_endian(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

constexpr std::array<SegmentKind, 7> kKinds{SegmentKind::kInput,      SegmentKind::kResidual, SegmentKind::kWeight,
                                            SegmentKind::kBias,       SegmentKind::kOutput,   SegmentKind::kUop,
                                            SegmentKind::kInstruction};

uint64_t address_of(SegmentKind kind) {
  const auto place = std::ranges::find(kKinds, kind) - kKinds.begin();
  return kPageBytes + static_cast<uint64_t>(place) * kSegmentBytes;
}

// Adds the instruction of these bits if they are one, after checking that text and bits give it back.
void add_instruction(Program& program, const InstructionWord& word, const IsaLayout& layout) {
  const Decoded decoded = decode(word, layout);
  if (!decoded.error.empty()) return;
  const Instruction& instruction = decoded.instruction;
  ARCO_CHECK(decode(encode(instruction, layout), layout).instruction == instruction, "bits change the instruction {}",
             disassemble(instruction));
  ARCO_CHECK(assemble(disassemble(instruction)) == instruction, "text changes the instruction {}",
             disassemble(instruction));
  program.instructions.push_back(instruction);
}

void run(const Program& program) {
  std::vector<uint8_t> dram(program.segments.back().address + kSegmentBytes);
  const Segment* uops = program.find(SegmentKind::kUop);
  std::memcpy(dram.data() + uops->address, program.micro_ops.data(), program.micro_ops.size() * sizeof(uint32_t));
  const Segment* code = program.find(SegmentKind::kInstruction);
  std::ranges::copy(instruction_bytes(program), dram.begin() + static_cast<std::ptrdiff_t>(code->address));
  run_functional(program.hardware, dram, code->address, program.instructions.size());
}

}  // namespace

const std::vector<HardwareConfig>& fuzz_chips() {
  static const std::vector<HardwareConfig> chips{
      HardwareConfig{}, chip(IsaVariant::kVtaPlus, 0, 4, 4, 0), chip(IsaVariant::kVtaPlus, 1, 3, 5, -2),
      chip(IsaVariant::kUp, 0, 2, 2, -6), chip(IsaVariant::kVtaPlus, 0, 6, 4, 0)};
  return chips;
}

Program fuzz_program_of(std::span<const uint8_t> bytes) {
  Program program;
  program.name = "fuzz";
  program.hardware = fuzz_chips()[bytes[0] % fuzz_chips().size()];
  const IsaLayout layout(program.hardware);
  const size_t count = bytes[1];
  bytes = bytes.subspan(2);
  for (size_t i = 0; i < count && bytes.size() >= kInstructionBytes; ++i, bytes = bytes.subspan(kInstructionBytes)) {
    add_instruction(program, {little_endian(bytes.first(8)), little_endian(bytes.subspan(8, 8))}, layout);
  }
  for (; bytes.size() >= 4 && program.micro_ops.size() < kMostMicroOps; bytes = bytes.subspan(4)) {
    program.micro_ops.push_back(static_cast<uint32_t>(little_endian(bytes.first(4))));
  }
  for (const SegmentKind kind : kKinds) {
    program.segments.push_back({kind, to_string(kind), address_of(kind), kSegmentBytes});
  }
  return program;
}

void fuzz_program(std::span<const uint8_t> bytes) {
  if (bytes.size() < 2) return;
  const Program program = fuzz_program_of(bytes);
  disassemble(program);
  uint64_t steps = 0;
  for (const Instruction& instruction : program.instructions) steps += instruction.loop.steps();
  if (check_program(program).empty() && steps <= kMostSteps) run(program);
}

std::vector<uint8_t> fuzz_bytes(const Program& original, size_t chip) {
  std::vector<uint64_t> addresses;
  for (const Segment& segment : original.segments) {
    ARCO_CHECK(segment.bytes <= kSegmentBytes, "segment {} has {} bytes", segment.name, segment.bytes);
    addresses.push_back(address_of(segment.kind));
  }
  const Program program = relocate(original, addresses);
  ARCO_CHECK(program.instructions.size() < 256, "{} instructions are too many for a byte", program.instructions.size());
  std::vector<uint8_t> bytes{static_cast<uint8_t>(chip), static_cast<uint8_t>(program.instructions.size())};
  std::ranges::copy(instruction_bytes(program), std::back_inserter(bytes));
  for (const uint32_t micro_op : program.micro_ops) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<uint8_t>(micro_op >> shift));
  }
  return bytes;
}

}  // namespace arco
