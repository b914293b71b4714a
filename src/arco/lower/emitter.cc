// Kernels are few (one per operation and combination of buffer slots), so they are found by walking a short list.
#include "arco/lower/emitter.h"

#include "arco/base/error.h"

namespace arco {

namespace {

bool same_unrolled(const LoopPlan& a, const LoopPlan& b) {
  if (a.unrolled_count != b.unrolled_count) return false;
  for (int i = 0; i < a.unrolled_count; ++i) {
    const AffineLoop& x = a.unrolled[i];
    const AffineLoop& y = b.unrolled[i];
    if (x.extent != y.extent || x.dst != y.dst || x.src != y.src || x.wgt != y.wgt) return false;
  }
  return true;
}

}  // namespace

Emitter::Emitter(Program& program, bool resident) : program_(program), layout_(program.hardware), resident_(resident) {}

void Emitter::append(Instruction instruction) {
  const auto module = static_cast<size_t>(instruction.module());
  const Tokens& pops = pending_[module];
  instruction.tokens.pop_prev = pops.pop_prev;
  instruction.tokens.pop_next = pops.pop_next;
  pending_[module] = {};
  last_[module] = static_cast<int64_t>(program_.instructions.size());
  program_.instructions.push_back(instruction);
}

void Emitter::wait(Module consumer, Module producer) {
  Tokens& pops = pending_[static_cast<size_t>(consumer)];
  (producer < consumer ? pops.pop_prev : pops.pop_next) = true;
}

void Emitter::signal(int64_t index, Module consumer) {
  Instruction& instruction = program_.instructions[static_cast<size_t>(index)];
  (consumer < instruction.module() ? instruction.tokens.push_prev : instruction.tokens.push_next) = true;
}

namespace {
MemoryFields fields_of(MemoryType type, const Transfer& t) {
  MemoryFields fields;
  fields.type = type;
  fields.pad_is_min = t.pad_is_min;
  fields.sram_base = static_cast<uint32_t>(t.sram);
  fields.dram_base = static_cast<uint32_t>(t.dram);
  fields.y_size = static_cast<uint32_t>(t.rows);
  fields.x_size = static_cast<uint32_t>(t.columns);
  fields.x_stride = static_cast<uint32_t>(t.rows == 1 ? t.columns : t.stride);
  fields.y_pad_0 = static_cast<uint32_t>(t.pads[0]);
  fields.x_pad_0 = static_cast<uint32_t>(t.pads[1]);
  fields.y_pad_1 = static_cast<uint32_t>(t.pads[2]);
  fields.x_pad_1 = static_cast<uint32_t>(t.pads[3]);
  return fields;
}
}  // namespace

void Emitter::load(MemoryType type, const Transfer& transfer) {
  Instruction instruction;
  instruction.opcode = Opcode::kLoad;
  instruction.memory = fields_of(type, transfer);
  append(instruction);
}

void Emitter::store(const Transfer& transfer) {
  Instruction instruction;
  instruction.opcode = Opcode::kStore;
  instruction.memory = fields_of(MemoryType::kOut, transfer);
  append(instruction);
}

void Emitter::append_loop(Opcode opcode, const LoopPlan& loops, int64_t uop_begin, LoopFields fields) {
  fields.uop_begin = static_cast<uint32_t>(uop_begin);
  fields.uop_end = static_cast<uint32_t>(uop_begin + loops.uops);
  fields.iter_out = static_cast<uint32_t>(loops.outer.extent);
  fields.iter_in = static_cast<uint32_t>(loops.inner.extent);
  fields.dst_out = static_cast<uint32_t>(loops.outer.dst);
  fields.dst_in = static_cast<uint32_t>(loops.inner.dst);
  if (!fields.reset) {
    fields.src_out = static_cast<uint32_t>(loops.outer.src);
    fields.src_in = static_cast<uint32_t>(loops.inner.src);
  }
  if (opcode == Opcode::kGemm && !fields.reset) {
    fields.wgt_out = static_cast<uint32_t>(loops.outer.wgt);
    fields.wgt_in = static_cast<uint32_t>(loops.inner.wgt);
  }
  Instruction instruction;
  instruction.opcode = opcode;
  instruction.loop = fields;
  append(instruction);
}

void Emitter::gemm(const LoopPlan& loops, const Bases& bases, bool reset) {
  LoopFields fields;
  fields.reset = reset;
  append_loop(Opcode::kGemm, loops, micro_ops(loops, reset ? Bases{bases.dst, 0, 0} : bases, true), fields);
}

void Emitter::alu(AluOp op, const LoopPlan& loops, const Bases& bases) {
  LoopFields fields;
  fields.alu_op = op;
  append_loop(Opcode::kAlu, loops, micro_ops(loops, bases, false), fields);
}

void Emitter::alu_immediate(AluOp op, const LoopPlan& loops, int64_t base, int32_t immediate) {
  LoopFields fields;
  fields.alu_op = op;
  fields.use_imm = true;
  fields.imm = immediate;
  append_loop(Opcode::kAlu, loops, micro_ops(loops, {base, base, 0}, false), fields);
}

// Index in the buffer of the first micro-op of the kernel, which is resident afterwards.
int64_t Emitter::micro_ops(const LoopPlan& loops, const Bases& bases, bool is_gemm) {
  Kernel* found = nullptr;
  for (Kernel& kernel : kernels_) {
    if (kernel.is_gemm == is_gemm && kernel.bases == bases && same_unrolled(kernel.loops, loops)) found = &kernel;
  }
  if (found == nullptr) {
    kernels_.push_back({loops, bases, is_gemm, static_cast<int64_t>(program_.micro_ops.size()), -1});
    found = &kernels_.back();
    write_micro_ops(*found);
  }
  if (found->begin < 0) place(*found);
  return found->begin;
}

void Emitter::write_micro_ops(const Kernel& kernel) {
  for (int64_t i = 0; i < kernel.loops.uops; ++i) {
    MicroOp uop{static_cast<uint32_t>(kernel.bases.dst), static_cast<uint32_t>(kernel.bases.src),
                static_cast<uint32_t>(kernel.bases.wgt)};
    int64_t rest = i;
    for (int level = kernel.loops.unrolled_count - 1; level >= 0; --level) {
      const AffineLoop& loop = kernel.loops.unrolled[level];
      const int64_t step = rest % loop.extent;
      rest /= loop.extent;
      uop.dst += static_cast<uint32_t>(step * loop.dst);
      uop.src += static_cast<uint32_t>(step * loop.src);
      uop.wgt += static_cast<uint32_t>(step * loop.wgt);
    }
    program_.micro_ops.push_back(kernel.is_gemm ? encode_gemm_uop(uop, layout_) : encode_alu_uop(uop, layout_));
  }
}

void Emitter::place(Kernel& kernel) {
  const int64_t depth = program_.hardware.uop_depth();
  if (resident_) {
    kernel.begin = used_;
    used_ += kernel.loops.uops;
    return;
  }
  ARCO_CHECK(kernel.loops.uops <= depth, "a kernel of {} micro-ops", kernel.loops.uops);
  if (used_ + kernel.loops.uops > depth) {
    for (Kernel& other : kernels_) other.begin = -1;
    used_ = 0;
  }
  kernel.begin = used_;
  used_ += kernel.loops.uops;
  const Tokens held = pending_[static_cast<size_t>(Module::kCompute)];  // for the instruction that uses the kernel
  pending_[static_cast<size_t>(Module::kCompute)] = {};
  load(MemoryType::kUop, {.sram = kernel.begin, .dram = kernel.dram, .columns = kernel.loops.uops});
  pending_[static_cast<size_t>(Module::kCompute)] = held;
}

void Emitter::finish() {
  signal(last(Module::kStore), Module::kCompute);
  wait(Module::kCompute, Module::kStore);
  load(MemoryType::kUop, {.rows = 0, .columns = 0, .stride = 0});  // a no-op that takes the token
  append(Instruction{});
  if (!resident_ || program_.micro_ops.empty() || !micro_ops_fit()) return;
  Instruction all;
  all.opcode = Opcode::kLoad;
  all.memory = fields_of(MemoryType::kUop, {.columns = static_cast<int64_t>(program_.micro_ops.size())});
  program_.instructions.insert(program_.instructions.begin(), all);
}

}  // namespace arco
