// arco bench paper on a network of two layers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "arco/base/file.h"
#include "arco/cli/command_line.h"
#include "arco/onnx/test_model.h"

namespace arco {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;

class BenchCommand : public testing::Test {
 protected:
  BenchCommand() : folder_(fs::path(testing::TempDir()) / fmt::format("arco_bench_command_{}", getpid())) {
    fs::create_directories(folder_);
    testing_support::TestModel model;
    model.input("x", {1, 16, 8, 8}).weights("w", {32, 16, 3, 3}).weights("v", {16, 32, 1, 1});
    model.node("Conv", {"x", "w"}, {"y"}).node("Conv", {"y", "v"}, {"z"}).output("z");
    write_file(folder_ / "net.onnx", model.bytes());
  }
  ~BenchCommand() override { fs::remove_all(folder_); }

  int run(std::vector<std::string> more) {
    std::vector<std::string> arguments{"bench", "paper", "--networks", (folder_ / "net.onnx").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::ostringstream out;
    std::ostringstream err;
    const int code = run_command_line(arguments, {out, err});
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  fs::path folder_;
  std::string out_, err_;
};

TEST_F(BenchCommand, WritesEveryTable) {
  ASSERT_EQ(
      run({"--seeds", "1", "--trials", "24", "--paper-trials", "16", "--tuners", "autotvm,genetic,arco", "--modes",
           "software,chip,paper", "--whole", "1", "--jobs", "1", "-o", (folder_ / "results").string()}),
      0)
      << err_;
  EXPECT_EQ(out_, read_text_file(folder_ / "results/paper.txt"));
  for (const char* title : {"net.onnx: the convolutions", "Paper space: distance of each layer",
                            "What it takes to reach", "Whole networks", "What should hold"}) {
    EXPECT_THAT(out_, HasSubstr(title));
  }
  const Json document = Json::parse(read_text_file(folder_ / "results/paper.json"));
  EXPECT_EQ(document["runs"].size(), 3 * 3U);
  EXPECT_EQ(document["layers"].size(), 2 * 3U);
  ASSERT_EQ(document["truths"].size(), 1U);
  const Json& truth = document["truths"][0];
  EXPECT_TRUE(truth["software"]["proved"].get<bool>());
  EXPECT_TRUE(truth["paper"]["proved"].get<bool>());
  for (const Json& run : document["runs"]) {
    if (run["cycles"].is_null()) continue;
    EXPECT_TRUE(run["mode"] != "software" || run["cycles"] >= truth["software"]["cycles"]);
    EXPECT_TRUE(run["mode"] != "paper" || run["cycles"] >= truth["paper"]["cycles"]);
    EXPECT_TRUE(run["mode"] != "chip" || run["cycles"] >= truth["chip_bound"]);
    const Json& curve = run["curve"];
    for (size_t i = 1; i < curve.size(); ++i) {
      EXPECT_GE(curve[i][0], curve[i - 1][0]);
      EXPECT_LT(curve[i][1], curve[i - 1][1]);
    }
    EXPECT_EQ(curve.back()[1], run["cycles"]);
    EXPECT_LE(curve.back()[0], run["measurements"]);
  }
}

TEST_F(BenchCommand, FindsTheSameTwice) {
  std::vector<double> cycles[2];
  for (auto& of_run : cycles) {
    ASSERT_EQ(run({"--seeds", "1", "--trials", "16", "--tuners", "random,arco", "--modes", "software,chip", "--whole",
                   "0", "--json"}),
              0);
    const Json document = Json::parse(out_);
    for (const Json& run : document["runs"]) {
      of_run.push_back(run["cycles"].is_null() ? 0 : run["cycles"].get<double>());
    }
  }
  EXPECT_EQ(cycles[0], cycles[1]);
}

TEST_F(BenchCommand, WrongUse) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"--modes", "chips"}, "modes are software, layers, chip, paper"},
      {{"--tuners", "arcoo"}, "did you mean \"arco\"?"},
      {{"--tuners", "arco,arco"}, "arco is there twice"},
      {{"--modes", "chip,chip"}, "chip is there twice"},
      {{"--seeds", "0"}, "--seeds"},
      {{"--trials", "x"}, "--trials"},
      {{"--whole", "-1"}, "--whole"},
  };
  for (const auto& [flags, said] : cases) {
    EXPECT_EQ(run(flags), 2) << said;
    EXPECT_THAT(err_, HasSubstr(said));
  }
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run_command_line({"bench", "paper", "--networks", "alexnett"}, {out, err}), 2);
  EXPECT_THAT(err.str(), HasSubstr("alexnet"));
}

}  // namespace
}  // namespace arco
