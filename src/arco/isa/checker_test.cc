#include "arco/isa/checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/base/random.h"
#include "arco/isa/assembler.h"
#include "arco/isa/index_set.h"

namespace arco {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// 16 input entries times one weight entry, shifted and stored. It keeps every rule.
Program good_program(IsaVariant variant = IsaVariant::kUp) {
  Program program;
  program.name = "good";
  program.hardware.variant = variant;
  program.segments = {{SegmentKind::kInput, "x", 0x1000, 0x1000},       {SegmentKind::kWeight, "w", 0x2000, 0x1000},
                      {SegmentKind::kBias, "b", 0x3000, 0x1000},        {SegmentKind::kUop, "u", 0x4000, 0x1000},
                      {SegmentKind::kInstruction, "i", 0x5000, 0x1000}, {SegmentKind::kOutput, "y", 0x6000, 0x1000}};
  const IsaLayout layout(program.hardware);
  program.micro_ops = {encode_gemm_uop({0, 0, 0}, layout), encode_alu_uop({1, 0, 0}, layout),
                       encode_alu_uop({2, 1, 0}, layout)};
  for (const char* line : {
           "load.uop sram 0 dram 0x1000 y 1 x 3 stride 3",                           // 0
           "load.inp sram 0 dram 0x100 y 4 x 4 stride 8",                            // 1
           "load.wgt [push_next] sram 0 dram 0x20 y 1 x 1 stride 1",                 // 2
           "gemm.reset uop 0..1 out 4 in 4 dst 4,1 src 0,0 wgt 0,0",                 // 3
           "gemm [pop_prev push_prev] uop 0..1 out 4 in 4 dst 4,1 src 4,1 wgt 0,0",  // 4
           "load.acc sram 16 dram 0xc0 y 1 x 16 stride 16",                          // 5
           "alu.shr [push_next] uop 0..1 out 1 in 32 dst 0,1 src 0,1 imm 8",         // 6
           "store.out [pop_prev push_prev] sram 0 dram 0x600 y 4 x 8 stride 8",      // 7
           "load.inp [pop_next push_next] sram 0 dram 0x0 y 0 x 0 stride 0",         // 8
           "load.uop [pop_prev pop_next] sram 0 dram 0x0 y 0 x 0 stride 0",          // 9
           "finish",                                                                 // 10
       }) {
    program.instructions.push_back(assemble(line));
  }
  return program;
}

std::vector<std::string> rules(const Program& program) {
  std::vector<std::string> result;
  for (const Violation& violation : check_program(program)) result.push_back(violation.rule);
  return result;
}

// The good program with one line changed.
Program with_line(size_t index, const char* line, IsaVariant variant = IsaVariant::kUp) {
  Program program = good_program(variant);
  program.instructions[index] = assemble(line);
  return program;
}

TEST(Checker, GoodProgramHasNoViolations) {
  EXPECT_THAT(rules(good_program()), IsEmpty());
  EXPECT_THAT(rules(good_program(IsaVariant::kVtaPlus)), IsEmpty());
}

TEST(Checker, Hardware) {
  Program program = good_program();
  program.hardware.bus_bits = 100;
  EXPECT_THAT(rules(program), ElementsAre("hardware"));
}

TEST(Checker, ProgramEnd) {
  Program program = good_program();
  program.instructions.pop_back();
  EXPECT_THAT(rules(program), ElementsAre("program-end"));
  program = good_program();
  program.instructions.push_back(program.instructions.back());
  EXPECT_THAT(rules(program), ElementsAre("program-end"));
  program.instructions.clear();
  EXPECT_THAT(rules(program), ElementsAre("program-end"));
}

TEST(Checker, Segments) {
  Program program = good_program();
  program.segments[2].address += 64;  // off the page, over the next, and without its LOAD
  EXPECT_THAT(rules(program), ElementsAre("segments", "segments", "dram-segment", "read-before-write"));
  program = good_program();
  program.segments[1].bytes = 0x1001;
  EXPECT_THAT(rules(program), ElementsAre("segments"));
  program = good_program();
  program.segments[5].bytes = UINT64_MAX;
  EXPECT_THAT(rules(program), ElementsAre("segments"));
  program = good_program();
  program.segments[4].bytes = 16;
  EXPECT_THAT(rules(program), ElementsAre("segments"));
}

TEST(Checker, FieldWidth) {
  EXPECT_THAT(rules(with_line(9, "load.uop [pop_prev pop_next] sram 65536 dram 0 y 0 x 0 stride 0")),
              ElementsAre("field-width"));
  EXPECT_THAT(rules(with_line(1, "load.inp sram 0 dram 0x100 y 4 x 4 stride 8 pad_min")),
              ElementsAre("field-width", "read-before-write"));
  Program program = good_program();
  program.instructions[6].loop.imm = 40000;
  EXPECT_THAT(rules(program), ElementsAre("field-width", "store-not-computed"));
}

TEST(Checker, AluOp) {
  const char* line = "alu.clp [push_next] uop 0..1 out 1 in 32 dst 0,1 src 0,1 imm 8";
  EXPECT_THAT(rules(with_line(6, line)), ElementsAre("alu-op", "store-not-computed"));
  EXPECT_THAT(rules(with_line(6, line, IsaVariant::kVtaPlus)), IsEmpty());
}

TEST(Checker, MemoryType) {
  EXPECT_THAT(rules(with_line(9, "load.out [pop_prev pop_next] sram 0 dram 0 y 0 x 0 stride 0")),
              ElementsAre("memory-type"));
  EXPECT_THAT(rules(with_line(7, "store.acc [pop_prev push_prev] sram 0 dram 0x600 y 4 x 8 stride 8")),
              ElementsAre("memory-type"));
  // A store that moves nothing may have any type.
  EXPECT_THAT(rules(with_line(7, "store.uop [pop_prev push_prev] sram 0 dram 0 y 0 x 0 stride 0")), IsEmpty());
}

TEST(Checker, ZeroSize) {
  EXPECT_THAT(rules(with_line(7, "store.out [pop_prev push_prev] sram 0 dram 0x600 y 0 x 8 stride 8")),
              ElementsAre("zero-size"));
}

TEST(Checker, Pad) {
  EXPECT_THAT(rules(with_line(7, "store.out [pop_prev push_prev] sram 0 dram 0x600 y 4 x 8 stride 8 pad 0,0,0,1")),
              ElementsAre("pad"));
  const Program wgt =
      with_line(2, "load.wgt [push_next] sram 0 dram 0x20 y 1 x 1 stride 1 pad 1,0,0,0 pad_min", IsaVariant::kVtaPlus);
  EXPECT_THAT(rules(wgt), ElementsAre("pad", "read-before-write"));
  EXPECT_THAT(
      rules(with_line(1, "load.inp sram 0 dram 0x100 y 4 x 2 stride 8 pad 0,0,1,1 pad_min", IsaVariant::kVtaPlus)),
      IsEmpty());
}

TEST(Checker, SramBounds) {
  EXPECT_THAT(rules(with_line(5, "load.acc sram 2033 dram 0xc0 y 1 x 16 stride 16")),
              ElementsAre("sram-bounds", "read-before-write"));
  EXPECT_THAT(rules(with_line(3, "gemm.reset uop 0..8193 out 4 in 4 dst 4,1 src 0,0 wgt 0,0")),
              ElementsAre("sram-bounds", "read-before-write"));
  // Padding counts.
  EXPECT_THAT(rules(with_line(5, "load.acc sram 16 dram 0xc0 y 10 x 2 stride 2 pad 15,15,15,15")), IsEmpty());
  EXPECT_THAT(rules(with_line(5, "load.acc sram 2000 dram 0xc0 y 1 x 16 stride 16 pad 3,0,0,0")),
              ElementsAre("sram-bounds", "read-before-write"));
}

TEST(Checker, DramSegment) {
  EXPECT_THAT(rules(with_line(7, "store.out [pop_prev push_prev] sram 0 dram 0x6e1 y 4 x 8 stride 8")),
              ElementsAre("dram-segment"));
  EXPECT_THAT(rules(with_line(7, "store.out [pop_prev push_prev] sram 0 dram 0x100 y 4 x 8 stride 8")),
              ElementsAre("dram-segment"));
  // The segment is large enough, but the micro-op table is not.
  EXPECT_THAT(rules(with_line(0, "load.uop sram 0 dram 0x1000 y 1 x 4 stride 4")), testing::Contains("dram-segment"));
}

TEST(Checker, ZeroLoop) {
  EXPECT_THAT(rules(with_line(3, "gemm.reset uop 0..0 out 4 in 4 dst 4,1 src 0,0 wgt 0,0")),
              ElementsAre("zero-loop", "read-before-write"));
  EXPECT_THAT(rules(with_line(3, "gemm.reset uop 0..1 out 0 in 4 dst 4,1 src 0,0 wgt 0,0")),
              ElementsAre("zero-loop", "read-before-write"));
}

TEST(Checker, ShiftRange) {
  EXPECT_THAT(rules(with_line(6, "alu.shr [push_next] uop 0..1 out 1 in 32 dst 0,1 src 0,1 imm -32")),
              ElementsAre("shift-range"));
  EXPECT_THAT(rules(with_line(6, "alu.shr [push_next] uop 0..1 out 1 in 32 dst 0,1 src 0,1 imm -31")), IsEmpty());
}

TEST(Checker, UopNotLoaded) {
  EXPECT_THAT(rules(with_line(3, "gemm.reset uop 0..4 out 4 in 4 dst 4,1 src 0,0 wgt 0,0")),
              ElementsAre("uop-not-loaded", "read-before-write"));
}

TEST(Checker, IndexBounds) {
  EXPECT_THAT(rules(with_line(4, "gemm [pop_prev push_prev] uop 0..1 out 4 in 4 dst 4,1 src 682,1 wgt 0,0")),
              ElementsAre("index-bounds"));  // 3*682 + 3 = 2049
  EXPECT_THAT(rules(with_line(4, "gemm [pop_prev push_prev] uop 0..1 out 4 in 4 dst 4,1 src 4,1 wgt 341,1")),
              ElementsAre("index-bounds"));
  EXPECT_THAT(
      check_program(with_line(6, "alu.shr [push_next] uop 0..1 out 65 in 32 dst 32,1 src 32,1 imm 8"))[0].detail,
      HasSubstr("dst reaches acc entry 2079 of 2048"));
}

TEST(Checker, ImmediateSource) {
  EXPECT_THAT(rules(with_line(6, "alu.shr [push_next] uop 0..1 out 1 in 32 dst 0,1 src 0,0 imm 8")),
              ElementsAre("immediate-source"));
  EXPECT_THAT(rules(with_line(6, "alu.shr [push_next] uop 1..2 out 1 in 31 dst 0,1 src 0,1 imm 8")),
              ElementsAre("immediate-source"));
  // A factor of a loop that runs once does not matter.
  EXPECT_THAT(rules(with_line(6, "alu.shr [push_next] uop 0..1 out 1 in 32 dst 5,1 src 7,1 imm 8")), IsEmpty());
}

// Whether one ALU instruction over written accumulators has a hazard, by walking its steps.
bool hazard_by_steps(const LoopFields& loop, const std::vector<MicroOp>& uops) {
  int64_t last = -1;
  for (uint32_t o = 0; o < loop.iter_out; ++o) {
    for (uint32_t i = 0; i < loop.iter_in; ++i) {
      for (const MicroOp& uop : uops) {
        const int64_t dst = uop.dst + o * loop.dst_out + i * loop.dst_in;
        const int64_t src = loop.use_imm ? dst : int64_t{uop.src} + o * loop.src_out + i * loop.src_in;
        if (src == last) return true;
        last = dst;
      }
    }
  }
  return false;
}

TEST(Checker, AluHazardIsFoundExactlyWhereTheStepsShowIt) {
  Random random(3);
  int hazards = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    Program program = good_program();
    const IsaLayout layout(program.hardware);
    std::vector<MicroOp> uops(1 + random.below(3));
    program.micro_ops.clear();
    for (MicroOp& uop : uops) {
      uop = {static_cast<uint32_t>(random.below(8)), static_cast<uint32_t>(random.below(8)), 0};
      program.micro_ops.push_back(encode_alu_uop(uop, layout));
    }
    Instruction alu = assemble("alu.add uop 0..1 out 1 in 1 dst 0,0 src 0,0");
    LoopFields& loop = alu.loop;
    loop.uop_end = static_cast<uint32_t>(uops.size());
    const auto below = [&](uint64_t bound) { return static_cast<uint32_t>(random.below(bound)); };
    loop.iter_out = 1 + below(4);
    loop.iter_in = 1 + below(4);
    loop.dst_out = below(6);
    loop.dst_in = below(6);
    loop.src_out = below(6);
    loop.src_in = below(6);
    program.instructions = {assemble("load.uop sram 0 dram 0x1000 y 1 x 1 stride 1"),
                            assemble("load.acc sram 0 dram 0xc0 y 1 x 64 stride 64"), alu, assemble("finish")};
    program.instructions[0].memory.x_size = loop.uop_end;
    const bool expected = hazard_by_steps(loop, uops);
    hazards += expected;
    const auto found = rules(program);
    EXPECT_EQ(found == std::vector<std::string>{"alu-hazard"}, expected) << disassemble(program);
  }
  EXPECT_GT(hazards, 300);
  EXPECT_LT(hazards, 2700);
}

TEST(Checker, TokenFlag) {
  Program program = good_program();
  program.instructions[1].tokens.push_prev = true;
  program.instructions[7].tokens.pop_next = true;
  const auto found = check_program(program);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].rule, "token-flag");
  EXPECT_EQ(found[0].instruction, 1);
  EXPECT_EQ(found[1].instruction, 7);
}

TEST(Checker, Deadlock) {
  Program program = good_program();
  program.instructions[2].tokens.push_next = false;
  const auto found = check_program(program);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].rule, "deadlock");
  EXPECT_EQ(found[0].detail,
            "load waits at instruction 8 for a token from compute; compute waits at instruction 4 for a token from "
            "load; store waits at instruction 7 for a token from compute");
}

TEST(Checker, TokenBalance) {
  Program program = good_program();
  program.instructions[1].tokens.push_next = true;
  // The GEMM may now take the token of the first load, before the second is done.
  EXPECT_THAT(rules(program), ElementsAre("token-balance", "data-race", "finish-order"));
  program = good_program();
  program.instructions[3].tokens.push_prev = true;
  EXPECT_THAT(rules(program), ElementsAre("token-balance"));
}

TEST(Checker, QueueLimit) {
  Program program = good_program();
  const Instruction push = assemble("load.inp [push_next] sram 0 dram 0 y 0 x 0 stride 0");
  const Instruction pop = assemble("load.uop [pop_prev] sram 0 dram 0 y 0 x 0 stride 0");
  auto& instructions = program.instructions;
  // 254 more tokens behind the one of instruction 2 are just allowed.
  instructions.insert(instructions.begin() + 3, 254, push);
  instructions.insert(instructions.end() - 2, 254, pop);
  program.segments[4].bytes = 0x10000;
  program.segments[4].address = 0x10000;
  EXPECT_THAT(rules(program), IsEmpty());
  instructions.insert(instructions.begin() + 3, push);
  instructions.insert(instructions.end() - 2, pop);
  EXPECT_THAT(rules(program), ElementsAre("queue-limit"));
}

TEST(Checker, FinishOrder) {
  Program program = good_program();
  program.instructions[7].tokens.push_prev = false;
  program.instructions[9].tokens.pop_next = false;
  const auto found = check_program(program);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].rule, "finish-order");
  EXPECT_THAT(found[0].detail, HasSubstr("store instruction 7"));
}

TEST(Checker, ReadBeforeWrite) {
  EXPECT_THAT(rules(with_line(1, "load.inp sram 0 dram 0x100 y 4 x 3 stride 8")), ElementsAre("read-before-write"));
  EXPECT_THAT(rules(with_line(3, "gemm.reset uop 0..1 out 4 in 3 dst 4,1 src 0,0 wgt 0,0")),
              ElementsAre("read-before-write"));
  EXPECT_THAT(rules(with_line(5, "load.acc sram 16 dram 0xc0 y 1 x 15 stride 16")), ElementsAre("read-before-write"));
}

TEST(Checker, StoreNotComputed) {
  EXPECT_THAT(rules(with_line(6, "alu.shr [push_next] uop 0..1 out 1 in 31 dst 0,1 src 0,1 imm 8")),
              ElementsAre("store-not-computed"));
  // A LOAD after the ALU takes the entries' place in ACC but not in OUT.
  Program program = good_program();
  std::swap(program.instructions[5], program.instructions[6]);
  std::swap(program.instructions[5].tokens, program.instructions[6].tokens);
  EXPECT_THAT(rules(program), ElementsAre("read-before-write", "store-not-computed"));
}

TEST(Checker, DataRace) {
  // Load overwrites inputs that the GEMM may still read.
  Program program = good_program();
  program.instructions.insert(program.instructions.begin() + 3,
                              assemble("load.inp sram 15 dram 0x100 y 1 x 1 stride 1"));
  EXPECT_THAT(rules(program), ElementsAre("data-race"));
  // Another entry does no harm.
  program.instructions[3].memory.sram_base = 16;
  EXPECT_THAT(rules(program), IsEmpty());
  // Ordered by the GEMM's token it is fine.
  program = good_program();
  program.instructions[8] = assemble("load.inp [pop_next push_next] sram 15 dram 0x100 y 1 x 1 stride 1");
  EXPECT_THAT(rules(program), IsEmpty());
}

TEST(Checker, DataRaceWithTheStore) {
  // Compute changes an accumulator while the store may still read it.
  Program program = good_program();
  program.instructions.insert(program.instructions.begin() + 8,
                              assemble("alu.add uop 0..1 out 1 in 1 dst 0,1 src 0,1 imm 1"));
  const auto found = check_program(program);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].rule, "data-race");
  EXPECT_EQ(found[0].detail,
            "acc entry 0 is touched while compute instruction 8 may still write it; no token orders them");
  program.instructions[8].tokens.pop_next = true;
  program.instructions[10].tokens.pop_next = false;
  EXPECT_THAT(rules(program), IsEmpty());
}

TEST(Checker, ComputeReadsBeforeTheLoadIsDone) {
  Program program = good_program();
  program.instructions[4].tokens.pop_prev = false;
  program.instructions[5].tokens.pop_prev = true;
  EXPECT_THAT(rules(program), testing::Contains("data-race"));
}

TEST(Checker, LimitKeepsTheFirst) {
  Program program = good_program();
  program.instructions[1].tokens.push_prev = true;
  program.instructions[7].tokens.pop_next = true;
  const auto found = check_program(program, 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].instruction, 1);
}

TEST(Checker, SurvivesRandomPrograms) {
  Random random(4);
  const auto any = [&] { return static_cast<uint32_t>(random.next() >> random.between(32, 63)); };
  for (int trial = 0; trial < 200; ++trial) {
    Program program = good_program(random.below(2) == 0 ? IsaVariant::kUp : IsaVariant::kVtaPlus);
    for (uint32_t& uop : program.micro_ops) uop = any();
    for (int k = 0; k < 3; ++k) {
      Instruction& instruction = program.instructions[random.below(program.instructions.size())];
      const IsaLayout layout(program.hardware);
      InstructionWord word = encode(instruction, layout);
      word[random.below(2)] ^= uint64_t{1} << random.below(64);
      const Decoded decoded = decode(word, layout);
      if (decoded.error.empty()) instruction = decoded.instruction;
    }
    Instruction& wild = program.instructions[random.below(program.instructions.size())];
    wild.memory.x_size = any();
    wild.memory.sram_base = any();
    wild.loop.uop_end = any();
    wild.loop.iter_in = any();
    check_program(program);
  }
}

TEST(IndexSet, RepeatIsTheUnionOfShiftedCopies) {
  Random random(5);
  for (int trial = 0; trial < 300; ++trial) {
    const uint64_t depth = 300, count = 1 + random.below(9), step = random.below(20);
    IndexSet set(depth);
    std::vector<bool> expected(depth);
    for (int k = 0; k < 3; ++k) {
      const uint64_t base = random.below(depth - (count - 1) * step);
      set.insert(base);
      for (uint64_t c = 0; c < count; ++c) expected[base + c * step] = true;
    }
    set.repeat(count, step);
    for (uint64_t i = 0; i < depth; ++i) ASSERT_EQ(set.contains(i), expected[i]) << i;
  }
}

}  // namespace
}  // namespace arco
