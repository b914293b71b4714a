// Executes single instructions on scratchpads and a DRAM image; knows nothing of tokens and order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/isa/encoding.h"
#include "arco/sim/functional.h"
#include "arco/sim/scratchpads.h"

namespace arco {

class Datapath {
 public:
  // The hardware is legal; `layout` is its layout and outlives the datapath, as the DRAM does.
  Datapath(const HardwareConfig& hardware, const IsaLayout& layout, std::span<uint8_t> dram);

  // Throws RunError, before anything has changed, when an access would be out of bounds or the steps too many.
  void execute(const Instruction& instruction);

  // What has been executed so far.
  const FunctionalResult& result() const { return result_; }

 private:
  void move(const Instruction& instruction);
  void gemm(const LoopFields& loop);
  void alu(LoopFields loop);
  bool begin_steps(const LoopFields& loop, bool gemm);

  const HardwareConfig hardware_;
  const IsaLayout& layout_;
  std::span<uint8_t> dram_;
  Scratchpads pads_;
  std::vector<MicroOp> uops_;  // decoded, of the instruction at work
  FunctionalResult result_;
};

}  // namespace arco
