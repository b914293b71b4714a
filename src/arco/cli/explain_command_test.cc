// `arco explain` of the trained network, to the letter (tests/data/explain.txt; ARCO_UPDATE_GOLDEN=1 writes it anew),
// and its answers to files that it cannot explain.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arco/base/file.h"
#include "arco/cli/test_command.h"

namespace arco {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kDigits = ARCO_SOURCE_DIR "/tests/data/digits/digits.onnx";
constexpr const char* kGolden = ARCO_SOURCE_DIR "/tests/data/explain.txt";

using testing_support::arco;
using testing_support::Result;

class ExplainCommand : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("arco_explain_{}", getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string compiled() const {
    const Result result = arco({"compile", kDigits, "-o", path("digits.arco")});
    EXPECT_EQ(result.code, 0) << result.err;
    return path("digits.arco");
  }

  std::filesystem::path folder_;
};

TEST_F(ExplainCommand, ShowsLayersModulesAndAdvice) {
  const Result shown = arco({"explain", compiled(), "--modules", "--fpga"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  if (std::getenv("ARCO_UPDATE_GOLDEN") != nullptr) write_file(kGolden, shown.out);
  EXPECT_EQ(shown.out, read_text_file(kGolden)) << "ARCO_UPDATE_GOLDEN=1 writes " << kGolden << " anew";
}

TEST_F(ExplainCommand, TheCausesOfEachModuleAddUpToTheLayersCycles) {
  const auto document = nlohmann::json::parse(arco({"explain", compiled(), "--json"}).out);
  uint64_t total = 0;
  for (const auto& layer : document.at("layers")) {
    const auto cycles = layer.at("cycles").get<uint64_t>();
    total += cycles;
    for (const auto& [module, causes] : layer.at("modules").items()) {
      uint64_t sum = 0;
      for (const auto& [cause, part] : causes.items()) sum += part.get<uint64_t>();
      EXPECT_EQ(sum, cycles) << layer.at("name") << " " << module;
    }
  }
  EXPECT_EQ(document.at("total_cycles"), total);
}

TEST_F(ExplainCommand, RefusesWhatItCannotExplain) {
  const Result missing = arco({"explain", path("none.arco")});
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("none.arco"));
  const Result model = arco({"explain", kDigits});
  EXPECT_EQ(model.code, 2);
  EXPECT_THAT(model.err, AllOf(HasSubstr("digits.onnx"), HasSubstr("arco compile")));
  const Result folder = arco({"explain", folder_.string()});
  EXPECT_EQ(folder.code, 2);
  EXPECT_EQ(arco({"explain"}).code, 2);
  const Result jobs = arco({"explain", path("none.arco"), "--jobs", "-1"});
  EXPECT_EQ(jobs.code, 2);
  EXPECT_THAT(jobs.err, HasSubstr("--jobs"));
  const Result typo = arco({"explain", path("none.arco"), "--module"});
  EXPECT_EQ(typo.code, 2);
  EXPECT_THAT(typo.err, HasSubstr("--modules"));
}

}  // namespace
}  // namespace arco
