// `arco compile --accuracy`, `--ranges` and `--weight-scales` as a user meets them. The text is compared with
// tests/data/accuracy_report.txt; ARCO_UPDATE_GOLDEN=1 writes that file anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arco/base/file.h"
#include "arco/cli/test_command.h"
#include "arco/graph/npy.h"
#include "arco/hardware/hardware_config.h"

namespace arco {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

constexpr const char* kGolden = ARCO_SOURCE_DIR "/tests/data/accuracy_report.txt";
constexpr const char* kNetwork = ARCO_SOURCE_DIR "/tests/data/digits/digits.onnx";
constexpr const char* kCalibration = ARCO_SOURCE_DIR "/tests/data/digits/calibration_images.npz";
constexpr const char* kImages = ARCO_SOURCE_DIR "/tests/data/digits/test_images.npz";
constexpr const char* kLabels = ARCO_SOURCE_DIR "/tests/data/digits/test_labels.npy";
constexpr int64_t kSamples = 1000;
constexpr int64_t kCalibrationSamples = 64;

using testing_support::arco;
using testing_support::Result;

class Accuracy : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder() = std::filesystem::path(testing::TempDir()) / fmt::format("arco_accuracy_{}", getpid());
    std::filesystem::create_directories(folder());
    std::string classes;
    for (int64_t i = 0; i < kCalibrationSamples; ++i) classes += fmt::format("{}\n", i % 10);
    write_file(path("labels.txt"), classes);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder()); }

  static std::filesystem::path& folder() {
    static std::filesystem::path value;
    return value;
  }
  static std::string path(const std::string& name) { return (folder() / name).string(); }

  static Result compile(const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"compile", kNetwork, "-o", path("net.arco"), "--calibrate", kCalibration};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arco(arguments);
  }
};

TEST_F(Accuracy, TextIsAsExpected) {
  const Result result = compile({"--accuracy", kCalibration, "--labels", path("labels.txt")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const std::string text = result.out.substr(0, result.out.find("hardware  "));
  if (std::getenv("ARCO_UPDATE_GOLDEN") != nullptr) write_file(kGolden, text);
  EXPECT_EQ(text, read_text_file(kGolden));
}

// Held-out images: int8 may cost half a point of top-1.
TEST_F(Accuracy, JsonHasTheWorstLayerFirst) {
  const Result result = compile({"--accuracy", kImages, "--labels", kLabels, "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const Json accuracy = Json::parse(result.out)["accuracy"];
  EXPECT_EQ(accuracy["samples"], kSamples);
  EXPECT_EQ(accuracy["top1"]["decisions"], kSamples);
  EXPECT_GE(accuracy["top1"]["float_correct"], 970);
  EXPECT_GE(accuracy["top1"]["int8_correct"].get<int64_t>() + 5, accuracy["top1"]["float_correct"].get<int64_t>());
  double before = -1e9;
  for (const Json& layer : accuracy["layers"]) {
    if (layer["signal_to_noise_db"].is_null()) continue;
    EXPECT_GE(layer["signal_to_noise_db"], before);
    before = layer["signal_to_noise_db"];
  }
  EXPECT_GT(before, 20);
}

TEST_F(Accuracy, WrongInputsEndWithTwo) {
  const auto error = [](const std::vector<std::string>& more) {
    const Result result = compile(more);
    EXPECT_EQ(result.code, 2) << testing::PrintToString(more);
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_THAT(error({"--labels", path("labels.txt")}), HasSubstr("--accuracy"));
  EXPECT_THAT(error({"--accuracy", path("absent")}), HasSubstr("no such file or folder"));
  write_file(path("short.txt"), std::string("3\n"));
  EXPECT_THAT(error({"--accuracy", kImages, "--labels", path("short.txt")}),
              HasSubstr("1 labels, expected 1000: one for each of 1000 inputs"));
  std::string classes = "3\n1\n10\n";
  for (int64_t i = 3; i < kCalibrationSamples; ++i) classes += "0\n";
  write_file(path("wrong.txt"), classes);
  EXPECT_THAT(error({"--accuracy", kCalibration, "--labels", path("wrong.txt")}),
              HasSubstr("label 3 is class 10, expected 0 to 9"));
  write_file(path("empty.txt"), std::string());
  EXPECT_THAT(error({"--accuracy", kImages, "--labels", path("empty.txt")}), HasSubstr("holds no labels"));
  write_npy(path("small.npy"), Array(DataType::kFloat32, {3, 16, 16}));
  EXPECT_THAT(error({"--accuracy", path("small.npy")}), HasSubstr("expected 1x"));
  EXPECT_THAT(error({"--weight-scales", "per-channel"}), HasSubstr("needs a chip of variant vta++"));
  EXPECT_THAT(error({"--weight-scales", "perchannel"}), HasSubstr("--weight-scales"));
  EXPECT_THAT(error({"--ranges", "mean"}), HasSubstr("expected min-max, percentile, percentile=P or mse"));
}

TEST_F(Accuracy, ScalesForEachChannelAreKeptInTheFileAndShown) {
  HardwareConfig plus;
  plus.variant = IsaVariant::kVtaPlus;
  write_file(path("plus.json"), to_json(plus));
  const std::vector<std::string> plain{"--accuracy", kCalibration, "--hardware", path("plus.json"), "--json"};
  std::vector<std::string> finer = plain;
  finer.insert(finer.end(), {"--weight-scales", "per-channel", "--verify"});
  const auto report = [](const std::vector<std::string>& arguments) {
    const Result result = compile(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return Json::parse(result.out);
  };
  const Json with_tensor = report(plain);
  const Json with_channel = report(finer);
  const auto least = [](const Json& document) {
    return document["accuracy"]["layers"].at(0)["signal_to_noise_db"].get<double>();
  };
  EXPECT_GT(least(with_channel), least(with_tensor));
  EXPECT_GT(with_channel["total_cycles"], with_tensor["total_cycles"]);
  EXPECT_THAT(arco({"inspect", path("net.arco")}).out,
              HasSubstr("weights   a scale for each output channel in 13 layers"));
  EXPECT_EQ(arco({"run", path("net.arco"), "--verify"}).code, 0);
}

TEST_F(Accuracy, EveryRangeMethodCompiles) {
  for (const char* method : {"min-max", "percentile", "percentile=99.9", "mse"}) {
    EXPECT_EQ(compile({"--ranges", method}).code, 0) << method;
  }
}

}  // namespace
}  // namespace arco
