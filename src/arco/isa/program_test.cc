#include "arco/isa/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/base/error.h"
#include "arco/isa/assembler.h"
#include "arco/isa/segment_rules.h"

namespace arco {
namespace {

Program two_segments() {
  Program program;
  program.name = "toy";
  program.segments = {{SegmentKind::kInput, "x", 0x1000, 0x1000}, {SegmentKind::kOutput, "y", 0x2000, 0x2000}};
  program.instructions = {assemble("load.inp sram 0 dram 0x110 y 2 x 2 stride 4"),
                          assemble("load.uop sram 0 dram 0x5 y 0 x 0 stride 0"),
                          assemble("store.out [pop_prev] sram 0 dram 0x200 y 1 x 512 stride 512"),
                          assemble("gemm uop 0..1 out 1 in 1 dst 0,0 src 0,0 wgt 0,0"), assemble("finish")};
  return program;
}

TEST(Program, BytesAreLittleEndian) {
  Program program;
  program.instructions = {assemble("alu.min uop 0..1 out 1 in 1 dst 0,0 src 0,0 imm -127"), assemble("finish")};
  const std::vector<uint8_t> expected = {0x04, 0x00, 0x20, 0x00, 0x08, 0x00, 0x02, 0x00, 0, 0, 0,
                                         0,    0,    0x80, 0x81, 0xff, 0x03, 0,    0,    0, 0, 0,
                                         0,    0,    0,    0,    0,    0,    0,    0,    0, 0};
  EXPECT_EQ(instruction_bytes(program), expected);
}

TEST(Program, FindGivesTheFirstOfAKind) {
  const Program program = two_segments();
  EXPECT_EQ(program.find(SegmentKind::kOutput)->name, "y");
  EXPECT_EQ(program.find(SegmentKind::kWeight), nullptr);
}

TEST(Program, RelocateMovesAddressesWithTheirSegment) {
  const Program moved = relocate(two_segments(), {0x7000, 0x3000});
  EXPECT_EQ(moved.segments[0].address, 0x7000u);
  EXPECT_EQ(moved.segments[1].address, 0x3000u);
  EXPECT_EQ(moved.instructions[0].memory.dram_base, 0x710u);
  EXPECT_EQ(moved.instructions[1].memory.dram_base, 0x5u);  // a no-op has no address
  EXPECT_EQ(moved.instructions[2].memory.dram_base, 0x300u);
  const Program back = relocate(moved, {0x1000, 0x2000});
  EXPECT_EQ(back.instructions, two_segments().instructions);
}

TEST(Program, RelocateRefusesBadAddresses) {
  EXPECT_THROW(relocate(two_segments(), {0x7000, 0x3008}), UserError);  // off an element
  EXPECT_THROW(relocate(two_segments(), {0, 0x3000}), UserError);
  EXPECT_THROW(relocate(two_segments(), {0x4000, 0x3000}), UserError);
  EXPECT_THROW(relocate(two_segments(), {0x1000, uint64_t{1} << 40}), UserError);
  EXPECT_THROW(relocate(two_segments(), {0x1000, UINT64_MAX - 4095}), UserError);
  Program outside = two_segments();
  outside.instructions[2].memory.x_size = 513;
  EXPECT_THROW(relocate(outside, {0x7000, 0x3000}), UserError);
}

TEST(Program, OnlyActivationsLieOffAPage) {
  EXPECT_EQ(relocate(two_segments(), {0x7010, 0x3020}).instructions[2].memory.dram_base, 0x302u);
  Program program = two_segments();
  program.instructions = {program.instructions.front(), program.instructions.back()};
  program.segments[1].kind = SegmentKind::kWeight;
  EXPECT_THROW(relocate(program, {0x7000, 0x3100}), UserError);
  program.hardware.log2_block_in = 6;
  EXPECT_EQ(segment_alignment(program.hardware, SegmentKind::kOutput), 64u);
}

TEST(Program, InputAndResidualMayBeOneTensor) {
  Program program = two_segments();
  program.instructions = {program.instructions.front(), program.instructions.back()};
  program.segments[1].kind = SegmentKind::kResidual;
  program.segments[1].bytes = program.segments[0].bytes;
  const Program moved = relocate(program, {0x3000, 0x3000});
  EXPECT_EQ(moved.segments[0].address, moved.segments[1].address);
  EXPECT_EQ(relocate(program, {0x3000, 0x3400}).segments[1].address, 0x3400u);  // or a part of it
  EXPECT_THROW(relocate(two_segments(), {0x3000, 0x3000}), UserError);
}

TEST(Program, DramRangeEndsWithTheLastRow) {
  const MemoryFields memory = assemble("load.wgt sram 0 dram 0x3 y 3 x 2 stride 9").memory;
  const DramRange range = dram_range(HardwareConfig{}, memory);
  EXPECT_EQ(range.begin, 3u * 256);
  EXPECT_EQ(range.end, (3u + 2 * 9 + 2) * 256);
}

}  // namespace
}  // namespace arco
