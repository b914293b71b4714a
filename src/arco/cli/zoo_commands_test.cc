// The networks of the zoo by the commands of a user: zoo, tune with a small budget, compile with the design, run and
// verify.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "arco/cli/command_line.h"

namespace arco {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Parts of a concatenation that lies in place do not begin on a page, where the layers were tuned: a LOAD or STORE may
// split into other bursts. `largest_gap` is how far that takes the total from the design's, as a share.
struct Network {
  std::string name;
  int image_size = 32;
  double largest_gap = 0;
};
void PrintTo(const Network& network, std::ostream* out) {
  *out << network.name;
}

class ZooCommands : public testing::TestWithParam<Network> {
 protected:
  ZooCommands() : folder_(fs::path(testing::TempDir()) / fmt::format("arco_{}_{}", GetParam().name, getpid())) {
    fs::create_directories(folder_);
  }
  ~ZooCommands() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // The JSON document that the command prints; warnings other than that of noise fail the test.
  static Json arco(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_command_line(arguments, {out, err}), 0) << err.str();
    EXPECT_THAT(err.str(), testing::Not(testing::HasSubstr("no schedule"))) << arguments[0];
    return Json::parse(out.str(), nullptr, false);
  }

  fs::path folder_;
};

TEST_P(ZooCommands, TuneCompileAndRun) {
  arco({"zoo", GetParam().name, "-o", path("net.onnx"), "--image-size", std::to_string(GetParam().image_size)});
  const Json tuned = arco({"tune", path("net.onnx"), "-o", path("design"), "--trials", "8", "--layer-trials", "4",
                           "--no-reference", "--option", "first_updates=0", "--option", "plan_updates=0"});
  arco({"compile", path("net.onnx"), "--design", path("design/design.json"), "-o", path("net.arco")});
  const Json result = arco({"run", path("net.arco"), "--verify"});
  ASSERT_FALSE(HasFailure());
  const auto cycles = tuned["cycles"].get<double>();
  EXPECT_NEAR(result["total_cycles"].get<double>(), cycles, GetParam().largest_gap * cycles);
  for (const Json& layer : result["layers"]) EXPECT_EQ(layer["verified"], true) << layer["name"];
}

INSTANTIATE_TEST_SUITE_P(All, ZooCommands,
                         testing::Values(Network{"densenet121"}, Network{"espcn", 16}, Network{"googlenet", 48, 2e-5},
                                         Network{"mobilenetv1"}, Network{"mobilenetv2"}, Network{"resnet50"},
                                         Network{"shufflenetv2"}, Network{"squeezenet10"}, Network{"squeezenet11"},
                                         Network{"unet"}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace arco
