#include "arco/runtime/raw_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/plan/packing.h"
#include "arco/reference/interpreter.h"
#include "arco/reference/test_graph.h"
#include "arco/runtime/small_network.h"
#include "arco/sim/functional.h"

namespace arco {
namespace {

using Json = nlohmann::json;

class RawDump : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Json read_layers() const { return Json::parse(read_text_file(folder_ / "layers.json")); }
  static std::vector<Array> inputs_of(const Executable& executable) {
    return noise_calibration(executable.graph, 7, 1).sets[0];
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / fmt::format("arco_raw_dump_{}", getpid());
};

HardwareConfig configuration(int batch, int block_in, int block_out) {
  HardwareConfig hardware;
  hardware.variant = IsaVariant::kVtaPlus;
  hardware.log2_batch = batch;
  hardware.log2_block_in = block_in;
  hardware.log2_block_out = block_out;
  hardware.log2_wgt_buffer = 17;
  EXPECT_THAT(hardware.violations(), testing::IsEmpty());
  return hardware;
}

TEST_F(RawDump, ImagesRunByThemselves) {
  for (const HardwareConfig& hardware :
       {HardwareConfig{}, configuration(0, 3, 5), configuration(0, 5, 3), configuration(1, 4, 4)}) {
    const Executable executable = compile(SmallNetwork::make(), hardware);
    const auto written = write_raw_layers(executable, inputs_of(executable), folder_);
    ASSERT_EQ(written.size(), 3U) << hardware.to_string();
    EXPECT_EQ(written[0].before, "00_first_conv.before.bin");
    const Json document = read_layers();
    for (const Json& layer : document["layers"]) {
      // A stranger's simulator knows only the files.
      const HardwareConfig described = parse_hardware(document["hardware"].dump(), "layers.json");
      std::vector<uint8_t> dram = read_file(folder_ / layer["before"]);
      EXPECT_EQ(dram.size() % kPageBytes, 0U);
      EXPECT_TRUE(std::all_of(dram.begin(), dram.begin() + kPageBytes, [](uint8_t byte) { return byte == 0; }));
      run_functional(described, dram, layer["instructions"]["offset"], layer["instructions"]["count"]);
      EXPECT_EQ(dram, read_file(folder_ / layer["after"])) << layer["name"];
      EXPECT_NE(dram, read_file(folder_ / layer["before"])) << layer["name"];
    }
  }
}

TEST_F(RawDump, OutputIsTheReference) {
  const Executable executable = compile(SmallNetwork::make(), HardwareConfig{});
  const auto inputs = inputs_of(executable);
  write_raw_layers(executable, inputs, folder_);
  const Json layer = read_layers()["layers"][1];
  const std::vector<uint8_t> after = read_file(folder_ / layer["after"]);
  const Json layout = layer["layouts"]["output"];
  for (const Json& segment : layer["segments"]) {
    if (segment["kind"] != "output") continue;
    const auto bytes = std::span(after).subspan(segment["offset"], segment["bytes"]);
    const Array value =
        unpack_activation(bytes, layout["shape"], {layout["batch"], layout["block"], layout["element"]});
    run_reference(executable.graph, inputs, [&](TensorId id, const Array& expected) {
      if (executable.graph.tensor(id).name.starts_with("pool.y") && expected.type() == DataType::kInt8) {
        EXPECT_TRUE(std::ranges::equal(value.bytes(), expected.bytes()));
      }
    });
  }
}

TEST_F(RawDump, PaddingLanesHoldTheClampedZero) {
  // 20 channels in blocks of 16: twelve lanes pad, and an activation from 0.5 to 2 moves their zero.
  const Executable executable = compile(SmallNetwork::make(1, {0.5F, 2}), HardwareConfig{});
  EXPECT_EQ(write_raw_layers(executable, inputs_of(executable), folder_).size(), 3U);
}

TEST_F(RawDump, PaddingLanesOfAveragesSeeTheirPadding) {
  testing_support::TestGraph t;
  const TensorId x = t.input("x", {1, 20, 6, 6});
  Pool pool{.kind = Pool::Kind::kAverage, .kernel = {3, 3}, .pads = {1, 1, 1, 1}, .clamp = {}};
  pool.count_include_pad = true;
  const TensorId y = t.node("mean", pool, {x});
  t.graph.tensor(x).grid = Grid{0.01, -128};
  t.graph.tensor(y).grid = Grid{0.02, -128};
  const Graph& graph = t.finish({y});
  const Ranges ranges = calibrate(graph, noise_calibration(graph, 1));
  const Executable executable = compile(quantize(graph, ranges, {.keep_brought = true}), configuration(0, 4, 4));
  EXPECT_EQ(write_raw_layers(executable, inputs_of(executable), folder_).size(), 1U);
}

TEST_F(RawDump, NothingStaysAfterAWrongProgram) {
  Executable executable = compile(SmallNetwork::make(), HardwareConfig{});
  auto& layer = std::get<CompiledLayer>(executable.steps[2]);
  ASSERT_EQ(layer.layer.name, "second + pool");
  for (Instruction& instruction : layer.program.instructions) {
    if (instruction.opcode == Opcode::kAlu && instruction.loop.alu_op == AluOp::kShr && instruction.loop.imm > 0) {
      ++instruction.loop.imm;
    }
  }
  try {
    write_raw_layers(executable, inputs_of(executable), folder_);
    FAIL() << "no error";
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("layer second + pool: the simulator left"));
  }
  EXPECT_TRUE(!std::filesystem::exists(folder_) || std::filesystem::is_empty(folder_));
}

TEST(FileNameFor, KeepsPlainCharactersOnly) {
  EXPECT_EQ(file_name_for("layer1.0/conv-a_B"), "layer1.0_conv-a_B");
  EXPECT_EQ(file_name_for("../\xC3\xA4\n"), "..____");
  EXPECT_EQ(file_name_for(std::string(500, 'x')).size(), 80U);
}

}  // namespace
}  // namespace arco
