// The program as a user meets it: arguments in, text and files and exit codes out.
#include "arco/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arco/base/file.h"
#include "arco/cli/test_command.h"
#include "arco/graph/npy.h"
#include "arco/hardware/hardware_config.h"
#include "arco/onnx/test_model.h"
#include "arco/onnx/zoo.h"

namespace arco {
namespace {

using Json = nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::StartsWith;

using testing_support::arco;
using testing_support::Result;

class CommandLine : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder() = std::filesystem::path(testing::TempDir()) / fmt::format("arco_cli_{}", getpid());
    std::filesystem::create_directories(folder());
    const Result made = arco({"zoo", "resnet18", "-o", path("net.onnx"), "--image-size", "32", "--classes", "10"});
    ASSERT_EQ(made.code, 0) << made.err;
    const Result compiled = arco({"compile", path("net.onnx"), "-o", path("net.arco"), "--json"});
    ASSERT_EQ(compiled.code, 0) << compiled.err;
    EXPECT_THAT(compiled.err, HasSubstr("arco: warning: no --calibrate given"));
    compiled_json() = compiled.out;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder()); }

  static std::filesystem::path& folder() {
    static std::filesystem::path value;
    return value;
  }
  static std::string& compiled_json() {
    static std::string value;
    return value;
  }
  static std::string path(const std::string& name) { return (folder() / name).string(); }
  static bool exists(const std::string& name) { return std::filesystem::exists(folder() / name); }
};

TEST_F(CommandLine, CompileReportsEveryLayer) {
  const Json document = Json::parse(compiled_json());
  EXPECT_EQ(document["rung"], "cycle");
  EXPECT_EQ(document["variant"], "up");
  EXPECT_DOUBLE_EQ(document["relative_area"], 1);
  uint64_t total = 0;
  size_t on_accelerator = 0;
  for (const Json& layer : document["layers"]) {
    if (layer["runs_on"] != "accelerator") continue;
    ++on_accelerator;
    total += layer["cycles"].get<uint64_t>();
  }
  EXPECT_GE(on_accelerator, 21U);
  EXPECT_EQ(document["total_cycles"], total);
  EXPECT_GT(document["dram"]["bytes"], document["dram"]["activation_peak_bytes"]);
}

TEST_F(CommandLine, RunVerifiesAndWritesTheOutput) {
  Array image(DataType::kFloat32, {3, 32, 32});  // the leading 1 may be missing
  float next = 0;
  for (float& value : image.mutable_data<float>()) value = std::sin(next++);
  write_npy(path("x.npy"), image);
  const Result plain = arco({"run", path("net.arco"), "--input", path("x.npy"), "--output", path("y.npy"), "--verify"});
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(plain.err, "");
  EXPECT_THAT(plain.out, HasSubstr("equal the reference to the bit"));
  EXPECT_EQ(read_npy(path("y.npy")).shape(), (Shape{1, 10}));

  const Result json = arco({"run", path("net.arco"), "--input", "input=" + path("x.npy"), "--verify", "--json"});
  ASSERT_EQ(json.code, 0) << json.err;
  const Json document = Json::parse(json.out);
  EXPECT_EQ(document["total_cycles"], Json::parse(compiled_json())["total_cycles"]);
  for (const Json& layer : document["layers"]) EXPECT_EQ(layer["verified"], true);
}

TEST_F(CommandLine, RunWritesATrace) {
  ASSERT_EQ(arco({"run", path("net.arco"), "--trace", path("trace.json")}).code, 0);
  EXPECT_TRUE(Json::parse(read_text_file(path("trace.json"))).contains("traceEvents"));
}

TEST_F(CommandLine, CompilesForOtherHardwareAndVerifies) {
  HardwareConfig hardware;
  hardware.variant = IsaVariant::kVtaPlus;
  hardware.log2_block_in = 5;
  hardware.log2_block_out = 3;
  ASSERT_THAT(hardware.violations(), testing::IsEmpty());
  write_file(path("hardware.json"), to_json(hardware));
  const Result compiled = arco({"compile", path("net.onnx"), "-o", path("wide.arco"), "--hardware",
                                path("hardware.json"), "--verify", "--disable-pass", "fuse_residual"});
  ASSERT_EQ(compiled.code, 0) << compiled.err;
  EXPECT_THAT(compiled.out, HasSubstr(hardware.to_string()));
  for (const char* shown :
       {"verified  every graph pass", "verified  every accelerator layer", "verified  the outputs"}) {
    EXPECT_THAT(compiled.out, HasSubstr(shown));
  }
  EXPECT_EQ(arco({"run", path("wide.arco"), "--verify"}).code, 0);
}

TEST_F(CommandLine, VerifiesTheStepsThatAreNamed) {
  const Result some = arco({"compile", "--verify=layers,final", path("net.onnx"), "-o", path("some.arco"), "--json"});
  ASSERT_EQ(some.code, 0) << some.err;
  EXPECT_EQ(Json::parse(some.out)["verified"], (Json{"layers", "final"}));
  const Result wrong = arco({"compile", path("net.onnx"), "-o", path("none.arco"), "--verify=pases"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean passes?"));
  EXPECT_FALSE(exists("none.arco"));
}

// The program's int8 result stays near the float one; both commands read and write the same files.
TEST_F(CommandLine, ReferenceRunsTheModelInFloat) {
  Array images(DataType::kFloat32, {2, 3, 32, 32});
  float next = 0;
  for (float& value : images.mutable_data<float>()) value = std::sin(next++);
  write_npy(path("two.npy"), images);
  const Result shown = arco({"reference", path("net.onnx"), "--shape", "input=2x3x32x32", "--input", path("two.npy"),
                             "--output", "output=" + path("float.npy")});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.err, "");
  EXPECT_THAT(shown.out, HasSubstr("output    output float32 2x10, largest: "));
  const Array both = read_npy(path("float.npy"));
  ASSERT_EQ(both.shape(), (Shape{2, 10}));
  Array first(DataType::kFloat32, {1, 3, 32, 32});
  std::copy_n(images.data<float>().begin(), first.size(), first.mutable_data<float>().begin());
  write_npy(path("one.npy"), first);
  const Result json =
      arco({"reference", path("net.onnx"), "--input", path("one.npy"), "--output", path("one_y.npy"), "--json"});
  ASSERT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(Json::parse(json.out)["outputs"][0]["shape"], (Shape{1, 10}));
  const Array one = read_npy(path("one_y.npy"));
  EXPECT_TRUE(std::equal(one.data<float>().begin(), one.data<float>().end(), both.data<float>().begin()));
}

TEST_F(CommandLine, CalibratesOnFiles) {
  write_npy(path("samples/a.npy"), Array(DataType::kFloat32, {1, 3, 32, 32}));
  Array ones(DataType::kFloat32, {1, 3, 32, 32});
  for (float& value : ones.mutable_data<float>()) value = 1;
  write_npy(path("samples/b.npy"), ones);
  const Result result =
      arco({"compile", path("net.onnx"), "-o", path("calibrated.arco"), "--calibrate", path("samples")});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err, "");
}

TEST_F(CommandLine, InspectShowsAndDumps) {
  const Result shown = arco({"inspect", path("net.arco"), "--disassemble"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  for (const char* part : {"hardware  1x16x16", "layer1.0.conv1", "at their peak", "weight of fc", "finish", "gemm"}) {
    EXPECT_THAT(shown.out, HasSubstr(part));
  }
  const Result raw = arco({"inspect", path("net.arco"), "--raw", path("raw"), "--json"});
  ASSERT_EQ(raw.code, 0) << raw.err;
  const Json document = Json::parse(raw.out);
  const Json layers = Json::parse(read_text_file(path("raw/layers.json")))["layers"];
  EXPECT_EQ(layers.size(), document["raw"].size());
  for (const Json& layer : layers) {
    EXPECT_EQ(std::filesystem::file_size(folder() / "raw" / layer["before"]), layer["bytes"]);
    EXPECT_EQ(std::filesystem::file_size(folder() / "raw" / layer["after"]), layer["bytes"]);
  }
}

TEST_F(CommandLine, ExplainNamesWhereTheCyclesGo) {
  const Result shown = arco({"explain", path("net.arco"), "--modules", "--fpga"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("what would help"));
  EXPECT_THAT(shown.out, HasSubstr("144 DSP48E2, 120 BRAM36"));
  const Result result = arco({"explain", path("net.arco"), "--json"});
  const Json document = Json::parse(result.out);
  uint64_t total = 0;
  for (const Json& layer : document["layers"]) {
    total += layer["cycles"].get<uint64_t>();
    for (const Json& module : layer["modules"]) {
      uint64_t causes = 0;
      for (const Json& cycles : module) causes += cycles.get<uint64_t>();
      EXPECT_EQ(causes, layer["cycles"]) << layer["name"];
    }
    // What is unknown is null, never zero.
    const bool multiplies = layer["workload"].get<std::string>().starts_with("conv2d");
    EXPECT_EQ(layer["compute_roof"].is_null(), !multiplies);
    EXPECT_TRUE(!multiplies || layer["compute_roof"] > 0);
    EXPECT_NE(layer["advice"], "");
  }
  EXPECT_EQ(document["total_cycles"], total);
  EXPECT_FALSE(document.contains("fpga"));
}

TEST_F(CommandLine, InspectSaysWhereTheNodesOfAModelRun) {
  const Result result = arco({"inspect", path("net.onnx"), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const Json nodes = Json::parse(result.out)["nodes"];
  ASSERT_EQ(nodes.size(), 69U);
  EXPECT_EQ(nodes[0]["runs_on"], "accelerator");
  EXPECT_EQ(nodes[1]["operator"], "BatchNormalization");
  EXPECT_EQ(nodes[1]["detail"], "folded or fused away by fold_batch_norm");
}

TEST_F(CommandLine, WrongUseEndsWithTwoAndSuggests) {
  const auto error = [](const std::vector<std::string>& arguments) {
    const Result result = arco(arguments);
    EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(result.err, StartsWith("arco: error: "));
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_THAT(error({}), HasSubstr("a command is missing"));
  EXPECT_THAT(error({"compil", "x"}), HasSubstr("did you mean 'compile'?"));
  EXPECT_THAT(error({"zoo", "resnet18", "--imagesize", "32", "-o", "f"}), HasSubstr("did you mean '--image-size'?"));
  EXPECT_THAT(error({"compile", "a.onnx", "--outptu=b"}), HasSubstr("did you mean '--output'?"));
  EXPECT_THAT(error({"compile", "a.onnx", "b.onnx", "-o", "c"}), HasSubstr("unexpected argument 'b.onnx'"));
  EXPECT_THAT(error({"compile", "a.onnx"}), HasSubstr("--output"));
  EXPECT_THAT(error({"bench"}), HasSubstr("expected arco bench with one of paper; see `arco bench --help`"));
  EXPECT_THAT(error({"bench", "papre"}), HasSubstr("unexpected argument 'papre' (did you mean 'paper'?)"));
  EXPECT_THAT(error({"bench", "paper", "--sedes", "3"}),
              HasSubstr("unknown option '--sedes' (did you mean '--seeds'?); see `arco bench paper --help`"));
  EXPECT_THAT(error({"zoo", "resnet18", "-o", path("x"), "--batch", "-3"}), HasSubstr("--batch"));
  EXPECT_THAT(error({"zoo", "resnet18", "-o", path("x"), "--seed", "abc"}), HasSubstr("--seed"));
  EXPECT_THAT(error({"zoo", "resnet19", "-o", path("x")}), HasSubstr("resnet18"));
  EXPECT_THAT(error({"zoo", "resnet18"}), HasSubstr("-o FILE is missing"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o", path("x"), "--disable-pass", "fuse_bais"}),
              HasSubstr("fuse_bias"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o", path("x"), "--shape", "input"}), HasSubstr("NAME=SHAPE"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o", path("net.onnx")}), HasSubstr("is the model itself"));
  EXPECT_THAT(error({"inspect", path("net.onnx"), "--raw", path("x")}), HasSubstr("is no .arco file"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o", path("x"), "--weight-scales", "per-chanel"}),
              HasSubstr("--weight-scales: 'per-chanel' is none of per-tensor, per-channel; did you mean per-channel?"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o", path("x"), "--weight-scales", "1"}), HasSubstr("is none of"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o", path("x"), "--verify="}),
              HasSubstr("--verify= needs a value after '='"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o"}), HasSubstr("--output needs a value; see"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o", "a", "-o", "b"}),
              HasSubstr("--output is given more than once"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o", "a", "--json=x"}), HasSubstr("--json takes no value, not 'x'"));
  EXPECT_THAT(error({"tune", path("net.onnx"), "--trials", "0"}),
              HasSubstr("--trials: '0' is no whole number from 1 to 10000000"));
  EXPECT_THAT(error({"tune", path("net.onnx"), "--weights", "a"}), HasSubstr("--weights: 'a' is no number"));
  EXPECT_THAT(error({"tune", path("net.onnx"), "--bus", "7"}), HasSubstr("'7' is none of 64, 128, 256, 512"));
  EXPECT_THAT(error({"compile", path("net.onnx"), "-o", folder().string()}), HasSubstr("is a folder; give the name"));
  EXPECT_THAT(error({"zoo", "resnet18", "-o", folder().string()}), HasSubstr("is a folder; give the name"));
  EXPECT_THAT(error({"inspect", path("net.arco"), "--batch", "3"}), HasSubstr("is a compiled network, --batch says"));
  EXPECT_FALSE(exists("x"));
}

TEST_F(CommandLine, WrongFilesEndWithTwoAndWriteNothing) {
  write_file(path("broken.onnx"), std::string("no protobuf \xFF\xFF"));
  write_file(path("hardware_bad.json"), std::string("{\"LOG_BATCH\": 99}"));
  const auto error = [](const std::vector<std::string>& arguments) {
    const Result result = arco(arguments);
    EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments) << result.err;
    EXPECT_THAT(result.err, HasSubstr("arco: error: "));
    return result.err;
  };
  EXPECT_THAT(error({"compile", path("absent.onnx"), "-o", path("no.arco")}), ContainsRegex("[Nn]o such file"));
  error({"compile", path("broken.onnx"), "-o", path("no.arco")});
  error({"compile", path("net.onnx"), "-o", path("no.arco"), "--hardware", path("hardware_bad.json")});
  EXPECT_THAT(error({"run", path("net.onnx")}), HasSubstr("is no .arco file"));
  EXPECT_THAT(error({"run", path("absent.arco")}), ContainsRegex("[Nn]o such file"));
  write_file(path("good.json"), to_json(HardwareConfig{}));
  EXPECT_THAT(error({"compile", path("net.onnx"), "--hardware", path("good.json"), "-o", path("good.json")}),
              HasSubstr("is the hardware file itself"));
  const std::string compiled = path("net.arco");
  EXPECT_THAT(error({"run", compiled, "--output", compiled}), HasSubstr("is the compiled network itself"));
  EXPECT_THAT(error({"run", compiled, "--trace", compiled}), HasSubstr("is the compiled network itself"));
  write_npy(path("right.npy"), Array(DataType::kFloat32, {1, 3, 32, 32}));
  EXPECT_THAT(error({"run", compiled, "--input", path("right.npy"), "--output", path("right.npy")}),
              HasSubstr("is the input itself"));
  EXPECT_THAT(error({"reference", path("absent.onnx")}), ContainsRegex("[Nn]o such file"));
  EXPECT_THAT(error({"reference", path("net.onnx"), "--output", path("net.onnx")}), HasSubstr("is the model itself"));
  EXPECT_THAT(error({"inspect", path("absent.arco")}), ContainsRegex("[Nn]o such file"));
  write_npy(path("small.npy"), Array(DataType::kFloat32, {1, 3, 16, 16}));
  EXPECT_THAT(error({"run", path("net.arco"), "--input", path("small.npy"), "--output", path("no.npy")}),
              HasSubstr("expected float32 1x3x32x32"));
  EXPECT_THAT(error({"run", path("net.arco"), "--input", "imput=" + std::string("x.npy")}), HasSubstr("input=..."));
  EXPECT_THAT(error({"run", path("net.arco"), "--input", path("small.npy"), "--input", path("small.npy")}),
              HasSubstr("one too many"));
  EXPECT_FALSE(exists("no.arco"));
  EXPECT_FALSE(exists("no.npy"));
}

TEST_F(CommandLine, ValuesThatAreNotFiniteAreToldOf) {
  Array image(DataType::kFloat32, {1, 3, 32, 32});
  image.mutable_data<float>()[5] = NAN;
  write_npy(path("nan.npy"), image);
  for (const auto& [command, file] : {std::pair("run", "net.arco"), std::pair("reference", "net.onnx")}) {
    const Result result = arco({command, path(file), "--input", path("nan.npy")});
    EXPECT_EQ(result.code, 2) << command;
    EXPECT_THAT(result.err, HasSubstr("nan.npy holds 1 of 3072 values that are not finite, the first at [0, 0, 0, 5]"));
  }
  testing_support::TestModel model;
  model.input("x", {1, 4}).node("Sub", {"x", "x"}, {"zero"}).node("Reciprocal", {"zero"}, {"y"}).output("y");
  write_file(path("inf.onnx"), model.bytes());
  const Result result = arco({"reference", path("inf.onnx")});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("output 'y': 4 of 4 values are infinite or not a number, the first at [0, 0]"));
}

// As the file has them, whatever the passes make of them.
TEST_F(CommandLine, WeightsThatAreNotFiniteAreNamedAsInTheFile) {
  std::vector<float> weights(8 * 3 * 3 * 3, 0.1F);
  weights[10] = INFINITY;
  testing_support::TestModel model;
  model.input("x", {1, 3, 8, 8}).initializer(testing_support::float_tensor("w", {8, 3, 3, 3}, weights));
  model.node("Conv", {"x", "w"}, {"y"}, {}, "conv").output("y");
  write_file(path("inf_weight.onnx"), model.bytes());
  const Result result = arco({"compile", path("inf_weight.onnx"), "-o", path("no.arco")});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("inf_weight.onnx: 'w' of node 'conv' holds inf at [0, 1, 0, 1]; export a model"));
}

TEST_F(CommandLine, IndicesOutOfRangeNameTheFile) {
  testing_support::TestModel model;
  model.input("x", {3}).initializer(testing_support::integer_tensor("i", {7}));
  model.node("Gather", {"x", "i"}, {"y"}).output("y");
  write_file(path("gather.onnx"), model.bytes());
  for (const char* command : {"inspect", "reference"}) {
    const Result result = arco({command, path("gather.onnx")});
    EXPECT_EQ(result.code, 2) << command;
    EXPECT_THAT(result.err, HasSubstr("gather.onnx: node 'Gather_0'"));
  }
}

TEST_F(CommandLine, CalibrationOnConstantsIsWarnedOf) {
  write_npy(path("zeros/a.npy"), Array(DataType::kFloat32, {1, 3, 32, 32}));
  const Result result = arco({"compile", path("net.onnx"), "-o", path("zeros.arco"), "--calibrate", path("zeros")});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("the integer scales are guessed from constant inputs"));
}

TEST_F(CommandLine, OutputThatCannotBeWrittenEndsWithOne) {
  const Result result = arco({"zoo", "alexnet", "-o", path("net.onnx/inside"), "--image-size", "64", "--classes", "2"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, ContainsRegex("cannot (be )?writ"));
}

TEST_F(CommandLine, HelpShowsAnExample) {
  for (const char* command : {"zoo", "tune", "compile", "run", "reference", "inspect", "explain", "records"}) {
    const Result result = arco({command, "--help"});
    EXPECT_EQ(result.code, 0);
    EXPECT_THAT(result.out, HasSubstr(std::string("Example:\n  arco ") + command));
    EXPECT_THAT(result.out, HasSubstr("--json"));
  }
  EXPECT_THAT(arco({"--help"}).out, HasSubstr("Example:"));
  EXPECT_THAT(arco({"--version"}).out, StartsWith("arco 0."));
  const Result list = arco({"zoo", "--list", "--json"});
  EXPECT_EQ(Json::parse(list.out)["networks"].get<std::vector<std::string>>(), zoo_names());
}

}  // namespace
}  // namespace arco
