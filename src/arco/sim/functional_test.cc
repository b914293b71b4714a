#include "arco/sim/functional.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/sim/highway_targets.h"
// highway_targets.h comes first.
#include <hwy/highway.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstring>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/isa/assembler.h"
#include "arco/isa/encoding.h"
#include "arco/sim/functional_model.h"

namespace arco {
namespace {

using testing::HasSubstr;

constexpr uint64_t kInstructionAddress = 4096;

// DRAM with the lines' instructions at kInstructionAddress and zeros elsewhere.
std::vector<uint8_t> image(const HardwareConfig& hardware, const std::vector<std::string>& lines,
                           size_t bytes = 1 << 16) {
  std::vector<uint8_t> dram(bytes);
  Program program;
  program.hardware = hardware;
  for (const std::string& line : lines) program.instructions.push_back(assemble(line));
  const auto code = instruction_bytes(program);
  std::copy(code.begin(), code.end(), dram.begin() + kInstructionAddress);
  return dram;
}

std::string error_of(const HardwareConfig& hardware, const std::vector<std::string>& lines) {
  std::vector<uint8_t> dram = image(hardware, lines);
  try {
    run_functional(hardware, dram, kInstructionAddress, lines.size());
  } catch (const RunError& error) {
    return error.what();
  }
  return "";
}

HardwareConfig plus() {
  HardwareConfig hardware;
  hardware.variant = IsaVariant::kVtaPlus;
  return hardware;
}

// One accumulator value through one ALU instruction: x in entry 0, y in entry 1, result's low byte from entry 0.
int8_t alu_byte(const HardwareConfig& hardware, const std::string& alu, int32_t x, int32_t y, int shift = 0) {
  std::vector<uint8_t> dram =
      image(hardware, {"load.uop sram 0 dram 0x800 y 1 x 2 stride 2", "load.acc sram 0 dram 0xc0 y 1 x 2 stride 2", alu,
                       "alu.shr [push_next] uop 1..2 out 1 in 1 dst 0,0 src 0,0 imm " + std::to_string(shift),
                       "store.out [pop_prev push_prev] sram 0 dram 0x400 y 1 x 1 stride 1",
                       "load.uop [pop_next] sram 0 dram 0 y 0 x 0 stride 0", "finish"});
  const uint32_t uops[2] = {encode_alu_uop({0, 1, 0}, IsaLayout(hardware)), 0};
  std::memcpy(dram.data() + 0x2000, uops, sizeof(uops));
  for (int lane = 0; lane < 16; ++lane) {
    std::memcpy(dram.data() + 0x3000 + 4 * lane, &x, 4);
    std::memcpy(dram.data() + 0x3040 + 4 * lane, &y, 4);
  }
  run_functional(hardware, dram, kInstructionAddress, 7);
  for (int lane = 1; lane < 16; ++lane) EXPECT_EQ(dram[0x4000], dram[0x4000 + lane]);
  return static_cast<int8_t>(dram[0x4000]);
}

int32_t alu_word(const HardwareConfig& hardware, const std::string& alu, int32_t x, int32_t y) {
  uint32_t word = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    word |= uint32_t{static_cast<uint8_t>(alu_byte(hardware, alu, x, y, shift))} << shift;
  }
  return static_cast<int32_t>(word);
}

TEST(Alu, TensorOperations) {
  const auto run = [](const char* op, int32_t x, int32_t y) {
    return alu_word(plus(), std::string("alu.") + op + " uop 0..1 out 1 in 1 dst 0,0 src 0,0", x, y);
  };
  EXPECT_EQ(run("min", 5, -7), -7);
  EXPECT_EQ(run("max", 5, -7), 5);
  EXPECT_EQ(run("add", INT32_MAX, 1), INT32_MIN);
  EXPECT_EQ(run("mul", 70000, 70000), static_cast<int32_t>(4900000000u));
  EXPECT_EQ(run("shr", -256, 4), -16);
  EXPECT_EQ(run("shr", 3, -30), static_cast<int32_t>(3221225472u));
  EXPECT_EQ(run("shr", -1, 100), -1);
  EXPECT_EQ(run("shr", 1, INT32_MIN), 0);
  EXPECT_EQ(run("clp", 300, 127), 127);
  EXPECT_EQ(run("clp", -300, 127), -127);
  EXPECT_EQ(run("clp", 5, INT32_MIN), INT32_MIN);
  EXPECT_EQ(run("mov", 5, 123456789), 123456789);
}

TEST(Alu, ImmediateReadsDestinationInUpAndSourceInVtaPlus) {
  const std::string add = "alu.add uop 0..1 out 1 in 1 dst 0,0 src 0,0 imm 100";
  EXPECT_EQ(alu_word(HardwareConfig{}, add, 1000, 2000), 1100);
  EXPECT_EQ(alu_word(plus(), add, 1000, 2000), 2100);
}

TEST(Alu, ShiftsByImmediate) {
  const auto shift = [](int32_t x, int by) {
    return alu_word(plus(), "alu.shr uop 0..1 out 1 in 1 dst 0,0 src 0,0 imm " + std::to_string(by), 0, x);
  };
  EXPECT_EQ(shift(-1000, 3), -125);
  EXPECT_EQ(shift(-1000, 31), -1);
  EXPECT_EQ(shift(-1000, 32), -1);
  EXPECT_EQ(shift(1000, 32767), 0);
  EXPECT_EQ(shift(1, -31), INT32_MIN);
  EXPECT_EQ(shift(1, -32), 0);
  EXPECT_EQ(shift(1, -32768), 0);
  EXPECT_EQ(shift(0x12345678, -8), 0x34567800);
}

TEST(Store, KeepsTheLowByteOnly) {
  const std::string nothing = "alu.shr uop 1..2 out 1 in 1 dst 0,0 src 0,0 imm 0";
  EXPECT_EQ(alu_byte(HardwareConfig{}, nothing, 128, 0), -128);
  EXPECT_EQ(alu_byte(HardwareConfig{}, nothing, 0x1ff, 0), -1);
}

TEST(Functional, CountsWhatItDid) {
  std::vector<uint8_t> dram = image(HardwareConfig{}, {"load.inp sram 0 dram 0x200 y 3 x 4 stride 5 pad 1,1,1,1",
                                                       "gemm uop 0..2 out 3 in 4 dst 0,0 src 0,0 wgt 0,0",
                                                       "alu.add uop 0..1 out 1 in 7 dst 0,1 src 0,1 imm 1", "finish"});
  // No token makes FINISH wait for the load, so only some orders get through.
  uint64_t passed = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    try {
      const FunctionalResult result = run_functional(HardwareConfig{}, dram, kInstructionAddress, 4, seed);
      EXPECT_EQ(result.instructions, 4u);
      EXPECT_EQ(result.gemm_steps, 24u);
      EXPECT_EQ(result.alu_steps, 7u);
      EXPECT_EQ(result.dram_read_bytes, 12u * 16);
      EXPECT_EQ(result.dram_written_bytes, 0u);
      ++passed;
    } catch (const RunError& error) {
      EXPECT_THAT(error.what(), HasSubstr("FINISH came before load instruction 0"));
    }
  }
  EXPECT_GT(passed, 0u);
  EXPECT_LT(passed, 20u);
}

TEST(Functional, IgnoresWhatStandsBehindFinish) {
  std::vector<uint8_t> dram = image(HardwareConfig{}, {"finish"});
  dram[kInstructionAddress + 16] = 0xff;
  EXPECT_EQ(run_functional(HardwareConfig{}, dram, kInstructionAddress, 2).instructions, 1u);
}

TEST(FunctionalErrors, NameTheInstruction) {
  const HardwareConfig hardware;
  EXPECT_EQ(
      error_of(hardware,
               {"load.acc sram 0 dram 0 y 1 x 1 stride 1", "load.acc sram 2048 dram 0 y 1 x 1 stride 1", "finish"}),
      "instruction 1 (load.acc   sram 2048 dram 0x0 y 1 x 1 stride 1): scratchpad entries 2048 to 2049, but there "
      "are 2048");
  EXPECT_THAT(error_of(hardware, {"load.acc sram 2000 dram 0 y 5 x 1 stride 1 pad 1,1,7,1", "finish"}),
              HasSubstr("entries 2000 to 2063, but"));
  EXPECT_THAT(error_of(hardware, {"load.acc sram 0 dram 0x3ff y 1 x 2 stride 1", "finish"}),
              HasSubstr("DRAM bytes 0xffc0 to 0x10040, but there are 0x10000"));
  EXPECT_THAT(error_of(hardware, {"store.out [push_prev] sram 0 dram 0xffff0000 y 2 x 2 stride 65535",
                                  "load.uop [pop_next] sram 0 dram 0 y 0 x 0 stride 0", "finish"}),
              HasSubstr("DRAM bytes"));
  EXPECT_THAT(error_of(hardware, {"gemm uop 0..1 out 2 in 3 dst 2047,1 src 0,0 wgt 0,0", "finish"}),
              HasSubstr("dst index reaches 2049"));
  EXPECT_THAT(error_of(hardware, {"gemm uop 0..1 out 3 in 3 dst 0,0 src 1023,1 wgt 0,0", "finish"}),
              HasSubstr("src index reaches 2048"));
  EXPECT_THAT(error_of(hardware, {"gemm uop 0..1 out 2 in 3 dst 0,0 src 0,0 wgt 1023,1", "finish"}),
              HasSubstr("wgt index reaches 1025"));
  EXPECT_THAT(error_of(plus(), {"alu.add uop 0..1 out 2 in 3 dst 0,0 src 2047,1", "finish"}),
              HasSubstr("src index reaches 2049"));
  EXPECT_THAT(error_of(hardware, {"gemm uop 8190..8193 out 1 in 1 dst 0,0 src 0,0 wgt 0,0", "finish"}),
              HasSubstr("micro-ops 8190 to 8193"));
  EXPECT_THAT(error_of(hardware, {"gemm uop 0..8192 out 16383 in 16383 dst 0,0 src 0,0 wgt 0,0", "finish"}),
              HasSubstr("takes more than 68719476736 steps"));
  EXPECT_THAT(error_of(hardware, {"load.out sram 0 dram 0 y 1 x 1 stride 1", "finish"}), HasSubstr("cannot be loaded"));
  EXPECT_THAT(error_of(hardware, {"store.acc sram 0 dram 0 y 1 x 1 stride 1", "finish"}),
              HasSubstr("acc cannot be stored"));
  EXPECT_THAT(error_of(plus(), {"load.wgt sram 0 dram 0 y 1 x 1 stride 1 pad_min", "finish"}),
              HasSubstr("pad_is_min does not exist for memory type wgt"));
  EXPECT_THAT(error_of(hardware, {"load.inp [pop_prev] sram 0 dram 0 y 1 x 1 stride 1", "finish"}),
              HasSubstr("load module has no previous stage"));
  EXPECT_THAT(error_of(hardware, {"store.out [push_next] sram 0 dram 0 y 1 x 1 stride 1", "finish"}),
              HasSubstr("store module has no next stage"));
  EXPECT_THAT(error_of(hardware, {"load.uop sram 0 dram 0 y 0 x 0 stride 0"}), HasSubstr("none of the 1 instructions"));
}

TEST(FunctionalErrors, DeadlockSaysWhoWaitsForWhom) {
  EXPECT_EQ(
      error_of(HardwareConfig{}, {"load.inp [pop_next] sram 0 dram 0 y 1 x 1 stride 1",
                                  "gemm [pop_prev] uop 0..1 out 1 in 1 dst 0,0 src 0,0 wgt 0,0", "finish"}),
      "deadlock: load waits at instruction 0 for a token from compute; compute waits at instruction 1 for a token "
      "from load");
}

TEST(FunctionalErrors, HardwareAndPlacement) {
  HardwareConfig illegal;
  illegal.bus_bits = 65;
  EXPECT_THAT(error_of(HardwareConfig{}, {"finish"}), "");
  std::vector<uint8_t> dram = image(HardwareConfig{}, {"finish"});
  EXPECT_THROW(run_functional(illegal, dram, kInstructionAddress, 1), RunError);
  EXPECT_THROW(run_functional(HardwareConfig{}, dram, dram.size() + 1, 0), RunError);
  EXPECT_THROW(run_functional(HardwareConfig{}, dram, dram.size() - 15, 1), RunError);
  EXPECT_THROW(run_functional(HardwareConfig{}, dram, kInstructionAddress, UINT64_MAX), RunError);
  EXPECT_THROW(run_functional(HardwareConfig{}, dram, UINT64_MAX, 1), RunError);
  dram[kInstructionAddress] = 7;
  EXPECT_THROW(run_functional(HardwareConfig{}, dram, kInstructionAddress, 1), RunError);
}

TEST(FunctionalErrors, RandomBitsAreExecutedOrRefused) {
  Random random(11);
  int finished = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const HardwareConfig hardware = random_hardware(random);
    RandomProgram program = random_program(hardware, random);
    for (int k = 0; k < 4; ++k) {
      const uint64_t byte = program.instruction_address + random.below(program.instructions.size() * kInstructionBytes);
      program.dram[byte] ^= static_cast<uint8_t>(1u << random.below(8));
    }
    if (too_long(program, hardware)) continue;
    try {
      run_functional(hardware, program.dram, program.instruction_address, program.instructions.size(), random.next());
      ++finished;
    } catch (const RunError&) {
    }
  }
  EXPECT_GT(finished, 20);
}

class OnTarget : public testing::TestWithParam<int64_t> {};

TEST_P(OnTarget, RandomProgramsAgreeWithTheModel) {
  hwy::SetSupportedTargetsForTest(GetParam());
  Random random(static_cast<uint64_t>(GetParam()));
  for (int trial = 0; trial < 150; ++trial) {
    const HardwareConfig hardware = random_hardware(random);
    RandomProgram program = random_program(hardware, random);
    std::vector<uint8_t> expected = program.dram;
    run_model(hardware, program.instructions, expected);
    std::vector<uint8_t> found = program.dram;
    run_functional(hardware, found, program.instruction_address, program.instructions.size(), random.next());
    const auto differs = std::mismatch(found.begin(), found.end(), expected.begin());
    ASSERT_TRUE(differs.first == found.end())
        << hardware.to_string() << " trial " << trial << " byte " << differs.first - found.begin();
  }
  hwy::SetSupportedTargetsForTest(0);
}

INSTANTIATE_TEST_SUITE_P(Targets, OnTarget, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& which) { return std::string(hwy::TargetName(which.param)); });

}  // namespace
}  // namespace arco
