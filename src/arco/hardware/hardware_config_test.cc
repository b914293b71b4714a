#include "arco/hardware/hardware_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arco/base/error.h"

namespace arco {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// LOG_BATCH, LOG_BLOCK_IN, LOG_BLOCK_OUT, UOP, INP, WGT, ACC, bus.
HardwareConfig config(int batch, int in, int out, int uop, int inp, int wgt, int acc, int bus = 64) {
  HardwareConfig hw;
  hw.variant = IsaVariant::kVtaPlus;
  hw.log2_batch = batch;
  hw.log2_block_in = in;
  hw.log2_block_out = out;
  hw.log2_uop_buffer = uop;
  hw.log2_inp_buffer = inp;
  hw.log2_wgt_buffer = wgt;
  hw.log2_acc_buffer = acc;
  hw.bus_bits = bus;
  return hw;
}

std::string problems_of(const std::string& json) {
  try {
    parse_hardware(json, "hw.json");
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

const char* const kDefaultFile = R"({
  "TARGET": "sim", "HW_VER": "0.0.2", "LOG_INP_WIDTH": 3, "LOG_WGT_WIDTH": 3, "LOG_ACC_WIDTH": 5, "LOG_BATCH": 0,
  "LOG_BLOCK": 4, "LOG_UOP_BUFF_SIZE": 15, "LOG_INP_BUFF_SIZE": 15, "LOG_WGT_BUFF_SIZE": 18, "LOG_ACC_BUFF_SIZE": 17 })";

TEST(HardwareConfig, DefaultIsTheDefaultVta) {
  const HardwareConfig hw;
  EXPECT_THAT(hw.violations(), IsEmpty());
  EXPECT_EQ(hw.uop_depth(), 8192);
  EXPECT_EQ(hw.inp_depth(), 2048);
  EXPECT_EQ(hw.wgt_depth(), 1024);
  EXPECT_EQ(hw.acc_depth(), 2048);
  EXPECT_EQ(hw.macs_per_step(), 256);
  EXPECT_EQ(hw.to_string(), "1x16x16_i8w8a32_15_15_18_17_up");
}

// The published sample configurations (vta-isa 1.2) are all legal.
TEST(HardwareConfig, SamplesAreLegal) {
  const std::vector<HardwareConfig> samples = {
      config(0, 4, 4, 15, 15, 18, 17),      config(0, 4, 4, 7, 15, 18, 17),       config(1, 4, 4, 15, 15, 18, 17),
      config(0, 5, 5, 15, 15, 18, 17),      config(0, 5, 5, 15, 15, 18, 17, 128), config(1, 5, 5, 15, 15, 18, 17),
      config(0, 5, 3, 15, 15, 18, 17),      config(0, 3, 5, 15, 15, 18, 17),      config(2, 3, 3, 11, 16, 16, 18),
      config(0, 5, 5, 12, 15, 15, 15, 256), config(0, 4, 4, 12, 13, 13, 13, 128), config(0, 6, 6, 12, 17, 17, 17, 512),
  };
  for (const auto& hw : samples) {
    EXPECT_THAT(hw.violations(), IsEmpty()) << hw.to_string();
    EXPECT_EQ(parse_hardware(to_json(hw), "round trip"), hw) << to_json(hw);
  }
}

TEST(HardwareConfig, NamesTellConfigurationsApart) {
  HardwareConfig hw = config(0, 5, 3, 15, 15, 18, 17, 128);
  EXPECT_EQ(hw.to_string(), "1x32x8_i8w8a32_15_15_18_17_bus128");
  hw.max_burst_beats = 256;
  EXPECT_EQ(hw.to_string(), "1x32x8_i8w8a32_15_15_18_17_bus128_burst256");
}

struct BrokenRule {
  const char* name;
  HardwareConfig hw;
  const char* message;
};

HardwareConfig changed(IsaVariant variant, int HardwareConfig::*member, int value) {
  HardwareConfig hw;
  hw.variant = variant;
  hw.*member = value;
  return hw;
}

TEST(HardwareConfig, EachRuleIsReportedWithItsNumbers) {
  using H = HardwareConfig;
  const auto up = IsaVariant::kUp, plus = IsaVariant::kVtaPlus;
  const std::vector<BrokenRule> rules = {
      {"blocks", changed(up, &H::log2_block_in, 5), "BLOCK_IN is 32 and BLOCK_OUT is 16"},
      {"uop range", changed(up, &H::log2_uop_buffer, 16),
       "2*14 + 37 = 65 bits of 64; set LOG_UOP_BUFF_SIZE to at most 15"},
      {"up micro-op", changed(up, &H::log2_inp_buffer, 16),
       "a micro-op needs 33 bits (dst 11 + src 12 + wgt 10) of 32"},
      {"up gemm", changed(up, &H::log2_inp_buffer, 16), "2*(11 + 12 + 10) = 66 bits of 64"},
      {"up alu", changed(up, &H::log2_acc_buffer, 18),
       "4*12 + 20 = 68 bits of 64; set LOG_ACC_BUFF_SIZE to at most 17"},
      {"plus micro-op", changed(plus, &H::log2_acc_buffer, 18), "a micro-op needs 33 bits (dst 12 + src 11 + wgt 10)"},
      {"plus alu micro-op", config(0, 4, 4, 15, 10, 10, 23),
       "34 bits (dst 17 + src 17) of 32; set LOG_ACC_BUFF_SIZE to at most 22"},
      {"no entry", changed(up, &H::log2_wgt_buffer, 7),
       "128 bytes does not hold one element of 256 bytes; set LOG_WGT_BUFF_SIZE to at least 8"},
      {"element", config(0, 7, 6, 15, 15, 18, 15), "WGT buffer has 8192 bytes, at most 4096"},
      {"index", config(0, 1, 1, 15, 18, 10, 8),
       "the INP buffer has 2^17 entries, but an SRAM index has 16 bits; set LOG_INP_BUFF_SIZE to at most 17"},
      {"block", changed(up, &H::log2_block_in, 0), "LOG_BLOCK_IN is 0; it must be 1 to 12"},
      {"batch", changed(up, &H::log2_batch, -1), "LOG_BATCH is -1"},
      {"huge", changed(up, &H::log2_acc_buffer, 2000000000), "LOG_ACC_BUFF_SIZE is 2000000000; it must be 2 to 30"},
      {"bus", changed(up, &H::bus_bits, 96), "96 bits; it must be 64, 128, 256 or 512"},
      {"burst", changed(up, &H::max_burst_beats, 0), "at most 0 beats"},
      {"burst power", changed(up, &H::max_burst_beats, 24), "power of two from 1 to 256"},
  };
  for (const auto& rule : rules) {
    EXPECT_THAT(rule.hw.violations(), ::testing::Contains(HasSubstr(rule.message))) << rule.name;
  }
}

TEST(HardwareConfig, UpAcceptsWhatPlusAccepts) {
  HardwareConfig hw = config(0, 4, 4, 15, 14, 17, 18);
  EXPECT_THAT(hw.violations(), IsEmpty());  // AD = 12: vta++ caps the ALU factors instead
  hw.variant = IsaVariant::kUp;
  EXPECT_EQ(hw.violations().size(), 2u);  // micro-op 12 + 12 + 9 and the ALU fields
}

TEST(HardwareJson, ReadsTheDefaultFile) {
  const HardwareConfig hw = parse_hardware(kDefaultFile, "vta_config.json");
  HardwareConfig expected;
  expected.other_keys = {{"TARGET", "\"sim\""}, {"HW_VER", "\"0.0.2\""}};
  EXPECT_EQ(hw, expected);
  EXPECT_EQ(parse_hardware(to_json(hw), "again"), hw);
}

TEST(HardwareJson, ChoosesTheVariantFromTheKeys) {
  const std::string buffers =
      R"("LOG_UOP_BUFF_SIZE": 15, "LOG_INP_BUFF_SIZE": 15, "LOG_WGT_BUFF_SIZE": 18, "LOG_ACC_BUFF_SIZE": 17})";
  EXPECT_EQ(parse_hardware(R"({"LOG_BATCH": 1, "LOG_BLOCK": 4, )" + buffers, "x").variant, IsaVariant::kVtaPlus);
  const auto split = parse_hardware(R"({"LOG_BATCH": 0, "LOG_BLOCK_IN": 5, "LOG_BLOCK_OUT": 3, )" + buffers, "x");
  EXPECT_EQ(split.variant, IsaVariant::kVtaPlus);
  EXPECT_EQ(split.block_in(), 32);
  EXPECT_EQ(split.block_out(), 8);
  const auto named = parse_hardware(R"({"ISA_VARIANT": "vta++", "LOG_BATCH": 0, "LOG_BLOCK": 4, )" + buffers, "x");
  EXPECT_EQ(named.variant, IsaVariant::kVtaPlus);
}

TEST(HardwareJson, ReadsTheForkKeys) {
  const auto hw = parse_hardware(R"({"LOG_BATCH": 0, "LOG_BLOCK_IN": 6, "LOG_BLOCK_OUT": 6, "LOG_UOP_BUFF_SIZE": 12,
    "LOG_INP_BUFF_SIZE": 17, "LOG_WGT_BUFF_SIZE": 17, "LOG_ACC_BUFF_SIZE": 17, "SHL_MEM_AXI_DATA_BITS": 512,
    "DPI_DATA_BITS": 512, "DPI_LEN_BITS": 8, "SHL_VME_CLT_TAG_BITS": 20, "VTA_CORE_BLOCK_OUT_SPLIT_FACTOR": 8,
    "VTA_FEATURE_ORIGINAL_TENSOR_LOAD": false, "MY_LAB": {"note": [1, 2]}})",
                                 "be_huge.json");
  EXPECT_EQ(hw.bus_bits, 512);
  EXPECT_EQ(hw.max_burst_beats, 256);
  EXPECT_EQ(hw.other_keys.size(), 4u);
  EXPECT_EQ(hw.other_keys.at("MY_LAB"), R"({"note":[1,2]})");
  EXPECT_EQ(parse_hardware(to_json(hw), "again"), hw);
  std::string limited = kDefaultFile;
  limited.replace(limited.rfind('}'), 1, R"(, "DPI_LEN_BITS": 8, "MAX_BURST_LENGTH": 2})");
  EXPECT_EQ(parse_hardware(limited, "burst2").max_burst_beats, 2);
}

TEST(HardwareJson, AllProblemsAtOnce) {
  const std::string text = problems_of(R"({"LOG_BATCH": "0", "LOG_BLOK": 4, "LOG_UOP_BUFF_SIZE": 15.5,
    "LOG_INP_BUFF_SIZE": 99999999999999999999, "LOG_WGT_BUFF_SIZE": 18, "LOG_WGT_BUFF_SIZE": 18,
    "log_acc_buff_size": 17, "LOG_ACC_WIDTH": 4, "SHL_MEM_AXI_DATA_BITS": 64, "DPI_DATA_BITS": 128,
    "DPI_LEN_BITS": 4, "MAX_BURST_LENGTH": 32, "ISA_VARIANT": 3})");
  for (const char* expected :
       {"hw.json: 12 problems", "LOG_BATCH is \"0\"; it must be an integer", "\"LOG_BLOK\"; did you mean LOG_BLOCK?",
        "LOG_BLOCK is missing", "LOG_UOP_BUFF_SIZE is 15.5", "LOG_INP_BUFF_SIZE is 1e+20",
        "key \"LOG_WGT_BUFF_SIZE\" stands in one object more than once", "did you mean LOG_ACC_BUFF_SIZE?",
        "LOG_ACC_BUFF_SIZE is missing; add it (the default VTA has 17)", "LOG_ACC_WIDTH is 4; only 5 (32 bits)",
        "SHL_MEM_AXI_DATA_BITS is 64 and DPI_DATA_BITS is 128",
        "MAX_BURST_LENGTH is 32, but DPI_LEN_BITS 4 allows at most 16", "ISA_VARIANT is 3"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

TEST(HardwareJson, BrokenRulesStandBesideTypingErrors) {
  std::string text = kDefaultFile;
  text.replace(text.find("\"LOG_INP_BUFF_SIZE\": 15"), 23, "\"LOG_INP_BUFF_SIZE\": 17");
  text.replace(text.find("HW_VER"), 6, "HW_VEER");
  const std::string problems = problems_of(text);
  EXPECT_THAT(problems, HasSubstr("did you mean HW_VER?"));
  EXPECT_THAT(problems, HasSubstr("dst 11 + src 13 + wgt 10"));
}

// What people read, word for word.
TEST(HardwareJson, GoldenTexts) {
  EXPECT_EQ(problems_of(R"({"LOG_BATCH": 0, "LOG_BLOK": 4, "LOG_UOP_BUF_SIZE": 15, "LOG_INP_BUFF_SIZE": 15,
                            "LOG_WGT_BUFF_SIZE": "18", "LOG_ACC_BUFF_SIZE": 17, "SHL_MEM_AXI_DATA_BITS": 96})"),
            R"(hw.json: 6 problems
  - LOG_UOP_BUFF_SIZE is missing; add it (the default VTA has 15)
  - LOG_WGT_BUFF_SIZE is "18"; it must be an integer
  - LOG_BLOCK is missing; add it (the default VTA has 4)
  - unknown key "LOG_BLOK"; did you mean LOG_BLOCK?
  - unknown key "LOG_UOP_BUF_SIZE"; did you mean LOG_UOP_BUFF_SIZE?
  - the memory interface has 96 bits; it must be 64, 128, 256 or 512 (SHL_MEM_AXI_DATA_BITS))");
  EXPECT_EQ(problems_of(R"({"LOG_BATCH": 0, "LOG_BLOCK": 40, "LOG_UOP_BUFF_SIZE": 15, "LOG_INP_BUFF_SIZE": 15,
                            "LOG_WGT_BUFF_SIZE": 18, "LOG_ACC_BUFF_SIZE": 99})"),
            R"(hw.json: 2 problems
  - LOG_BLOCK is 40; it must be 1 to 12
  - LOG_ACC_BUFF_SIZE is 99; it must be 2 to 30)");
  EXPECT_EQ(problems_of(R"({"ISA_VARIANT": "up", "LOG_BATCH": 0, "LOG_BLOCK": 4, "LOG_UOP_BUFF_SIZE": 16,
                            "LOG_INP_BUFF_SIZE": 17, "LOG_WGT_BUFF_SIZE": 19, "LOG_ACC_BUFF_SIZE": 18,
                            "SHL_MEM_AXI_DATA_BITS": 96, "MAX_BURST_LENGTH": 24})"),
            R"(hw.json: 6 problems
  - a micro-op needs 36 bits (dst 12 + src 13 + wgt 11) of 32; make the INP, WGT or ACC buffer smaller, or the blocks larger
  - micro-op ranges need 2*14 + 37 = 65 bits of 64; set LOG_UOP_BUFF_SIZE to at most 15
  - the loop factors of a GEMM need 2*(12 + 13 + 11) = 72 bits of 64; make the INP, WGT or ACC buffer smaller, or the blocks larger
  - the fields of an ALU instruction need 4*12 + 20 = 68 bits of 64; set LOG_ACC_BUFF_SIZE to at most 17, or ISA_VARIANT to "vta++"
  - the memory interface has 96 bits; it must be 64, 128, 256 or 512 (SHL_MEM_AXI_DATA_BITS)
  - a burst has at most 24 beats (MAX_BURST_LENGTH); it must be a power of two from 1 to 256)");
  EXPECT_EQ(problems_of(R"({"LOG_BATCH": 0, "LOG_BLOCK_IN": 8, "LOG_BLOCK_OUT": 8, "LOG_UOP_BUFF_SIZE": 12,
                            "LOG_INP_BUFF_SIZE": 7, "LOG_WGT_BUFF_SIZE": 18, "LOG_ACC_BUFF_SIZE": 14})"),
            R"(hw.json: 2 problems
  - the INP buffer of 128 bytes does not hold one element of 256 bytes; set LOG_INP_BUFF_SIZE to at least 8
  - an element of the WGT buffer has 65536 bytes, at most 4096 are possible; make BATCH or the block smaller)");
}

TEST(HardwareJson, HostileTexts) {
  EXPECT_THAT(problems_of(""), HasSubstr("is empty"));
  EXPECT_THAT(problems_of("{"), HasSubstr("is not valid JSON"));
  EXPECT_THAT(problems_of("[1]"), HasSubstr("holds a list; expected a JSON object"));
  EXPECT_THAT(problems_of("{}"), HasSubstr("LOG_BATCH is missing"));
  EXPECT_THAT(problems_of("{\"A\": 1e999}"), HasSubstr("is not valid JSON"));
  EXPECT_THAT(problems_of(std::string("{\"LOG_BATCH\xff\": 1}")), HasSubstr("is not valid JSON"));
  EXPECT_THAT(problems_of(std::string(100000, '[')), HasSubstr("is not valid JSON"));
  EXPECT_THAT(problems_of("{\"A\": " + std::string(100000, '[') + std::string(100000, ']') + "}"),
              HasSubstr("nested more than"));
  EXPECT_THAT(problems_of(std::string(2 << 20, ' ')), HasSubstr("has 2097152 bytes"));
  EXPECT_THAT(problems_of("{\"LOG_BATCH\": -9223372036854775808}"), HasSubstr("LOG_BATCH is -9223372036854775808"));
  EXPECT_THAT(problems_of("{\"" + std::string(100000, 'L') + "\": 1}"), HasSubstr("LOG_BATCH is missing"));
}

TEST(HardwareJson, MissingFileNamesThePath) {
  EXPECT_THROW(read_hardware("/nonexistent/hw.json"), UserError);
}

}  // namespace
}  // namespace arco
