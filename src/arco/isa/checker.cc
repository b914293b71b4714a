// The rules in four passes, each in its own file: the program as a whole (here), every instruction by itself
// (instruction_rules), the order tokens enforce (token_order), what the scratchpads hold (scratchpad_rules).
#include "arco/isa/checker.h"

#include <algorithm>
#include <limits>

#include "arco/isa/checker_report.h"
#include "arco/isa/instruction_rules.h"
#include "arco/isa/scratchpad_rules.h"
#include "arco/isa/segment_rules.h"
#include "arco/isa/token_order.h"

namespace arco {
namespace {

void check_end(const Program& program, CheckReport& report) {
  const auto& instructions = program.instructions;
  if (instructions.size() >= std::numeric_limits<uint32_t>::max()) {
    report.add(-1, "program-end", "{} instructions; the counter has 32 bits", instructions.size());
  }
  if (instructions.empty() || instructions.back().opcode != Opcode::kFinish) {
    report.add(-1, "program-end", "the last instruction is not FINISH");
  }
  for (size_t i = 0; i + 1 < instructions.size(); ++i) {
    if (instructions[i].opcode != Opcode::kFinish) continue;
    report.add(static_cast<int64_t>(i), "program-end", "FINISH at {} of {} instructions; nothing may follow it", i,
               instructions.size());
  }
}

void check_room(const Program& program, SegmentKind kind, uint64_t needed, CheckReport& report) {
  const Segment* segment = program.find(kind);
  if (segment != nullptr && segment->bytes < needed) {
    report.add(-1, "segments", "segment {} has {} bytes, but its contents need {}", segment->name, segment->bytes,
               needed);
  }
  if (segment == nullptr && kind == SegmentKind::kUop && needed != 0) {
    report.add(-1, "segments", "there are {} bytes of micro-ops, but no segment for them", needed);
  }
}

void check_segments(const Program& program, CheckReport& report) {
  std::vector<const Segment*> sorted;
  for (const Segment& segment : program.segments) {
    sorted.push_back(&segment);
    const uint64_t alignment = segment_alignment(program.hardware, segment.kind);
    if (segment.address % alignment != 0 || segment.address < kPageBytes) {
      report.add(-1, "segments", "segment {} starts at {:#x}; expected a multiple of {} from {:#x} on", segment.name,
                 segment.address, alignment, kPageBytes);
    }
    if (segment.bytes > std::numeric_limits<uint64_t>::max() - segment.address) {
      report.add(-1, "segments", "segment {} at {:#x} with {} bytes ends beyond 2^64", segment.name, segment.address,
                 segment.bytes);
    }
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Segment* a, const Segment* b) { return a->address < b->address; });
  for (auto above = sorted.begin(); above != sorted.end(); ++above) {
    for (auto below = sorted.begin(); below != above; ++below) {
      const bool overlap = (*above)->address - (*below)->address < (*below)->bytes;
      if (!overlap || may_coincide(**above, **below)) continue;
      report.add(-1, "segments", "segment {} at {:#x} overlaps {}, which has {} bytes from {:#x}", (*above)->name,
                 (*above)->address, (*below)->name, (*below)->bytes, (*below)->address);
    }
  }
  check_room(program, SegmentKind::kUop, program.micro_ops.size() * HardwareConfig::kUopElementBytes, report);
  check_room(program, SegmentKind::kInstruction, program.instructions.size() * kInstructionBytes, report);
}

}  // namespace

std::vector<Violation> check_program(const Program& program, size_t limit) {
  CheckReport report;
  for (const std::string& problem : program.hardware.violations()) report.add(-1, "hardware", "{}", problem);
  if (report.size() == 0) {
    const IsaLayout layout(program.hardware);
    check_end(program, report);
    check_segments(program, report);
    std::vector<bool> usable(program.instructions.size());
    for (size_t i = 0; i < program.instructions.size(); ++i) {
      usable[i] = check_instruction(program, layout, static_cast<int64_t>(i), report);
    }
    const TokenOrder tokens = order_by_tokens(program.instructions);
    for (const TokenProblem& problem : tokens.problems) {
      report.add(problem.instruction, problem.rule.c_str(), "{}", problem.detail);
    }
    check_scratchpads(program, layout, tokens, usable, report);
  }
  std::vector<Violation>& violations = report.violations();
  std::stable_sort(violations.begin(), violations.end(),
                   [](const Violation& a, const Violation& b) { return a.instruction < b.instruction; });
  if (limit != 0 && violations.size() > limit) violations.resize(limit);
  return std::move(violations);
}

}  // namespace arco
