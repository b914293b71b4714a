// Speed of the checker on a program of a network's size: 100 thousand instructions, more than 10 million steps.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "arco/isa/assembler.h"
#include "arco/isa/checker.h"

namespace arco {
namespace {

// Tiles of 7 x 14 outputs: two loads and a GEMM per input-channel block, four ALU instructions and a store per tile.
Program network_sized() {
  Program program;
  program.name = "network";
  program.segments = {{SegmentKind::kInput, "x", 1 << 20, 1 << 20},
                      {SegmentKind::kWeight, "w", 2 << 20, 1 << 20},
                      {SegmentKind::kUop, "u", 3 << 20, 1 << 20},
                      {SegmentKind::kOutput, "y", 4 << 20, 1 << 20}};
  const IsaLayout layout(program.hardware);
  for (uint32_t kh = 0; kh < 3; ++kh) {
    for (uint32_t i = 0; i < 7; ++i)
      program.micro_ops.push_back(encode_gemm_uop({i * 14, (i + kh) * 16, kh * 3}, layout));
  }
  program.micro_ops.push_back(0);
  auto& code = program.instructions;
  const auto add = [&](const std::string& line) { code.push_back(assemble(line)); };
  add("load.uop [push_prev] sram 0 dram 0xc0000 y 1 x 22 stride 22");
  while (code.size() < 100000) {
    const char* wait = code.size() == 1 ? "" : " [pop_next]";
    add(fmt::format("gemm.reset{} uop 0..7 out 14 in 1 dst 1,0 src 0,0 wgt 0,0", wait));
    for (int k = 0; k < 8; ++k) {
      add("load.inp [pop_next] sram 0 dram 0x10000 y 9 x 16 stride 16");
      add("load.wgt [push_next] sram 0 dram 0x2000 y 1 x 9 stride 9");
      add("gemm [pop_prev push_prev] uop 0..21 out 14 in 3 dst 1,0 src 1,1 wgt 0,1");
    }
    for (const char* op : {"add", "shr", "min"}) {
      add(fmt::format("alu.{} uop 21..22 out 1 in 98 dst 0,1 src 0,1 imm 8", op));
    }
    add("alu.max [push_next] uop 21..22 out 1 in 98 dst 0,1 src 0,1 imm 0");
    add("store.out [pop_prev push_prev] sram 0 dram 0x40000 y 1 x 98 stride 98");
  }
  add("load.inp [pop_next push_next] sram 0 dram 0 y 0 x 0 stride 0");
  add("load.uop [pop_prev pop_next] sram 0 dram 0 y 0 x 0 stride 0");
  add("finish");
  return program;
}

void check(benchmark::State& state) {
  const Program program = network_sized();
  uint64_t steps = 0;
  for (const Instruction& instruction : program.instructions) {
    if (instruction.module() == Module::kCompute) steps += instruction.loop.steps();
  }
  size_t violations = 0;
  for (auto _ : state) violations += check_program(program).size();
  state.counters["violations"] = static_cast<double>(violations);
  state.counters["instructions"] = static_cast<double>(program.instructions.size());
  state.counters["steps"] = static_cast<double>(steps);
}
BENCHMARK(check)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace arco
