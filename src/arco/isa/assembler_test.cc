#include "arco/isa/assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/base/error.h"
#include "arco/base/random.h"

namespace arco {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& line) {
  try {
    assemble(line);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Assembler, LinesStayAsTheyAre) {
  for (const char* line : {
           "load.inp   [pop_next push_next] sram 0 dram 0x1000 y 9 x 14 stride 56 pad 1,0,1,1",
           "load.acc8  sram 3 dram 0x0 y 1 x 1 stride 1 pad 1,0,0,0 pad_min",
           "load.uop   [pop_prev pop_next] sram 0 dram 0x0 y 0 x 0 stride 0",
           "store.out  [pop_prev] sram 64 dram 0x3000 y 2 x 8 stride 56",
           "gemm       [pop_prev] uop 0..36 out 14 in 7 dst 14,1 src 16,1 wgt 0,0",
           "gemm.reset uop 0..8 out 2 in 4 dst 8,1 src 0,0 wgt 0,0",
           "alu.shr    uop 0..16 out 4 in 8 dst 128,16 src 128,16 imm -8",
           "alu.mov    uop 0..16 out 4 in 8 dst 128,16 src 128,16",
           "finish",
       }) {
    EXPECT_EQ(disassemble(assemble(line)), line);
  }
}

TEST(Assembler, SpacesAndNumberBasesDoNotMatter) {
  EXPECT_EQ(assemble("  alu.add[push_prev]uop 0 .. 0x10 out 1 in 2 dst 3 , 4 src 5,6 imm -0x7f "),
            assemble("alu.add [push_prev] uop 0..16 out 1 in 2 dst 3,4 src 5,6 imm -127"));
}

TEST(Assembler, ErrorsNameColumnAndExpectation) {
  EXPECT_EQ(error_of("gem uop 0..1"), "column 1: expected an instruction (is 'gemm' meant?), found 'gem'");
  EXPECT_THAT(error_of(""), HasSubstr("found the end of the line"));
  EXPECT_EQ(error_of("load.inp sram 0 drum 4"), "column 17: expected 'dram', found 'drum'");
  EXPECT_EQ(error_of("load.inp sram x"), "column 15: expected a number from 0 to 4294967295, found 'x'");
  EXPECT_EQ(error_of("load.inp sram 4294967296 dram 0"),
            "column 15: expected a number from 0 to 4294967295, found '4294967296'");
  EXPECT_EQ(error_of("load.inp sram 99999999999999999999999"),
            "column 15: expected a number from 0 to 4294967295, found '99999999999999999999999'");
  EXPECT_EQ(error_of("gemm [pop] uop 0..1"),
            "column 7: expected pop_prev, pop_next, push_prev, push_next or ']', found 'pop'");
  EXPECT_THAT(error_of("gemm [pop_prev"), HasSubstr("column 15"));
  EXPECT_EQ(error_of("gemm uop 0 1"), "column 12: expected '..', found '1'");
  EXPECT_EQ(error_of("finish now"), "column 8: expected the end of the line, found 'now'");
  EXPECT_THAT(error_of("alu.add uop 0..1 out 1 in 1 dst 0,0 src 0,0 imm 32768"), HasSubstr("-32768 to 32767"));
  EXPECT_THAT(error_of("store.out sram 0 dram 0 y 1 x 1 stride 1 pad 1,2,3"), HasSubstr("expected ','"));
}

Instruction random_instruction(Random& random) {
  Instruction result;
  const auto number = [&] { return static_cast<uint32_t>(random.next() >> random.between(32, 63)); };
  const auto flag = [&] { return random.below(2) == 1; };
  result.opcode = static_cast<Opcode>(random.below(5));
  result.tokens = {flag(), flag(), flag(), flag()};
  if (result.opcode == Opcode::kLoad || result.opcode == Opcode::kStore) {
    result.memory = {static_cast<MemoryType>(random.below(6)),
                     flag(),
                     number(),
                     number(),
                     number(),
                     number(),
                     number(),
                     number(),
                     number(),
                     number(),
                     number()};
  } else if (result.opcode != Opcode::kFinish) {
    const bool gemm = result.opcode == Opcode::kGemm;
    result.loop = {gemm && flag(),
                   number(),
                   number(),
                   number(),
                   number(),
                   number(),
                   number(),
                   number(),
                   number(),
                   gemm ? number() : 0,
                   gemm ? number() : 0,
                   AluOp::kMin,
                   false,
                   0};
    if (!gemm) {
      result.loop.alu_op = static_cast<AluOp>(random.below(7));
      result.loop.use_imm = flag();
      if (result.loop.use_imm) result.loop.imm = static_cast<int32_t>(random.between(INT16_MIN, INT16_MAX));
    }
  }
  return result;
}

TEST(Assembler, AssembleIsTheInverseOfDisassemble) {
  Random random(1);
  for (int i = 0; i < 5000; ++i) {
    const Instruction instruction = random_instruction(random);
    EXPECT_EQ(assemble(disassemble(instruction)), instruction) << disassemble(instruction);
  }
}

TEST(Assembler, AnyTextIsParsedOrRefused) {
  Random random(2);
  const std::string alphabet = "gemmload.uop[]0..19x,-\t pop_prev imm";
  for (int i = 0; i < 5000; ++i) {
    std::string line = disassemble(random_instruction(random));
    for (int k = 0; k < 3; ++k) line[random.below(line.size())] = alphabet[random.below(alphabet.size())];
    line.resize(random.below(line.size() + 1));
    try {
      assemble(line);
    } catch (const UserError&) {
    }
  }
}

TEST(Assembler, ProgramShowsMicroOpsWhereTheyChange) {
  Program program;
  program.name = "toy";
  program.segments = {{SegmentKind::kUop, "micro-ops", 0x1000, 4096}};
  program.micro_ops = {0x4b026be8, 0};
  program.instructions = {assemble("load.uop sram 0 dram 0x400 y 1 x 1 stride 1"),
                          assemble("gemm uop 0..1 out 1 in 1 dst 0,0 src 0,0 wgt 0,0"),
                          assemble("gemm uop 0..1 out 1 in 2 dst 0,0 src 0,0 wgt 0,0"),
                          assemble("alu.add uop 0..2 out 1 in 1 dst 0,0 src 0,0"), assemble("finish")};
  EXPECT_EQ(disassemble(program), R"(; toy on 1x16x16_i8w8a32_15_15_18_17_up, 5 instructions, 2 micro-ops
; uop         0x00001000       4096 bytes  micro-ops
      0  0000001000000000 0000000100010001  load.uop   sram 0 dram 0x400 y 1 x 1 stride 1
      1  0002000800200002 0000000000000000  gemm       uop 0..1 out 1 in 1 dst 0,0 src 0,0 wgt 0,0
          uop 0: 4b026be8  dst 1000 src 77 wgt 300
      2  0004000800200002 0000000000000000  gemm       uop 0..1 out 1 in 2 dst 0,0 src 0,0 wgt 0,0
      3  0002000800400004 0000200000000000  alu.add    uop 0..2 out 1 in 1 dst 0,0 src 0,0
          uop 0: 4b026be8  dst 1000 src 77
          uop 1: not loaded
      4  0000000000000003 0000000000000000  finish
)");
}

}  // namespace
}  // namespace arco
