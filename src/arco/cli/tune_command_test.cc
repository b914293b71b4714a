// arco tune on a small network, as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "arco/base/file.h"
#include "arco/base/interrupt.h"
#include "arco/cli/test_command.h"
#include "arco/hardware/hardware_config.h"
#include "arco/onnx/test_model.h"
#include "arco/search/record_store.h"

namespace arco {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::arco;
using testing_support::Result;

class TuneCommand : public testing::Test {
 protected:
  TuneCommand() : folder_(fs::path(testing::TempDir()) / fmt::format("arco_tune_{}", getpid())) {
    fs::create_directories(folder_);
    testing_support::TestModel model;
    model.input("x", {1, 32, 12, 12}).weights("w", {32, 32, 3, 3}).weights("v", {48, 32, 1, 1});
    model.node("Conv", {"x", "w"}, {"y"}).node("Conv", {"y", "v"}, {"z"}).output("z");
    write_file(folder_ / "net.onnx", model.bytes());
    testing_support::TestModel other;
    other.input("x", {2, 32, 10, 10}).weights("w", {64, 32, 1, 1});
    other.node("Conv", {"x", "w"}, {"y"}).output("y");
    write_file(folder_ / "other.onnx", other.bytes());
  }
  ~TuneCommand() override {
    set_interrupted(false);
    fs::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Result tune(const std::string& output, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"tune", path("net.onnx"), "-o", path(output), "--trials", "24"};
    const auto default_of = [&](const char* flag, const char* value) {
      if (std::ranges::find(more, flag) != more.end()) return;
      arguments.emplace_back(flag);
      arguments.emplace_back(value);
    };
    default_of("--space", "paper");
    default_of("--layer-trials", "6");
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arco(arguments);
  }

  // What text looks like whatever was measured: numbers, columns and this test's folder made alike.
  std::string shape_of(std::string text) const {
    for (size_t at = 0; (at = text.find(folder_.string(), at)) != std::string::npos;) {
      text.replace(at, folder_.string().size(), "DIR");
    }
    text = std::regex_replace(text, std::regex("[0-9]+(,[0-9]{3})*(\\.[0-9]+)?(e[+-]?[0-9]+)?"), "N");
    text = std::regex_replace(text, std::regex("-{3,}"), "--");
    return std::regex_replace(text, std::regex(" {2,}"), "  ");
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
    const Result compiled = arco({"compile", path("net.onnx"), "--design", path(std::string(name) + "/design.json"),
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
      {{"--ablation", "software-only", "--dsp", "100"}, "--ablation software-only fixes the chip"},
      {{"--per-layer", "--ablation", "software-only"}, "--per-layer searches a chip for each layer"},
      {{"--per-layer", "--holdout", path("other.onnx")}, "--holdout needs one chip"},
      {{"--per-layer", "--energy", "5"}, "--energy limits a run of the whole network"},
      {{"--holdout", path("nothing.onnx")}, "nothing.onnx"},
      {{"--weights", "0"}, "--weights: 0 is not"},
      {{"--weights", "-1"}, "--weights"},
      {{"--weights", "nan"}, "--weights: nan is not"},
      {{"--weights", "inf"}, "--weights: inf is not"},
      {{"--space", "huge"}, "--space"},
      {{"--ablation", "single-agnet"}, "did you mean \"single-agent\"?"},
      {{"--ablation", "single-agent", "--tuner", "random"}, "does not go with --tuner random"},
      {{"--area", "-1"}, "--area"},
      {{"--area", "inf"}, "--area"},
      {{"--buffers", "1.5"}, "--buffers"},
      {{"--dsp", "0"}, "--dsp"},
      {{"--dsp", "1"}, "no chip"},
      {{"--bram36", "-3"}, "--bram36"},
      {{"--lut", "99999999999999999999"}, "--lut"},
      {{"--energy", "nan"}, "--energy"},
      {{"--energy", "0.001"}, "rung: bound"},
      {{"--objective", "speed"}, "objectives are latency, throughput, energy, edp, area"},
      {{"--pareto", "latency"}, "two or three objectives"},
      {{"--pareto", "latency,latency"}, "latency is there twice"},
      {{"--pareto", "latency,throughput"}, "order designs alike"},
      {{"--pareto", "latency,aera"},
       "arco: error: arco tune: --pareto: there is no objective \"aera\", did you mean \"area\"?"},
      {{"--pareto", "latency,area", "--per-layer"}, "--pareto and --per-layer"},
      {{"--pareto", "latency,area", "--ablation", "software-only"}, "--pareto and --ablation software-only"},
      {{"--pareto", "latency,area", "--holdout", path("other.onnx")}, "--pareto and --holdout"},
      {{"--pareto", "latency,area", "--objective", "energy"}, "--pareto and --objective"},
      {{"--points", "0"}, "--points"},
      {{"--calibrate", path("nothing")}, "nothing"},
      {{"--agents", path("nothing.bin")}, "nothing.bin"},
      {{"--agents", path("net.onnx")}, "not a file of agents"},
      {{"--tuner", "random", "--agents", path("net.onnx")}, "tuner random has no agents"},
      {{"--misspelt"}, "unknown option '--misspelt'"}};
  for (const auto& [flags, said] : cases) {
    const Result result = tune("new/design", flags);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr("arco: error: "));
    EXPECT_THAT(result.err, HasSubstr(said));
    EXPECT_EQ(result.out, "") << said;
    EXPECT_FALSE(fs::exists(folder_ / "new/design")) << said;
  }
  EXPECT_EQ(arco({"tune", path("net.onnx"), "-o", ""}).code, 2);
  const Result onto_a_file = arco({"tune", path("net.onnx"), "-o", path("net.onnx")});
  EXPECT_EQ(onto_a_file.code, 2);
  EXPECT_THAT(onto_a_file.err, HasSubstr("net.onnx is a file, expected a folder"));
}

TEST_F(TuneCommand, ReadsLikeThis) {
  const Result result = tune("design", {"--objective", "edp", "--holdout", path("other.onnx")});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string text = shape_of(result.out);
  EXPECT_THAT(text, StartsWith("hardware  NxNxN_iNwNaN_N_N_N_N (vta++), N mm^N, N x the default VTA\n"));
  EXPECT_THAT(text, HasSubstr("\nworkload  layers  schedule  cycles  bound  gap\n"
                              "--  --  --  --  --  --\n"
                              "convNd nN NxNxN -> NxNxN kNxN sNxN pN,N,N,N"));
  EXPECT_THAT(text, HasSubstr("  N  bN hN wN ciN coN htN ctN spatial-outer  N  N  N %\n"));
  EXPECT_THAT(text,
              HasSubstr("\n\nnetwork  N cycles, N uJ, N mm^N (rung: cycle)\n"
                        "objective edp: N uJ*ms\n"
                        "optimum  at least N uJ*ms (rung: bound) on any chip of the space: the gap is at most N %\n"
                        "default  N cycles on NxNxN_iNwNaN_N_N_N_N_up with "));
  EXPECT_THAT(text, HasSubstr(" schedules per layer: this design is Nx as fast on Nx the area with Nx the energy\n"
                              "holdout  DIR/other.onnx: N cycles, N uJ (rung: cycle) on this chip; no chip of its own "
                              "would be better by more than N % in edp (rung: bound)\n"));
  EXPECT_THAT(text, testing::EndsWith("wrote  DIR/design/design.json\n"));
}

TEST_F(TuneCommand, SchedulesOnGivenHardware) {
  write_file(folder_ / "chip.json", to_json(HardwareConfig()));
  ASSERT_EQ(tune("given", {"--hardware", path("chip.json"), "--no-reference"}).code, 0);
  ASSERT_EQ(tune("ablated", {"--ablation", "software-only", "--no-reference"}).code, 0);
  const std::string design = read_text_file(path("given/design.json"));
  EXPECT_EQ(design, read_text_file(path("ablated/design.json")));
  EXPECT_EQ(Json::parse(design)["hardware"], Json::parse(to_json(HardwareConfig())));
  EXPECT_TRUE(Json::parse(design)["reference"].is_null());
  // All schedules of the full space are not fewer than those of the paper's.
  ASSERT_EQ(tune("full", {"--hardware", path("chip.json"), "--space", "full", "--layer-trials", "64"}).code, 0);
  EXPECT_LE(Json::parse(read_text_file(path("full/design.json")))["cycles"], Json::parse(design)["cycles"]);
}

TEST_F(TuneCommand, TheFullSpaceAndThePapers) {
  ASSERT_EQ(tune("full", {"--space", "full"}).code, 0);
  ASSERT_EQ(tune("paper").code, 0);
  const Json full = Json::parse(read_text_file(path("full/design.json")));
  const Json paper = Json::parse(read_text_file(path("paper/design.json")));
  EXPECT_LE(full["network_bound"], paper["network_bound"]);
  EXPECT_LE(full["area_mm2"], full["reference"]["area_mm2"]);
  EXPECT_EQ(paper["hardware"]["LOG_INP_BUFF_SIZE"], 15);
}

TEST_F(TuneCommand, AChipForEachLayer) {
  const Result result = tune("layers", {"--per-layer"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(shape_of(result.out), HasSubstr("network  N cycles, N uJ (rung: cycle) if every layer had a chip of its "
                                              "own, best in latency; this is no design to build\n"));
  const Json document = Json::parse(read_text_file(path("layers/layers.json")));
  EXPECT_EQ(document["layers"].size(), 2U);
  EXPECT_FALSE(fs::exists(folder_ / "layers/design.json"));
  for (const Json& layer : document["layers"]) EXPECT_LE(layer["proven_bound"], layer["cost"]);
  // It is an answer to another question, not a design.
  const Result compiled =
      arco({"compile", path("net.onnx"), "--design", path("layers/layers.json"), "-o", path("out.arco")});
  EXPECT_EQ(compiled.code, 2);
}

TEST_F(TuneCommand, SeveralNetworksWithWeights) {
  std::vector<std::string> arguments{"tune",
                                     path("net.onnx"),
                                     path("other.onnx"),
                                     "--weights",
                                     "3,1",
                                     "-o",
                                     path("both"),
                                     "--space",
                                     "paper",
                                     "--trials",
                                     "24",
                                     "--layer-trials",
                                     "6",
                                     "--no-reference",
                                     "--objective",
                                     "throughput",
                                     "--json"};
  const Result result = arco(arguments);
  ASSERT_EQ(result.code, 0) << result.err;
  const Json document = Json::parse(result.out);
  ASSERT_EQ(document["tasks"].size(), 3U);
  double cycles = 0;
  for (const Json& task : document["tasks"]) cycles += task["weight"].get<double>() * task["cycles"].get<double>();
  EXPECT_DOUBLE_EQ(document["cycles"].get<double>(), cycles);
  EXPECT_EQ(document["tasks"][0]["weight"], 3);
  EXPECT_EQ(document["tasks"][2]["weight"], 1);
  EXPECT_EQ(document["samples"], 3 * 1 + 1 * 2);
  for (const char* model : {"net.onnx", "other.onnx"}) {
    const Result compiled =
        arco({"compile", path(model), "--design", path("both/design.json"), "-o", path("out.arco")});
    EXPECT_EQ(compiled.code, 0) << compiled.err;
    EXPECT_THAT(compiled.err, Not(HasSubstr("no schedule")));
  }
}

TEST_F(TuneCommand, AFrontHasADesignForEachPoint) {
  const Result result = tune("front", {"--pareto", "latency,area", "--points", "4"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(shape_of(result.out), StartsWith("design  latency ms  gap  area mm^N  gap  chip\n"
                                               "--  --  --  --  --  --\n"
                                               "DIR/front/design-N.json  N  N %  N  N %  NxNxN_iNwNaN_N_N_N_N\n"));
  EXPECT_THAT(shape_of(result.out), HasSubstr("N chips within the budget run every layer; N of them promise something, "
                                              "and N designs are on the front.\n"));
  const Json front = Json::parse(read_text_file(path("front/front.json")));
  ASSERT_GE(front["points"].size(), 2U);
  double last_cycles = 0, last_area = 1e9;
  for (const Json& point : front["points"]) {
    EXPECT_GT(point["cycles"], last_cycles);
    EXPECT_LT(point["area_mm2"], last_area);
    last_cycles = point["cycles"];
    last_area = point["area_mm2"];
    EXPECT_LE(point["objectives"]["latency"]["bound"], point["objectives"]["latency"]["cost"]);
    const Result compiled =
        arco({"compile", path("net.onnx"), "--design", point["design"].get<std::string>(), "-o", path("out.arco")});
    EXPECT_EQ(compiled.code, 0) << compiled.err;
  }
  // A shorter front leaves no designs of the longer one behind.
  ASSERT_EQ(tune("front", {"--pareto", "latency,area", "--points", "1", "--resume"}).code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "front/design-1.json"));
  EXPECT_FALSE(fs::exists(folder_ / "front/design-2.json"));
}

TEST_F(TuneCommand, AgentsArePretrainedAndGoFromRunToRun) {
  const Result made = arco({"pretrain", "-o", path("mine.bin"), "--updates", "1", "--networks", "espcn", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(Json::parse(made.out)["bytes"], fs::file_size(path("mine.bin")));
  ASSERT_EQ(arco({"pretrain", "-o", path("again.bin"), "--updates", "1", "--networks", "espcn"}).code, 0);
  EXPECT_EQ(read_file(path("mine.bin")), read_file(path("again.bin")));
  EXPECT_EQ(arco({"pretrain", "-o", path("x"), "--networks", "resnet19"}).code, 2);
  EXPECT_EQ(arco({"pretrain", "--updates", "1"}).code, 2);

  const Result first = tune("first", {"--agents", path("mine.bin")});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_NE(read_file(path("first/agents.bin")), read_file(path("mine.bin")));
  EXPECT_EQ(tune("second", {"--agents", path("first/agents.bin")}).code, 0);
}

TEST_F(TuneCommand, AnAblationStandsInTheRecords) {
  ASSERT_EQ(tune("design", {"--ablation", "software-only", "--ablation", "single-agent"}).code, 0);
  const std::vector<RunDescription> runs = RecordStore(folder_ / "design" / "records.db").runs();
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_THAT(runs[0].command, HasSubstr("--ablation software-only --ablation single-agent"));
  EXPECT_EQ(runs[0].options.at("single_agent"), true);
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
