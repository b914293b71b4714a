// Raw layers as a stranger sees them: tests/raw_check.py knows docs/isa.md and nothing of this program.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "arco/base/file.h"
#include "arco/runtime/raw_dump.h"
#include "arco/runtime/small_network.h"

namespace arco {
namespace {

namespace fs = std::filesystem;

struct Chip {
  std::string name;
  HardwareConfig hardware;
  ChainRule chains = ChainRule::kWhereFaster;
  QuantizeOptions scales = {};
};

HardwareConfig hardware(IsaVariant variant, std::array<int, 3> log2_core, std::array<int, 4> log2_buffers) {
  HardwareConfig made;
  made.variant = variant;
  made.log2_batch = log2_core[0];
  made.log2_block_in = log2_core[1];
  made.log2_block_out = log2_core[2];
  made.log2_uop_buffer = log2_buffers[0];
  made.log2_inp_buffer = log2_buffers[1];
  made.log2_wgt_buffer = log2_buffers[2];
  made.log2_acc_buffer = log2_buffers[3];
  return made;
}

std::vector<Chip> chips() {
  constexpr auto kUp = IsaVariant::kUp;
  constexpr auto kPlus = IsaVariant::kVtaPlus;
  return {{"default", HardwareConfig{}},
          {"fields_of_both_halves", hardware(kUp, {0, 4, 4}, {12, 13, 13, 13}), ChainRule::kNever},
          {"batch_of_the_public_vta", hardware(kUp, {1, 4, 4}, {15, 15, 18, 17})},
          {"wide_output", hardware(kPlus, {0, 4, 5}, {15, 15, 18, 17})},
          {"wide_input_in_batches", hardware(kPlus, {1, 5, 3}, {13, 14, 15, 14}), ChainRule::kNever},
          {"accumulators_beyond_their_factors", hardware(kPlus, {0, 4, 3}, {15, 15, 15, 17})},
          {"scales_for_each_channel",
           hardware(kPlus, {0, 4, 4}, {15, 15, 18, 17}),
           ChainRule::kNever,
           {.weight_scales = WeightScales::kPerChannel}},
          {"grids_that_models_bring",
           hardware(kPlus, {1, 4, 5}, {14, 14, 16, 16}),
           ChainRule::kNever,
           {.keep_brought = true}}};
}

class RawCheck : public testing::TestWithParam<Chip> {
 protected:
  void SetUp() override {
    if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "there is no python3";
    const Graph network = SmallNetwork::make(1, {0, std::numeric_limits<float>::infinity()}, GetParam().scales);
    const Executable executable = compile(network, GetParam().hardware, {}, GetParam().chains);
    layers_ = write_raw_layers(executable, noise_calibration(executable.graph, 4, 1).sets[0], folder_);
    ASSERT_EQ(layers_.size(), GetParam().chains == ChainRule::kNever ? 4U : 3U);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // The script's exit code and output.
  std::pair<int, std::string> check() const {
    const fs::path said = folder_ / "said";
    const std::string command = fmt::format("python3 '{}/tests/raw_check.py' '{}' > '{}' 2>&1", ARCO_SOURCE_DIR,
                                            folder_.string(), said.string());
    const int status = std::system(command.c_str());
    return {WEXITSTATUS(status), read_text_file(said)};
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("arco_raw_check_{}", getpid());
  std::vector<RawLayer> layers_;
};

TEST_P(RawCheck, AnotherInterpreterLeavesTheExpectedMemory) {
  const auto [code, said] = check();
  EXPECT_EQ(code, 0) << said;
  EXPECT_THAT(said, testing::HasSubstr(fmt::format("all {} layers", layers_.size())));
}

TEST_P(RawCheck, AWrongByteIsFound) {
  const fs::path file = folder_ / layers_[1].after;
  std::vector<uint8_t> image = read_file(file);
  image[kPageBytes + 5] ^= 1;
  write_file(file, image);
  const auto [code, said] = check();
  EXPECT_EQ(code, 1);
  EXPECT_THAT(said, testing::HasSubstr("layer 1 second"));
  EXPECT_THAT(said, testing::HasSubstr(": address 0x1005 holds"));
}

INSTANTIATE_TEST_SUITE_P(All, RawCheck, testing::ValuesIn(chips()), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace arco
