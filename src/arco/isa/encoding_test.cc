#include "arco/isa/encoding.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "arco/base/error.h"

namespace arco {
namespace {

Instruction load(MemoryType type, uint32_t sram, uint32_t dram, uint32_t y, uint32_t x, uint32_t stride) {
  Instruction result;
  result.opcode = type == MemoryType::kOut ? Opcode::kStore : Opcode::kLoad;
  result.memory.type = type;
  result.memory.sram_base = sram;
  result.memory.dram_base = dram;
  result.memory.y_size = y;
  result.memory.x_size = x;
  result.memory.x_stride = stride;
  return result;
}

Instruction padded(Instruction instruction, uint32_t y0, uint32_t y1, uint32_t x0, uint32_t x1, bool minimum = false) {
  instruction.memory.y_pad_0 = y0;
  instruction.memory.y_pad_1 = y1;
  instruction.memory.x_pad_0 = x0;
  instruction.memory.x_pad_1 = x1;
  instruction.memory.pad_is_min = minimum;
  return instruction;
}

Instruction loops(Opcode opcode, uint32_t begin, uint32_t end, uint32_t out, uint32_t in, uint32_t dst_out = 0,
                  uint32_t dst_in = 0, uint32_t src_out = 0, uint32_t src_in = 0, uint32_t wgt_out = 0,
                  uint32_t wgt_in = 0) {
  Instruction result;
  result.opcode = opcode;
  result.loop.uop_begin = begin;
  result.loop.uop_end = end;
  result.loop.iter_out = out;
  result.loop.iter_in = in;
  result.loop.dst_out = dst_out;
  result.loop.dst_in = dst_in;
  result.loop.src_out = src_out;
  result.loop.src_in = src_in;
  result.loop.wgt_out = wgt_out;
  result.loop.wgt_in = wgt_in;
  return result;
}

Instruction alu(AluOp op, Instruction instruction) {
  instruction.loop.alu_op = op;
  return instruction;
}

Instruction alu(AluOp op, int32_t imm, Instruction instruction) {
  instruction.loop.alu_op = op;
  instruction.loop.use_imm = true;
  instruction.loop.imm = imm;
  return instruction;
}

Instruction with(Tokens tokens, Instruction instruction) {
  instruction.tokens = tokens;
  return instruction;
}

HardwareConfig plus(HardwareConfig hardware = {}) {
  hardware.variant = IsaVariant::kVtaPlus;
  return hardware;
}

HardwareConfig small() {
  HardwareConfig hardware;
  hardware.log2_uop_buffer = 12;
  hardware.log2_inp_buffer = hardware.log2_wgt_buffer = hardware.log2_acc_buffer = 13;
  return hardware;
}

// 1x16x8 with a deep accumulator (2^12): the ALU's factors are narrower than its indices.
HardwareConfig deep_accumulator() {
  HardwareConfig hardware = plus();
  hardware.log2_block_out = 3;
  hardware.log2_wgt_buffer = 15;
  return hardware;
}

void expect_bits(const HardwareConfig& hardware, const Instruction& instruction, uint64_t lo, uint64_t hi) {
  const IsaLayout layout(hardware);
  const InstructionWord word = encode(instruction, layout);
  EXPECT_EQ(word, (InstructionWord{lo, hi})) << std::hex << word[0] << " " << word[1];
  const Decoded decoded = decode({lo, hi}, layout);
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(decoded.instruction, instruction);
}

void expect_field(BitField field, int first, int last) {
  EXPECT_EQ(field.begin, first);
  EXPECT_EQ(field.begin + field.width - 1, last);
}

constexpr Tokens k0101{false, true, false, true}, k1010{true, false, true, false}, k0100{false, true, false, false},
    k0001{false, false, false, true}, k1100{true, true, false, false};

// The vectors of docs/isa.md that both variants share.
class SharedGolden : public testing::TestWithParam<IsaVariant> {
 protected:
  HardwareConfig hardware() const {
    HardwareConfig result;
    result.variant = GetParam();
    return result;
  }
};

TEST_P(SharedGolden, Memory) {
  expect_bits(hardware(), with(k0101, padded(load(MemoryType::kInp, 5, 0x12345, 3, 7, 14), 1, 2, 3, 4)),
              0x0000048d14001550, 0x4321000e00070003);
  expect_bits(hardware(), with(k1010, load(MemoryType::kAcc, 100, 0x400, 1, 16, 16)), 0x00000010000191a8,
              0x0000001000100001);
  expect_bits(hardware(), with(k1010, load(MemoryType::kOut, 64, 0x3000, 2, 8, 56)), 0x000000c000010229,
              0x0000003800080002);
  expect_bits(hardware(), padded(load(MemoryType::kAcc8, 0, 0x10, 2, 2, 2), 1, 1, 1, 1), 0x0000000040000280,
              0x1111000200020002);
  expect_bits(hardware(), with(k1100, load(MemoryType::kUop, 0, 0, 0, 0, 0)), 0x18, 0);
}

TEST_P(SharedGolden, Compute) {
  expect_bits(hardware(), with(k1010, loops(Opcode::kGemm, 3, 19, 14, 7, 98, 1, 512, 2, 9, 3)), 0x000e00700260032a,
              0x00c0900480000862);
  Instruction reset = with(k0100, loops(Opcode::kGemm, 0, 8, 2, 4, 8, 1));
  reset.loop.reset = true;
  expect_bits(hardware(), reset, 0x0008001001000092, 0x0000000000000808);
  expect_bits(hardware(), alu(AluOp::kShr, 8, loops(Opcode::kAlu, 0, 16, 4, 8, 128, 16, 128, 16)), 0x0010002002000004,
              0x0008b02020008080);
  expect_bits(hardware(), with(k0001, alu(AluOp::kAdd, loops(Opcode::kAlu, 2, 6, 1, 3, 0, 4, 0, 5))),
              0x0006000800c00244, 0x0000200a00002000);
  expect_bits(hardware(), alu(AluOp::kMin, -127, loops(Opcode::kAlu, 0, 1, 1, 1)), 0x0002000800200004,
              0xff81800000000000);
  expect_bits(hardware(), alu(AluOp::kMul, loops(Opcode::kAlu, 0, 1, 1, 1)), 0x0002000800200004, 0x0000400000000000);
  expect_bits(hardware(), Instruction{}, 3, 0);
}

TEST_P(SharedGolden, MicroOp) {
  const IsaLayout layout(hardware());
  const MicroOp uop{1000, 77, 300};
  EXPECT_EQ(encode_gemm_uop(uop, layout), 0x4b026be8u);
  EXPECT_EQ(decode_gemm_uop(0x4b026be8, layout), uop);
  EXPECT_EQ(encode_alu_uop({1000, 77, 0}, layout), 1000u | 77u << 11);
}

INSTANTIATE_TEST_SUITE_P(Variants, SharedGolden, testing::Values(IsaVariant::kUp, IsaVariant::kVtaPlus),
                         [](const auto& which) { return which.param == IsaVariant::kUp ? "up" : "plus"; });

TEST(Golden, VtaPlusOnly) {
  expect_bits(plus(), with(k0101, padded(load(MemoryType::kInp, 0, 0x200, 14, 14, 56), 1, 0, 1, 0, true)),
              0x0400000800000150, 0x01010038000e000e);
  expect_bits(plus(), padded(load(MemoryType::kAcc8, 0, 0x10, 2, 2, 2), 1, 1, 1, 1, true), 0x0400000040000280,
              0x1111000200020002);
  expect_bits(plus(), alu(AluOp::kClp, 127, loops(Opcode::kAlu, 0, 1, 1, 1)), 0x0002000800200004, 0x007fd00000000000);
  expect_bits(plus(), with(k0001, alu(AluOp::kMov, loops(Opcode::kAlu, 2, 6, 1, 3, 0, 4, 0, 5))), 0x0006000800c00244,
              0x0000600a00002000);
}

TEST(Golden, VtaPlusOtherSizes) {
  expect_bits(plus(small()), with(k1010, loops(Opcode::kGemm, 3, 19, 14, 7, 98, 1, 500, 2, 9, 3)), 0x00003801c04c032a,
              0x00000069017d00e2);
  expect_bits(plus(small()), alu(AluOp::kShr, -8, loops(Opcode::kAlu, 0, 16, 4, 8, 100, 16, 100, 16)),
              0x0000400080400004, 0x0000fff8b2190864);
  expect_bits(deep_accumulator(), with(k0100, loops(Opcode::kGemm, 0, 36, 14, 7, 4000, 1, 1600, 2, 200, 3)),
              0x000e007004800012, 0x00f2001640001fa0);
  expect_bits(deep_accumulator(), alu(AluOp::kMax, -127, loops(Opcode::kAlu, 1, 2, 3, 5, 2047, 1, 2047, 1)),
              0x000a001800400104, 0xff819003ffc00fff);
  const IsaLayout layout(deep_accumulator());
  EXPECT_EQ(encode_gemm_uop({4000, 77, 200}, layout), 0x6404dfa0u);
  EXPECT_EQ(encode_alu_uop({4000, 4001, 0}, layout), 0x00fa1fa0u);
}

TEST(Layout, UpWithSmallBuffersStartsFactorsInTheLoHalf) {
  const IsaLayout layout(small());
  expect_field(layout.uop_begin, 8, 17);
  expect_field(layout.uop_end, 18, 28);
  expect_field(layout.iter_out, 29, 42);
  expect_field(layout.iter_in, 43, 56);
  expect_field(layout.dst_out, 57, 63);
  expect_field(layout.dst_in, 64, 70);
  expect_field(layout.gemm_src_out, 71, 79);
  expect_field(layout.gemm_src_in, 80, 88);
  expect_field(layout.wgt_out, 89, 93);
  expect_field(layout.wgt_in, 94, 98);
  expect_field(layout.alu_dst_out, 57, 63);
  expect_field(layout.alu_src_out, 71, 77);
  expect_field(layout.alu_src_in, 78, 84);
  expect_field(layout.alu_op, 85, 87);
  expect_field(layout.use_imm, 88, 88);
  expect_field(layout.imm, 89, 104);
}

TEST(Layout, UpKeepsTheHiHalfWhenAFactorWouldCross) {
  HardwareConfig hardware;
  hardware.log2_uop_buffer = 12;
  const IsaLayout layout(hardware);
  expect_field(layout.iter_in, 43, 56);
  expect_field(layout.dst_out, 64, 74);
}

TEST(Layout, VtaPlusAlwaysStartsFactorsAtBit64) {
  const IsaLayout layout(plus(small()));
  expect_field(layout.dst_out, 64, 70);
  expect_field(layout.dst_in, 71, 77);
  expect_field(layout.gemm_src_out, 78, 86);
  expect_field(layout.gemm_src_in, 87, 95);
  expect_field(layout.wgt_out, 96, 100);
  expect_field(layout.wgt_in, 101, 105);
  expect_field(layout.alu_src_out, 78, 84);
  expect_field(layout.alu_op, 92, 94);
  expect_field(layout.imm, 96, 111);
}

TEST(Layout, IllegalConfigurationIsNotLaidOut) {
  HardwareConfig hardware;
  hardware.log2_acc_buffer = 2;
  EXPECT_THROW(IsaLayout{hardware}, InternalError);
  hardware.log2_acc_buffer = 28;
  EXPECT_THROW(IsaLayout{hardware}, InternalError);
}

TEST(Encode, RefusesWhatDoesNotFit) {
  const IsaLayout up{HardwareConfig{}};
  EXPECT_THROW(encode(load(MemoryType::kInp, 1 << 16, 0, 1, 1, 1), up), InternalError);
  EXPECT_THROW(encode(loops(Opcode::kGemm, 0, 1, 1 << 14, 1), up), InternalError);
  EXPECT_THROW(encode(alu(AluOp::kAdd, 32768, loops(Opcode::kAlu, 0, 1, 1, 1)), up), InternalError);
  EXPECT_THROW(encode(alu(AluOp::kClp, loops(Opcode::kAlu, 0, 1, 1, 1)), up), InternalError);
  EXPECT_THROW(encode(padded(load(MemoryType::kInp, 0, 0, 1, 1, 1), 0, 0, 0, 0, true), up), InternalError);
  EXPECT_THROW(encode_gemm_uop({2048, 0, 0}, up), InternalError);
}

TEST(Decode, NamesWhatIsUnknown) {
  const IsaLayout up{HardwareConfig{}};
  EXPECT_EQ(decode({5, 0}, up).error, "unknown opcode 5; 0 to 4 exist");
  EXPECT_EQ(decode({6 << 7, 0}, up).error, "unknown memory type 6; 0 to 5 exist");
  EXPECT_EQ(decode({4, uint64_t{5} << 44}, up).error, "unknown ALU operation 5; 0 to 4 exist in variant up");
  EXPECT_EQ(decode({4, uint64_t{5} << 44}, IsaLayout(plus())).error, "");
  EXPECT_NE(decode({4, uint64_t{7} << 44}, IsaLayout(plus())).error, "");
}

uint32_t value_of(int width) {
  return width == 0 ? 0 : *rc::gen::inRange<uint32_t>(0, uint32_t(uint64_t{1} << std::min(width, 31)));
}

HardwareConfig any_hardware() {
  HardwareConfig hardware;
  const bool up = *rc::gen::arbitrary<bool>();
  hardware.variant = up ? IsaVariant::kUp : IsaVariant::kVtaPlus;
  hardware.log2_batch = *rc::gen::inRange(0, 4);
  hardware.log2_block_in = *rc::gen::inRange(1, 7);
  hardware.log2_block_out = up ? hardware.log2_block_in : *rc::gen::inRange(0, 7);
  hardware.log2_uop_buffer = *rc::gen::inRange(4, 16);
  hardware.log2_inp_buffer = *rc::gen::inRange(10, 17);
  hardware.log2_wgt_buffer = *rc::gen::inRange(10, 19);
  hardware.log2_acc_buffer = *rc::gen::inRange(10, 19);
  RC_PRE(hardware.violations().empty());
  return hardware;
}

Instruction any_instruction(const IsaLayout& layout) {
  Instruction result;
  result.opcode = static_cast<Opcode>(*rc::gen::inRange(0, 5));
  result.tokens = {*rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>(),
                   *rc::gen::arbitrary<bool>()};
  if (result.opcode == Opcode::kLoad || result.opcode == Opcode::kStore) {
    result.memory = {static_cast<MemoryType>(*rc::gen::inRange(0, 6)),
                     layout.variant == IsaVariant::kVtaPlus && *rc::gen::arbitrary<bool>(),
                     value_of(16),
                     *rc::gen::arbitrary<uint32_t>(),
                     value_of(16),
                     value_of(16),
                     value_of(16),
                     value_of(4),
                     value_of(4),
                     value_of(4),
                     value_of(4)};
  } else if (result.opcode != Opcode::kFinish) {
    const bool gemm = result.opcode == Opcode::kGemm;
    result.loop.reset = gemm && *rc::gen::arbitrary<bool>();
    result.loop.uop_begin = value_of(layout.uop_begin.width);
    result.loop.uop_end = value_of(layout.uop_end.width);
    result.loop.iter_out = value_of(14);
    result.loop.iter_in = value_of(14);
    result.loop.dst_out = value_of(gemm ? layout.dst_out.width : layout.alu_dst_out.width);
    result.loop.dst_in = value_of(gemm ? layout.dst_in.width : layout.alu_dst_in.width);
    result.loop.src_out = value_of(gemm ? layout.gemm_src_out.width : layout.alu_src_out.width);
    result.loop.src_in = value_of(gemm ? layout.gemm_src_in.width : layout.alu_src_in.width);
    if (gemm) {
      result.loop.wgt_out = value_of(layout.wgt_out.width);
      result.loop.wgt_in = value_of(layout.wgt_in.width);
    } else {
      result.loop.alu_op = static_cast<AluOp>(*rc::gen::inRange(0, static_cast<int>(last_alu_op(layout.variant)) + 1));
      result.loop.use_imm = *rc::gen::arbitrary<bool>();
      if (result.loop.use_imm) result.loop.imm = *rc::gen::arbitrary<int16_t>();
    }
  }
  return result;
}

RC_GTEST_PROP(Encode, DecodeGivesTheInstructionBack, ()) {
  const IsaLayout layout(any_hardware());
  for (int i = 0; i < 8; ++i) {
    const Instruction instruction = any_instruction(layout);
    const Decoded decoded = decode(encode(instruction, layout), layout);
    RC_ASSERT(decoded.error.empty());
    RC_ASSERT(decoded.instruction == instruction);
  }
}

RC_GTEST_PROP(Encode, MicroOpsGoThereAndBack, ()) {
  const IsaLayout layout(any_hardware());
  const MicroOp gemm{value_of(layout.uop_dst.width), value_of(layout.gemm_uop_src.width),
                     value_of(layout.gemm_uop_wgt.width)};
  RC_ASSERT(decode_gemm_uop(encode_gemm_uop(gemm, layout), layout) == gemm);
  const MicroOp alu_uop{value_of(layout.uop_dst.width), value_of(layout.alu_uop_src.width), 0};
  RC_ASSERT(decode_alu_uop(encode_alu_uop(alu_uop, layout), layout) == alu_uop);
}

RC_GTEST_PROP(Decode, TakesAnyBits, ()) {
  const IsaLayout layout(any_hardware());
  const InstructionWord word{*rc::gen::arbitrary<uint64_t>(), *rc::gen::arbitrary<uint64_t>()};
  const Decoded decoded = decode(word, layout);
  if (decoded.error.empty())
    RC_ASSERT(decode(encode(decoded.instruction, layout), layout).instruction == decoded.instruction);
}

}  // namespace
}  // namespace arco
