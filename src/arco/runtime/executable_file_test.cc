#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <cstring>
#include <filesystem>
#include <functional>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/quant/calibrate.h"
#include "arco/runtime/run.h"
#include "arco/runtime/small_network.h"
#include "arco/schedule/candidates.h"

namespace arco {
namespace {

using testing::HasSubstr;
using Bytes = std::vector<uint8_t>;

class ExecutableFile : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  Bytes saved() const {
    static const Bytes kFile = [this] {
      save_executable(compile(SmallNetwork::make(), HardwareConfig{}), path("a.arco"));
      return read_file(path("a.arco"));
    }();
    return kFile;
  }

  // The content of the frame: length, JSON, constants.
  static std::string content_of(const Bytes& file) {
    std::string content(ZSTD_getFrameContentSize(file.data() + 8, file.size() - 8), '\0');
    ZSTD_decompress(content.data(), content.size(), file.data() + 8, file.size() - 8);
    return content;
  }
  static Bytes file_of(const std::string& content) {
    Bytes file{'A', 'R', 'C', 'O', 1, 0, 0, 0};
    Bytes frame(ZSTD_compressBound(content.size()));
    frame.resize(ZSTD_compress(frame.data(), frame.size(), content.data(), content.size(), 1));
    file.insert(file.end(), frame.begin(), frame.end());
    return file;
  }
  // Replaces text of the JSON by another of the same length.
  Bytes with_text(const std::string& from, const std::string& to) const {
    EXPECT_EQ(from.size(), to.size());
    std::string content = content_of(saved());
    const size_t at = content.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return file_of(content.replace(at, from.size(), to));
  }

  std::string problem(const Bytes& file) const {
    write_file(path("damaged.arco"), file);
    try {
      load_executable(path("damaged.arco"));
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / fmt::format("arco_executable_file_{}", getpid());
};

TEST_F(ExecutableFile, LoadsWhatWasSaved) {
  HardwareConfig hardware;
  hardware.variant = IsaVariant::kVtaPlus;
  hardware.log2_block_in = 3;
  hardware.log2_inp_buffer = 14;
  hardware.log2_wgt_buffer = 17;
  ASSERT_THAT(hardware.violations(), testing::IsEmpty());
  hardware.other_keys["TARGET"] = "\"sim\"";
  // A schedule that compiling would not choose by itself.
  const ScheduleSource source = [&](const Workload& workload) {
    std::optional<Schedule> last;
    for_each_legal(workload, hardware, [&](const Schedule& schedule) { last = schedule; });
    return last;
  };
  const Executable executable = compile(SmallNetwork::make(), hardware, source);
  save_executable(executable, path("net.arco"));
  const Executable loaded = load_executable(path("net.arco"));
  EXPECT_EQ(loaded.hardware, hardware);
  EXPECT_EQ(initial_dram(loaded), initial_dram(executable));
  EXPECT_EQ(to_text(loaded.graph), to_text(executable.graph));
  const auto inputs = noise_calibration(executable.graph, 3, 1).sets[0];
  RunOptions options;
  options.verify = true;
  const RunResult result = run(loaded, inputs, options);
  EXPECT_TRUE(result.mismatches.empty());
  EXPECT_EQ(result.layers.size(), 3U);  // the second convolution and the pooling are one
  const RunResult before = run(executable, inputs, options);
  EXPECT_TRUE(std::ranges::equal(result.outputs[0].bytes(), before.outputs[0].bytes()));
  save_executable(loaded, path("again.arco"));
  EXPECT_EQ(read_file(path("again.arco")), read_file(path("net.arco")));
}

TEST_F(ExecutableFile, KeepsLayersTogetherOrApart) {
  const auto layers = [&](ChainRule rule) {
    const Executable executable = compile(SmallNetwork::make(), HardwareConfig{}, {}, rule);
    save_executable(executable, path("chains.arco"));
    const Executable loaded = load_executable(path("chains.arco"));
    EXPECT_EQ(loaded.steps.size(), executable.steps.size());
    EXPECT_EQ(loaded.activation_bytes_unshared, executable.activation_bytes_unshared);
    return layer_cycles(loaded, {}, 1).size();
  };
  EXPECT_EQ(layers(ChainRule::kNever), 4U);
  EXPECT_EQ(layers(ChainRule::kWhereFaster), 3U);
}

TEST_F(ExecutableFile, EveryTruncationIsAnError) {
  const Bytes file = saved();
  for (size_t bytes = 0; bytes < file.size(); bytes += 1 + bytes / 8) {
    EXPECT_NE(problem(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(bytes))), "no error") << bytes;
  }
  EXPECT_NE(problem(Bytes(file.begin(), file.end() - 1)), "no error");
}

TEST_F(ExecutableFile, EveryFlippedByteIsAnError) {
  const Bytes file = saved();
  for (size_t i = 0; i < file.size(); i += 1 + i / 16) {
    Bytes damaged = file;
    damaged[i] ^= 0xFF;
    EXPECT_NE(problem(damaged), "no error") << i;
  }
}

TEST_F(ExecutableFile, OtherFilesOfAnyLengthAreRefusedByTheirBeginning) {
  write_file(path("other.arco"), std::string("PK"));
  std::filesystem::resize_file(path("other.arco"), uint64_t{1} << 42);
  try {
    load_executable(path("other.arco"));
    ADD_FAILURE() << "accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("is no .arco file"));
  }
}

TEST_F(ExecutableFile, SaysWhatIsWrongWithTheHeader) {
  Bytes file = saved();
  EXPECT_THAT(problem({'P', 'K', 3, 4, 0, 0, 0, 0, 0}), HasSubstr("is no .arco file"));
  EXPECT_THAT(problem(Bytes(file.begin(), file.end() - 100)), HasSubstr("is truncated; compile the network again"));
  Bytes flipped = file;
  flipped[file.size() - 3] ^= 0xFF;
  EXPECT_THAT(problem(flipped),
              HasSubstr("is damaged: its content is not what was written; compile the network again"));
  Bytes longer = file;
  longer.push_back(0);
  EXPECT_THAT(problem(longer), HasSubstr("has 1 unexpected bytes at its end"));
  file[4] = 9;
  EXPECT_THAT(problem(file), HasSubstr("has format version 9, expected 1"));
}

TEST_F(ExecutableFile, RefusesBombs) {
  // A frame header that declares 2^60 bytes.
  Bytes bomb{'A', 'R', 'C', 'O', 1, 0, 0, 0, 0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0x58, 0, 0, 0, 0, 0, 0, 0, 0x10};
  EXPECT_THAT(problem(bomb), HasSubstr("more than the 67108864 that 14 compressed ones can"));
  // The declared length of the JSON is larger than the file.
  std::string content = content_of(saved());
  content[7] = 0x7F;
  EXPECT_THAT(problem(file_of(content)), HasSubstr("description cannot have"));
  EXPECT_THAT(problem(file_of("abc")), HasSubstr("holds no description"));
}

TEST_F(ExecutableFile, ChecksTheContent) {
  EXPECT_THAT(problem(with_text("\"op\":\"Conv\"", "\"op\":\"Conw\"")), HasSubstr("did you mean \"Conv\""));
  EXPECT_THAT(problem(with_text("\"shift\":", "\"shirt\":")), HasSubstr("\"shift\" is missing"));
  EXPECT_THAT(problem(with_text("\"low\":-127", "\"low\":-128")), HasSubstr("not consistent"));
  EXPECT_THAT(problem(with_text("\"tile_h\":4", "\"tile_h\":3")), HasSubstr("is illegal"));
  EXPECT_THAT(problem(with_text("\"tile_h\":4", "\"tile_h\":0")), HasSubstr("expected a whole number from 1"));
  EXPECT_THAT(problem(with_text("\"LOG_BATCH\\\"", "\"LOG_BETCH\\\"")), HasSubstr("LOG_BATCH"));
  // Legal, but it gives another program than the one the file was made with.
  EXPECT_THAT(problem(with_text("\"tile_h\":4", "\"tile_h\":2")), HasSubstr("another version of ARCO"));
  EXPECT_THAT(problem(with_text("\"layer\":\"second ", "\"layer\":\"seconf ")), HasSubstr("another version of ARCO"));
}

TEST_F(ExecutableFile, NoDamagedContentCrashes) {
  const std::string content = content_of(saved());
  Random random(5);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = content;
    // In the JSON, which is where damage means something; several characters at once now and then.
    uint64_t json_bytes = 0;
    std::memcpy(&json_bytes, content.data(), 8);
    for (uint64_t k = 0; k <= random.below(3); ++k) {
      static constexpr char kReplacements[] = "0123456789-\"{}[],:eE.tfn";
      damaged[8 + random.below(json_bytes)] = kReplacements[random.below(sizeof(kReplacements) - 1)];
    }
    // Names may change without harm; anything but UserError fails the test.
    problem(file_of(damaged));
  }
}

}  // namespace
}  // namespace arco
