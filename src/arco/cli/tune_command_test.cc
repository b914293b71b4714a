// arco tune on a small network, as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "arco/base/file.h"
#include "arco/base/interrupt.h"
#include "arco/cli/command_line.h"
#include "arco/onnx/test_model.h"

namespace arco {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;

struct Result {
  int code;
  std::string out;
  std::string err;
};

class TuneCommand : public testing::Test {
 protected:
  TuneCommand() : folder_(fs::path(testing::TempDir()) / fmt::format("arco_tune_{}", getpid())) {
    fs::create_directories(folder_);
    testing_support::TestModel model;
    model.input("x", {1, 32, 12, 12}).weights("w", {32, 32, 3, 3}).weights("v", {48, 32, 1, 1});
    model.node("Conv", {"x", "w"}, {"y"}).node("Conv", {"y", "v"}, {"z"}).output("z");
    write_file(folder_ / "net.onnx", model.bytes());
  }
  ~TuneCommand() override {
    set_interrupted(false);
    fs::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Result tune(const std::string& output, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"tune",  path("net.onnx"), "-o", path(output),     "--space",
                                       "paper", "--trials",       "24", "--layer-trials", "6"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  static Result run(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = run_command_line(arguments, {out, err});
    return {code, out.str(), err.str()};
  }

  fs::path folder_;
};

TEST_F(TuneCommand, TheNumberOfJobsChangesNoByte) {
  ASSERT_EQ(tune("one", {"--jobs", "1"}).code, 0);
  ASSERT_EQ(tune("two", {"--jobs", "2"}).code, 0);
  const std::string design = read_text_file(path("one/design.json"));
  EXPECT_EQ(design, read_text_file(path("two/design.json")));
  EXPECT_TRUE(Json::parse(design)["complete"].get<bool>());
  for (const char* name : {"one", "two"}) {
    const Result compiled = run({"compile", path("net.onnx"), "--design", path(std::string(name) + "/design.json"),
                                 "-o", path(std::string(name) + ".arco"), "--verify"});
    ASSERT_EQ(compiled.code, 0) << compiled.err;
    EXPECT_THAT(compiled.err, Not(HasSubstr("no schedule")));
  }
  EXPECT_EQ(read_file(path("one.arco")), read_file(path("two.arco")));
}

TEST_F(TuneCommand, GoesOnOnlyWhenAskedTo) {
  ASSERT_EQ(tune("design").code, 0);
  const Json first = Json::parse(read_text_file(path("design/design.json")));
  const Result again = tune("design");
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("give --resume to continue that search"));
  const Result resumed = tune("design", {"--resume"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  const Json second = Json::parse(read_text_file(path("design/design.json")));
  EXPECT_EQ(first["tasks"], second["tasks"]);
  EXPECT_EQ(first["hardware"], second["hardware"]);
}

TEST_F(TuneCommand, PrintsOneJsonDocument) {
  const Result result = tune("design", {"--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const Json document = Json::parse(result.out);
  EXPECT_EQ(document["output"], path("design/design.json"));
  EXPECT_GT(document["cycles"], 0);
  EXPECT_GE(document["cycles"], document["network_bound"]);
}

TEST_F(TuneCommand, WrongInputLeavesNothing) {
  write_file(folder_ / "hardware.json", "{}");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"--area", "0.0001"}, "no chip"},
      {{"--area", "nan"}, "--area"},
      {{"--buffers", "100"}, "no chip"},
      {{"--bus", "100"}, "--bus"},
      {{"--trials", "0"}, "--trials"},
      {{"--weights", "1,2"}, "--weights: 2 given for 1 models"},
      {{"--option", "no-such-parameter=3"}, "no-such-parameter"},
      {{"--option", "nonsense"}, "NAME=VALUE"},
      {{"--hardware", path("hardware.json")}, "LOG_BATCH is missing"},
      {{"--hardware", path("hardware.json"), "--area", "2"}, "--hardware fixes the chip"},
      {{"--calibrate", path("nothing")}, "nothing"},
      {{"--misspelt"}, "unknown option '--misspelt'"}};
  for (const auto& [flags, said] : cases) {
    const Result result = tune("new/design", flags);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr("arco: error: "));
    EXPECT_THAT(result.err, HasSubstr(said));
    EXPECT_EQ(result.out, "") << said;
    EXPECT_FALSE(fs::exists(folder_ / "new/design")) << said;
  }
  EXPECT_EQ(run({"tune", path("net.onnx"), "-o", ""}).code, 2);
}

TEST_F(TuneCommand, RecordsThatAreNoneAreLeftAlone) {
  write_file(folder_ / "design" / "records.db", "somebody's shopping list");
  const Result result = tune("design", {"--resume"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("records.db"));
  EXPECT_EQ(read_text_file(folder_ / "design" / "records.db"), "somebody's shopping list");
}

TEST_F(TuneCommand, InterruptedBeforeAnythingWasMeasuredWritesNoDesign) {
  set_interrupted(true);
  const Result result = tune("design");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("interrupted"));
  EXPECT_FALSE(fs::exists(folder_ / "design" / "design.json"));
}

}  // namespace
}  // namespace arco
