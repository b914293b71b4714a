// All bounds are checked per instruction: factors are not negative, so an index is largest for the largest micro-op
// field in the last iteration of both loops.
#include "arco/sim/datapath.h"

#include <algorithm>

#include "arco/base/error.h"
#include "arco/isa/program.h"
#include "arco/sim/alu_kernel.h"
#include "arco/sim/gemm_kernel.h"

namespace arco {
namespace {

struct Factors {
  uint32_t out;
  uint32_t in;
};

void check_index(const char* role, const std::vector<MicroOp>& uops, uint32_t MicroOp::*field, const LoopFields& loop,
                 Factors factors, int64_t depth) {
  const auto most_uop = std::max_element(uops.begin(), uops.end(),
                                         [=](const MicroOp& a, const MicroOp& b) { return a.*field < b.*field; });
  const uint64_t most = uint64_t{(*most_uop).*field} + (uint64_t{loop.iter_out} - 1) * factors.out +
                        (uint64_t{loop.iter_in} - 1) * factors.in;
  if (most >= static_cast<uint64_t>(depth)) {
    throw RunError(fmt::format("{} index reaches {}, but the scratchpad has {} entries", role, most, depth));
  }
}

}  // namespace

Datapath::Datapath(const HardwareConfig& hardware, const IsaLayout& layout, std::span<uint8_t> dram)
    : hardware_(hardware), layout_(layout), dram_(dram), pads_(hardware) {}

void Datapath::execute(const Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::kLoad:
    case Opcode::kStore:
      if (!instruction.is_no_op()) move(instruction);
      break;
    case Opcode::kGemm:
      gemm(instruction.loop);
      break;
    case Opcode::kAlu:
      alu(instruction.loop);
      break;
    case Opcode::kFinish:
      break;
  }
  ++result_.instructions;
}

void Datapath::move(const Instruction& instruction) {
  const MemoryFields& memory = instruction.memory;
  const uint64_t end = memory.sram_base + scratchpad_entries(instruction);
  const int64_t depth = scratchpad_depth(hardware_, memory.type);
  if (end > static_cast<uint64_t>(depth)) {
    throw RunError(fmt::format("scratchpad entries {} to {}, but there are {}", memory.sram_base, end, depth));
  }
  const DramRange range = dram_range(hardware_, memory);
  if (memory.y_size != 0 && range.end > dram_.size()) {
    throw RunError(fmt::format("DRAM bytes {:#x} to {:#x}, but there are {:#x}", range.begin, range.end, dram_.size()));
  }
  const uint64_t bytes =
      uint64_t{memory.y_size} * memory.x_size * static_cast<uint64_t>(dram_element_bytes(hardware_, memory.type));
  if (instruction.opcode == Opcode::kLoad) {
    load_scratchpad(memory, dram_, pads_);
    result_.dram_read_bytes += bytes;
  } else {
    store_scratchpad(memory, pads_, dram_);
    result_.dram_written_bytes += bytes;
  }
}

// Decodes the micro-ops and counts the steps. False: there is none to do.
bool Datapath::begin_steps(const LoopFields& loop, bool gemm) {
  if (loop.steps() == 0) return false;
  if (loop.uop_end > pads_.uop.size()) {
    throw RunError(
        fmt::format("micro-ops {} to {}, but the buffer has {}", loop.uop_begin, loop.uop_end, pads_.uop.size()));
  }
  uint64_t& count = gemm ? result_.gemm_steps : result_.alu_steps;
  count += loop.steps();
  if (result_.gemm_steps + result_.alu_steps > kMaxFunctionalSteps) {
    throw RunError(fmt::format("the program takes more than {} steps", kMaxFunctionalSteps));
  }
  uops_.clear();
  for (uint32_t u = loop.uop_begin; u < loop.uop_end; ++u) {
    uops_.push_back(gemm ? decode_gemm_uop(pads_.uop[u], layout_) : decode_alu_uop(pads_.uop[u], layout_));
  }
  return true;
}

void Datapath::gemm(const LoopFields& loop) {
  if (!begin_steps(loop, true)) return;
  check_index("dst", uops_, &MicroOp::dst, loop, {loop.dst_out, loop.dst_in}, hardware_.acc_depth());
  const GemmTask task{pads_.inp.get(),
                      pads_.wgt.get(),
                      pads_.acc.get(),
                      hardware_.batch(),
                      hardware_.block_in(),
                      hardware_.block_out(),
                      loop,
                      uops_};
  if (loop.reset) {
    run_gemm_reset(task);
    return;
  }
  check_index("src", uops_, &MicroOp::src, loop, {loop.src_out, loop.src_in}, hardware_.inp_depth());
  check_index("wgt", uops_, &MicroOp::wgt, loop, {loop.wgt_out, loop.wgt_in}, hardware_.wgt_depth());
  run_gemm(task);
}

void Datapath::alu(LoopFields loop) {
  if (!begin_steps(loop, false)) return;
  if (loop.use_imm && hardware_.variant == IsaVariant::kUp) {
    loop.src_out = loop.dst_out;
    loop.src_in = loop.dst_in;
    for (MicroOp& uop : uops_) uop.src = uop.dst;
  }
  check_index("dst", uops_, &MicroOp::dst, loop, {loop.dst_out, loop.dst_in}, hardware_.acc_depth());
  check_index("src", uops_, &MicroOp::src, loop, {loop.src_out, loop.src_in}, hardware_.acc_depth());
  run_alu({pads_.acc.get(), hardware_.out_element_bytes(), loop, uops_});
}

}  // namespace arco
