// The whole way of the data on all networks of the zoo: import, simplify, quantise, compile, check every program, save,
// load, run and compare every layer with the reference.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "arco/isa/checker.h"
#include "arco/onnx/importer.h"
#include "arco/onnx/zoo.h"
#include "arco/passes/pass_manager.h"
#include "arco/quant/calibrate.h"
#include "arco/quant/quantize.h"
#include "arco/runtime/run.h"

namespace arco {
namespace {

HardwareConfig chip(int log2_batch, int log2_block_in, int log2_block_out, int bus_bits = 64) {
  HardwareConfig hardware;
  hardware.variant = IsaVariant::kVtaPlus;
  hardware.log2_batch = log2_batch;
  hardware.log2_block_in = log2_block_in;
  hardware.log2_block_out = log2_block_out;
  hardware.bus_bits = bus_bits;
  return hardware;
}

HardwareConfig with_buffers(HardwareConfig hardware, int uop, int inp, int wgt, int acc) {
  hardware.log2_uop_buffer = uop;
  hardware.log2_inp_buffer = inp;
  hardware.log2_wgt_buffer = wgt;
  hardware.log2_acc_buffer = acc;
  return hardware;
}

// A folder of this test's own that goes away with it.
class TestFolder {
 public:
  TestFolder() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string("arco_") + info->test_suite_name() + "_" + info->name();
    std::replace(name.begin(), name.end(), '/', '_');
    path_ = std::filesystem::path(testing::TempDir()) / (name + "_" + std::to_string(getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// The network at another batch than the file's; a batch of 1 is the file's own.
Graph quantized_model(const std::filesystem::path& file, int64_t batch, int64_t image_size, int64_t channels = 3) {
  ImportOptions options;
  options.input_shapes = {{"input", {batch, channels, image_size, image_size}}};
  Graph graph = import_onnx(file, options);
  simplify(graph);
  return quantize(graph, calibrate(graph, noise_calibration(graph, 3, 1)));
}

size_t layers_on_accelerator(const Executable& executable) {
  return static_cast<size_t>(std::count_if(executable.steps.begin(), executable.steps.end(), [](const CompiledStep& s) {
    return std::holds_alternative<CompiledLayer>(s);
  }));
}

size_t count_products(const Executable& executable) {
  return static_cast<size_t>(std::count_if(executable.steps.begin(), executable.steps.end(), [](const CompiledStep& s) {
    const auto* layer = std::get_if<CompiledLayer>(&s);
    return layer != nullptr && layer->layer.workload.kind == WorkloadKind::kConv2d;
  }));
}

void expect_sound_programs(const Executable& executable) {
  for (const CompiledStep& step : executable.steps) {
    const auto* layer = std::get_if<CompiledLayer>(&step);
    if (layer == nullptr) continue;
    for (const Violation& v : check_program(layer->program, 3)) {
      ADD_FAILURE() << layer->layer.name << ": " << v.rule << " at " << v.instruction << ": " << v.detail;
    }
  }
}

// Every accelerator layer was compared and is right, and so are the outputs that come out of the host.
void expect_exact(const Executable& executable, uint64_t seed) {
  RunOptions options;
  options.verify = true;
  options.cycles = false;
  const RunResult result = run(executable, noise_calibration(executable.graph, seed, 1).sets.at(0), options);
  ASSERT_TRUE(result.mismatches.empty()) << result.mismatches[0].to_string();
  EXPECT_EQ(result.layers.size(), layers_on_accelerator(executable));
  for (const LayerRun& layer : result.layers) EXPECT_TRUE(layer.verified) << layer.name;
}

void expect_works(const Executable& executable) {
  SCOPED_TRACE(executable.hardware.to_string());
  EXPECT_TRUE(executable.hardware.violations().empty()) << executable.hardware.violations()[0];
  expect_sound_programs(executable);
  expect_exact(executable, 11);
}

// Convolutions, dense layers, poolings and additions; the host only converts numbers and moves bytes.
void expect_all_on_accelerator(const Executable& executable) {
  for (const CompiledStep& step : executable.steps) {
    const auto* host = std::get_if<HostStep>(&step);
    if (host == nullptr) continue;
    const Node& node = executable.graph.nodes[static_cast<size_t>(host->node)];
    const bool computes = std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op) ||
                          std::holds_alternative<Pool>(node.op) || std::holds_alternative<Add>(node.op);
    EXPECT_FALSE(computes) << node.name << " runs on the host: " << host->reason;
  }
}

Executable saved_and_loaded(const Executable& executable, const std::filesystem::path& file) {
  save_executable(executable, file);
  Executable loaded = load_executable(file);
  EXPECT_EQ(loaded.hardware, executable.hardware);
  EXPECT_EQ(loaded.steps.size(), executable.steps.size());
  return loaded;
}

struct Network {
  std::string name;
  int64_t image_size = 0;
  size_t convolutions = 0;  // that the accelerator runs: also transposed ones, and batch norms that stand alone
  size_t dense = 0;
  int64_t classes = 10;
  int64_t channels = 3;
};

void PrintTo(const Network& network, std::ostream* out) {
  *out << network.name;
}

// The smallest images that the topologies allow.
std::vector<Network> networks() {
  return {{"alexnet", 64, 5, 3},       {"densenet121", 32, 182, 1}, {"espcn", 16, 3, 0, 0, 1},
          {"googlenet", 48, 57, 1},    {"mobilenetv1", 32, 27, 1},  {"mobilenetv2", 32, 52, 1},
          {"resnet18", 32, 20, 1},     {"resnet34", 32, 36, 1},     {"resnet50", 32, 53, 1},
          {"shufflenetv2", 32, 56, 1}, {"squeezenet10", 32, 26, 0}, {"squeezenet11", 32, 26, 0},
          {"unet", 32, 23, 0},         {"vgg11", 32, 8, 3},         {"vgg13", 32, 10, 3},
          {"vgg16", 32, 13, 3},        {"vgg19", 32, 16, 3}};
}

class Networks : public testing::TestWithParam<Network> {};

TEST_P(Networks, AreExactOnSquareOblongAndBatchedCores) {
  const TestFolder folder;
  ZooOptions options;
  options.image_size = GetParam().image_size;
  options.classes = GetParam().classes;
  write_zoo_model(GetParam().name, folder / "model.onnx", options);
  const auto quantized = [&](int64_t batch) {
    return quantized_model(folder / "model.onnx", batch, options.image_size, GetParam().channels);
  };
  const Graph one = quantized(1);
  for (const HardwareConfig& hardware : {HardwareConfig{}, chip(0, 4, 5), chip(0, 5, 4, 256)}) {
    const Executable executable = compile(one, hardware);
    expect_works(executable);
    expect_all_on_accelerator(executable);
    EXPECT_LE(2 * executable.activation_bytes, executable.activation_bytes_unshared);
    EXPECT_EQ(count_products(executable), GetParam().convolutions + GetParam().dense);
  }
  const Graph two = quantized(2);
  for (const HardwareConfig& hardware : {chip(1, 4, 4), chip(1, 3, 5, 128)}) {
    const Executable executable = compile(two, hardware);
    expect_works(executable);
    expect_all_on_accelerator(executable);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Networks, testing::ValuesIn(networks()), [](const auto& row) { return row.param.name; });

class ResNet18 : public testing::Test {
 protected:
  Graph quantized(int64_t batch, int64_t image_size = 32) const {
    ZooOptions options;
    options.image_size = image_size;
    write_zoo_model("resnet18", folder_ / "model.onnx", options);
    return quantized_model(folder_ / "model.onnx", batch, image_size);
  }
  std::string file_bytes(const std::string& name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  TestFolder folder_;
};

TEST_F(ResNet18, InFullOnTheDefaultVta) {
  const Executable executable = compile(quantized(1, 224), HardwareConfig{});
  expect_works(saved_and_loaded(executable, folder_ / "network.arco"));
  expect_all_on_accelerator(executable);
}

TEST_F(ResNet18, IsExactOnUnusualCores) {
  const Graph graph = quantized(1);
  for (const HardwareConfig& hardware :
       {chip(0, 3, 6, 512), chip(0, 6, 3), chip(0, 6, 6), with_buffers(chip(0, 2, 2), 14, 12, 12, 12)}) {
    expect_works(compile(graph, hardware));
  }
}

TEST_F(ResNet18, IsExactOnCoresOfAnyBatch) {
  const Graph graph = quantized(4);
  for (const HardwareConfig& hardware :
       {HardwareConfig{}, chip(1, 4, 5), chip(2, 4, 4), chip(2, 5, 3), chip(3, 3, 3)}) {
    expect_works(compile(graph, hardware));
  }
}

TEST_F(ResNet18, IsExactWhereTheImagesDoNotFillTheBatch) {
  const Graph graph = quantized(3);
  for (const HardwareConfig& hardware : {chip(1, 4, 4), chip(2, 3, 4)}) expect_works(compile(graph, hardware));
}

TEST_F(ResNet18, IsExactOnTinyBuffers) {
  const Graph graph = quantized(1);
  const Executable all = compile(graph, with_buffers(chip(0, 4, 4), 9, 13, 14, 13));
  expect_works(all);
  expect_all_on_accelerator(all);
  for (const int uop : {5, 7}) expect_works(compile(graph, with_buffers(chip(0, 4, 4), uop, 9, 10, 9)));
}

TEST_F(ResNet18, IsExactWhereSomeLayersFallBackToTheHost) {
  const Executable few = compile(quantized(1), with_buffers(chip(0, 4, 4), 3, 6, 9, 8));
  EXPECT_GT(layers_on_accelerator(few), 0U);
  EXPECT_LT(count_products(few), 21U);
  expect_works(saved_and_loaded(few, folder_ / "network.arco"));
}

TEST_F(ResNet18, SameModelSameBytes) {
  const Graph graph = quantized(1);
  for (const char* name : {"a.arco", "b.arco"}) save_executable(compile(graph, chip(0, 4, 5)), folder_ / name);
  EXPECT_FALSE(file_bytes("a.arco").empty());
  EXPECT_EQ(file_bytes("a.arco"), file_bytes("b.arco"));
}

}  // namespace
}  // namespace arco
