// Every target over its corpus in tests/data/fuzz (seeds, and inputs that once found something), over good input made
// here and now, and over that with a few bytes changed.
//
// ARCO_UPDATE_FUZZ_SEEDS=1 writes the seeds (seed_*) anew.
#include "arco/fuzz/fuzz_targets.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arco/base/file.h"
#include "arco/base/random.h"
#include "arco/fuzz/fuzz_program.h"
#include "arco/isa/checker.h"
#include "arco/onnx/importer.h"
#include "arco/runtime/executable.h"
#include "arco/runtime/small_network.h"
#include "arco/search/design.h"

namespace arco {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

const fs::path kCorpus = ARCO_SOURCE_DIR "/tests/data/fuzz";
const fs::path kBad = ARCO_SOURCE_DIR "/tests/data/bad";

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string binary_model(const fs::path& textproto) {
  onnx::ModelProto model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(read_text_file(textproto), &model)) << textproto;
  return model.SerializeAsString();
}

Bytes bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

struct FuzzTarget {
  std::string name;  // also that of its folder
  void (*run)(std::span<const uint8_t> bytes);
};
void PrintTo(const FuzzTarget& target, std::ostream* out) {
  *out << target.name;
}

std::vector<FuzzTarget> fuzz_targets() {
  return {{"onnx", fuzz_onnx},
          {"hardware", fuzz_hardware},
          {"design", fuzz_design},
          {"executable", fuzz_executable},
          {"program", fuzz_program}};
}

// ---- Good input ----

Executable small_executable(size_t chip) {
  return compile(SmallNetwork::make(), fuzz_chips()[chip]);
}

// The file, and what is inside.
std::vector<Bytes> executables() {
  const fs::path file = fs::path(testing::TempDir()) / fmt::format("arco_fuzz_{}.arco", getpid());
  save_executable(small_executable(0), file);
  std::vector<Bytes> all{read_file(file)};
  fs::remove(file);
  const std::span<const uint8_t> frame = std::span(all[0]).subspan(8);
  Bytes content(ZSTD_getFrameContentSize(frame.data(), frame.size()));
  content.resize(ZSTD_decompress(content.data(), content.size(), frame.data(), frame.size()));
  all.push_back(content);
  return all;
}

std::vector<Bytes> programs() {
  constexpr size_t kMostInstructions = 255;
  std::vector<Bytes> all;
  for (size_t chip = 0; chip < fuzz_chips().size(); ++chip) {
    for (const CompiledStep& step : small_executable(chip).steps) {
      const auto* layer = std::get_if<CompiledLayer>(&step);
      if (layer == nullptr || layer->program.instructions.size() > kMostInstructions) continue;
      all.push_back(fuzz_bytes(layer->program, chip));
    }
  }
  return all;
}

std::vector<Bytes> hardware_files() {
  std::vector<Bytes> all;
  for (const HardwareConfig& hardware : fuzz_chips()) all.push_back(bytes_of(to_json(hardware)));
  return all;
}

Design some_design() {
  Design design;
  design.hardware = fuzz_chips()[2];
  design.tasks = {{"conv2d n1 3x8x8 -> 2x8x8 k1x1 s1x1 p0,0,0,0", 2, {}, 500, 1e5, 400}};
  design.host_tasks = {{"add n1 3x8x8 -> 3x8x8", 1, "no schedule fits"}};
  design.reference = Reference{HardwareConfig{}, 700, 1e6, 2.5, true};
  design.tuner = "mappo";
  design.seed = UINT64_MAX;
  return design;
}

std::vector<Bytes> good_input(const std::string& target) {
  if (target == "onnx") return {bytes_of(binary_model(kBad / "network.textproto"))};
  if (target == "hardware") return hardware_files();
  if (target == "design") return {bytes_of(to_json(some_design()).dump(1))};
  return target == "executable" ? executables() : programs();
}

// ---- Seeds ----

constexpr uintmax_t kMostSeedBytes = 8 << 10;

bool is_good_seed(const fs::path& file) {
  return file.filename().string().starts_with("seed_good_");
}

void write_seeds(const FuzzTarget& target) {
  const fs::path folder = kCorpus / target.name;
  for (const fs::path& file : files_in(folder)) {
    if (is_good_seed(file)) fs::remove(file);
  }
  int number = 0;
  for (const Bytes& bytes : good_input(target.name)) {
    write_file(folder / fmt::format("seed_good_{}", number++), bytes);
  }
  const fs::path bad = kBad / (target.name == "onnx" ? "model" : target.name);
  if (!fs::exists(bad)) return;
  for (const fs::path& file : files_in(bad)) {
    if (fs::file_size(file) > kMostSeedBytes) continue;
    const bool is_text = file.extension() == ".textproto";
    write_file(folder / ("seed_bad_" + file.stem().string()), is_text ? bytes_of(binary_model(file)) : read_file(file));
  }
}

class FuzzTargets : public testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzTargets, SurviveTheirCorpus) {
  if (std::getenv("ARCO_UPDATE_FUZZ_SEEDS") != nullptr) write_seeds(GetParam());
  const auto files = files_in(kCorpus / GetParam().name);
  EXPECT_GE(files.size(), 2U);
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.filename().string());
    EXPECT_NO_THROW(run_target(GetParam().run, read_file(file)));
  }
}

TEST_P(FuzzTargets, SurviveGoodInputAndItsDamage) {
  Random random(7);
  for (const Bytes& good : good_input(GetParam().name)) {
    EXPECT_NO_THROW(run_target(GetParam().run, good));
    for (int round = 0; round < 30; ++round) {
      Bytes damaged = good;
      for (uint64_t i = 0; i <= random.below(3); ++i) {
        damaged[random.below(damaged.size())] = static_cast<uint8_t>(random.below(256));
      }
      EXPECT_NO_THROW(run_target(GetParam().run, damaged)) << round;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FuzzTargets, testing::ValuesIn(fuzz_targets()),
                         [](const auto& row) { return row.param.name; });

// The targets swallow UserErrors, so that good input is good is asked for here.
TEST(FuzzSeeds, GoodInputIsAccepted) {
  for (const Bytes& bytes : good_input("onnx")) EXPECT_NO_THROW(import_onnx(bytes, "seed"));
  for (const Bytes& bytes : good_input("hardware")) {
    EXPECT_NO_THROW(parse_hardware({bytes.begin(), bytes.end()}, "seed"));
  }
  for (const Bytes& bytes : good_input("design")) EXPECT_NO_THROW(parse_design({bytes.begin(), bytes.end()}, "seed"));
  const auto files = good_input("executable");
  EXPECT_NO_THROW(parse_executable(files[0], "seed"));
  EXPECT_NO_THROW(parse_executable_content(files[1], "seed"));
  EXPECT_GE(programs().size(), 10U);
}

// Those of an older lowering would be refused before they reach what they are to try.
TEST(FuzzSeeds, GoodSeedsOfTheCorpusAreStillAccepted) {
  for (const FuzzTarget& target : fuzz_targets()) {
    int seeds = 0;
    for (const fs::path& file : files_in(kCorpus / target.name)) {
      if (!is_good_seed(file)) continue;
      ++seeds;
      const Bytes bytes = read_file(file);
      EXPECT_NO_THROW(target.run(bytes)) << file << ": ARCO_UPDATE_FUZZ_SEEDS=1 writes it anew";
      if (target.name != "program") continue;
      const Program program = fuzz_program_of(bytes);
      EXPECT_EQ(program.instructions.size(), bytes[1]) << file;
      EXPECT_TRUE(check_program(program).empty()) << file;
    }
    EXPECT_GE(seeds, 1) << target.name;
  }
}

}  // namespace
}  // namespace arco
