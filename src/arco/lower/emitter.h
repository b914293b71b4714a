// Appends instructions to a program: attaches tokens, keeps micro-op kernels in their buffer.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "arco/isa/encoding.h"
#include "arco/isa/program.h"
#include "arco/schedule/loop_nest.h"

namespace arco {

// First scratchpad elements of the ranges a compute instruction works on.
struct Bases {
  int64_t dst = 0;
  int64_t src = 0;
  int64_t wgt = 0;
  bool operator==(const Bases&) const = default;
};

// A 2-D transfer: rows x columns of elements, rows `stride` elements apart in DRAM.
struct Transfer {
  int64_t sram = 0;
  int64_t dram = 0;  // element index
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t stride = 1;
  std::array<int64_t, 4> pads{0, 0, 0, 0};  // top, left, bottom, right, in rows and elements
  bool pad_is_min = false;
};

class Emitter {
 public:
  // `resident`: all micro-op kernels stay in the buffer and one LOAD at the front brings them. Otherwise each is loaded
  // before its first use and the buffer starts over when it is full.
  Emitter(Program& program, bool resident);

  void load(MemoryType type, const Transfer& transfer);
  void store(const Transfer& transfer);
  void gemm(const LoopPlan& loops, const Bases& bases, bool reset = false);
  void alu(AluOp op, const LoopPlan& loops, const Bases& bases);
  void alu_immediate(AluOp op, const LoopPlan& loops, int64_t base, int32_t immediate);

  // The next instruction of `consumer` waits for a token from `producer`.
  void wait(Module consumer, Module producer);
  // Instruction `index` gives a token to `consumer` when it completes.
  void signal(int64_t index, Module consumer);
  // Index of the last instruction of a module; -1 if there is none.
  int64_t last(Module module) const { return last_[static_cast<size_t>(module)]; }

  // Compute waits for the last store, then FINISH. In resident mode puts the micro-op LOAD at the front.
  void finish();
  // False when resident mode needs more micro-ops than the buffer holds: emit again with resident = false.
  bool micro_ops_fit() const { return !resident_ || used_ <= program_.hardware.uop_depth(); }

 private:
  // A sequence of micro-ops, identified by the loops it unrolls and its bases.
  struct Kernel {
    LoopPlan loops;
    Bases bases;
    bool is_gemm = false;
    int64_t dram = 0;    // index in program.micro_ops
    int64_t begin = -1;  // index in the buffer; -1: not there
  };
  int64_t micro_ops(const LoopPlan& loops, const Bases& bases, bool is_gemm);
  void write_micro_ops(const Kernel& kernel);
  void place(Kernel& kernel);
  void append_loop(Opcode opcode, const LoopPlan& loops, int64_t uop_begin, LoopFields fields);
  void append(Instruction instruction);

  Program& program_;
  IsaLayout layout_;
  bool resident_;
  int64_t used_ = 0;  // micro-ops in the buffer
  std::vector<Kernel> kernels_;
  std::array<Tokens, 3> pending_;  // pops for the next instruction of each module
  std::array<int64_t, 3> last_{-1, -1, -1};
};

}  // namespace arco
