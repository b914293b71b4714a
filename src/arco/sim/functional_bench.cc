// Speed of the functional simulator in multiply-accumulates per second, on the shapes that networks spend their time
// in.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "arco/base/random.h"
#include "arco/isa/assembler.h"
#include "arco/isa/encoding.h"
#include "arco/isa/program.h"
#include "arco/sim/functional.h"

namespace arco {
namespace {

constexpr uint64_t kUopAddress = 4096;
constexpr uint64_t kCodeAddress = 1 << 16;
constexpr size_t kDramBytes = 1 << 21;

HardwareConfig blocks(int64_t log2_batch, int64_t log2_block) {
  HardwareConfig hardware;
  hardware.variant = IsaVariant::kVtaPlus;
  hardware.log2_batch = static_cast<int>(log2_batch);
  hardware.log2_block_in = hardware.log2_block_out = static_cast<int>(log2_block);
  // Smaller blocks get smaller buffers of the same depths, so that indices still fit.
  const int smaller = std::max(0, 4 - static_cast<int>(log2_block));
  hardware.log2_inp_buffer -= smaller;
  hardware.log2_wgt_buffer -= 2 * smaller;
  hardware.log2_acc_buffer -= smaller;
  return hardware;
}

std::vector<uint8_t> image(const HardwareConfig& hardware, const std::vector<uint32_t>& uops,
                           const std::vector<std::string>& lines) {
  std::vector<uint8_t> dram(kDramBytes);
  Random random(1);
  for (uint8_t& byte : dram) byte = static_cast<uint8_t>(random.next());
  Program program;
  program.hardware = hardware;
  for (const std::string& line : lines) program.instructions.push_back(assemble(line));
  const auto code = instruction_bytes(program);
  std::memcpy(&dram[kCodeAddress], code.data(), code.size());
  std::memcpy(&dram[kUopAddress], uops.data(), uops.size() * sizeof(uint32_t));
  return dram;
}

void run(benchmark::State& state, const HardwareConfig& hardware, std::vector<uint8_t> dram, size_t count) {
  uint64_t steps = 0;
  for (auto _ : state) steps += run_functional(hardware, dram, kCodeAddress, count).gemm_steps;
  state.counters["GMAC/s"] = benchmark::Counter(
      static_cast<double>(steps) * static_cast<double>(hardware.macs_per_step()) * 1e-9, benchmark::Counter::kIsRate);
}

// 3x3 convolution: tiles of 7 x 14 outputs of two output-channel blocks; per input-channel block one load and one GEMM.
void conv3x3(benchmark::State& state) {
  const HardwareConfig hardware = blocks(state.range(0), state.range(1));
  const IsaLayout layout(hardware);
  std::vector<uint32_t> uops;
  for (uint32_t kh = 0; kh < 3; ++kh) {
    for (uint32_t co = 0; co < 2; ++co) {
      for (uint32_t i = 0; i < 7; ++i) {
        uops.push_back(encode_gemm_uop({co * 98 + i * 14, (i + kh) * 16, co * 9 + kh * 3}, layout));
      }
    }
  }
  std::vector<std::string> lines = {"load.uop sram 0 dram 0x400 y 1 x 42 stride 42"};
  for (int k = 0; k < 64; ++k) {
    const char* wait = k == 0 ? "" : "[pop_next] ";
    lines.push_back(fmt::format("load.inp {}sram 0 dram 0 y 9 x 16 stride 16", wait));
    lines.push_back("load.wgt [push_next] sram 0 dram 0 y 1 x 18 stride 18");
    lines.push_back("gemm [pop_prev push_prev] uop 0..42 out 14 in 3 dst 1,0 src 1,1 wgt 0,1");
  }
  lines.push_back("finish");
  run(state, hardware, image(hardware, uops, lines), lines.size());
}
BENCHMARK(conv3x3)
    ->ArgNames({"log2_batch", "log2_block"})
    ->Args({0, 4})
    ->Args({0, 5})
    ->Args({0, 6})
    ->Args({1, 4})
    ->Args({0, 2})
    ->Args({0, 1});

// Dense layer: every weight is loaded and used once.
void dense(benchmark::State& state) {
  const HardwareConfig hardware = blocks(0, state.range(0));
  const IsaLayout layout(hardware);
  std::vector<std::string> lines = {"load.uop sram 0 dram 0x400 y 1 x 1 stride 1",
                                    "load.inp sram 0 dram 0 y 1 x 16 stride 16"};
  for (int k = 0; k < 64; ++k) {
    lines.push_back(fmt::format("load.wgt [{}push_next] sram 0 dram 0 y 1 x 64 stride 64", k == 0 ? "" : "pop_next "));
    lines.push_back("gemm [pop_prev push_prev] uop 0..1 out 4 in 16 dst 1,0 src 0,1 wgt 16,1");
  }
  lines.push_back("finish");
  run(state, hardware, image(hardware, {encode_gemm_uop({0, 0, 0}, layout)}, lines), lines.size());
}
BENCHMARK(dense)->ArgName("log2_block")->Arg(4)->Arg(6);

// Requantisation of a full accumulator buffer: add, shift, clip.
void requantise(benchmark::State& state) {
  const HardwareConfig hardware = blocks(0, 4);
  std::vector<std::string> lines = {"load.uop sram 0 dram 0x400 y 1 x 1 stride 1"};
  for (int k = 0; k < 64; ++k) {
    for (const char* op : {"add", "shr", "min", "max"}) {
      lines.push_back(fmt::format("alu.{} uop 0..1 out 1 in 2048 dst 0,1 src 0,1 imm 8", op));
    }
  }
  lines.push_back("finish");
  std::vector<uint8_t> dram = image(hardware, {0}, lines);
  uint64_t steps = 0;
  for (auto _ : state) steps += run_functional(hardware, dram, kCodeAddress, lines.size()).alu_steps;
  state.counters["Gop/s"] = benchmark::Counter(static_cast<double>(steps) * 16e-9, benchmark::Counter::kIsRate);
}
BENCHMARK(requantise);

}  // namespace
}  // namespace arco
