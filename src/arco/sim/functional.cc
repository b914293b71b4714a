// The instructions up to FINISH are sorted into the queues of their modules, then one ready module at a time executes
// the head of its queue: it takes its tokens, works, gives its tokens. Which ready module is next is drawn from the
// seed.
//
//             +--load to compute-->+            +--compute to store-->+
//        load                       compute                           store
//             +<--compute to load--+            +<--store to compute--+
#include "arco/sim/functional.h"

#include <array>
#include <cstring>
#include <vector>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/isa/assembler.h"
#include "arco/isa/encoding.h"
#include "arco/sim/datapath.h"

namespace arco {
namespace {

constexpr std::array<Module, 3> kModules = {Module::kLoad, Module::kCompute, Module::kStore};

struct TokenQueue {
  Module producer;
  Module consumer;
  bool Tokens::*push;
  bool Tokens::*pop;
  uint64_t tokens = 0;
};

// Why an instruction can never run, or "".
std::string illegality(const Instruction& instruction) {
  const Tokens& tokens = instruction.tokens;
  const Module module = instruction.module();
  if (module == Module::kLoad && (tokens.pop_prev || tokens.push_prev)) {
    return "the load module has no previous stage to exchange tokens with";
  }
  if (module == Module::kStore && (tokens.pop_next || tokens.push_next)) {
    return "the store module has no next stage to exchange tokens with";
  }
  const MemoryFields& memory = instruction.memory;
  if (instruction.opcode == Opcode::kLoad && memory.type == MemoryType::kOut) return "memory type out cannot be loaded";
  if (instruction.opcode == Opcode::kStore && memory.type != MemoryType::kOut && !instruction.is_no_op()) {
    return fmt::format("memory type {} cannot be stored; expected out", to_string(memory.type));
  }
  const bool has_minimum = memory.type != MemoryType::kUop && memory.type != MemoryType::kWgt;
  if (instruction.opcode == Opcode::kLoad && memory.pad_is_min && !has_minimum) {
    return fmt::format("pad_is_min does not exist for memory type {}", to_string(memory.type));
  }
  return "";
}

class Runner {
 public:
  Runner(const HardwareConfig& hardware, std::span<uint8_t> dram, uint64_t address, uint64_t count)
      : layout_(hardware), dram_(dram), datapath_(hardware, layout_, dram) {
    if (address > dram.size() || count > (dram.size() - address) / kInstructionBytes) {
      throw RunError(
          fmt::format("{} instructions at {:#x} do not fit the {:#x} bytes of DRAM", count, address, dram.size()));
    }
    for (uint64_t i = 0; i < count; ++i) {
      InstructionWord word;
      std::memcpy(word.data(), dram.data() + address + i * kInstructionBytes, kInstructionBytes);
      enqueue(i, word);
      if (last_is_finish_) return;
    }
    throw RunError(fmt::format("none of the {} instructions at {:#x} is FINISH", count, address));
  }

  FunctionalResult run(uint64_t order_seed) {
    Random random(order_seed);
    while (!finished_) {
      std::array<Module, 3> ready{};
      size_t count = 0;
      for (const Module module : kModules) {
        if (is_ready(module)) ready[count++] = module;
      }
      if (count == 0) throw RunError("deadlock: " + waits());
      step(ready[count == 1 ? 0 : random.below(count)]);
    }
    for (const Module module : {Module::kLoad, Module::kStore}) {
      if (at_end(module)) continue;
      throw RunError(fmt::format("FINISH came before {} instruction {} ({}); no token makes it wait", to_string(module),
                                 head_index(module), disassemble(head(module))));
    }
    return datapath_.result();
  }

 private:
  void enqueue(uint64_t i, const InstructionWord& word) {
    const Decoded decoded = decode(word, layout_);
    if (!decoded.error.empty()) {
      throw RunError(fmt::format("instruction {} ({:016x} {:016x}): {}", i, word[0], word[1], decoded.error));
    }
    const std::string problem = illegality(decoded.instruction);
    if (!problem.empty()) throw RunError(at(i, decoded.instruction) + problem);
    words_.push_back(word);
    const Module module = decoded.instruction.module();
    queues_[index(module)].push_back(i);
    if (queues_[index(module)].size() == 1) heads_[index(module)] = decoded.instruction;
    last_is_finish_ = decoded.instruction.opcode == Opcode::kFinish;
  }

  bool is_ready(Module module) const {
    if (at_end(module)) return false;
    for (const TokenQueue& queue : token_queues_) {
      if (queue.consumer == module && head(module).tokens.*queue.pop && queue.tokens == 0) return false;
    }
    return true;
  }

  void step(Module module) {
    const Instruction instruction = head(module);
    for (TokenQueue& queue : token_queues_) {
      if (queue.consumer == module && instruction.tokens.*queue.pop) --queue.tokens;
    }
    try {
      datapath_.execute(instruction);
    } catch (const RunError& error) {
      throw RunError(at(head_index(module), instruction) + error.what());
    }
    for (TokenQueue& queue : token_queues_) {
      if (queue.producer == module && instruction.tokens.*queue.push) ++queue.tokens;
    }
    finished_ = instruction.opcode == Opcode::kFinish;
    ++next_[index(module)];
    if (!at_end(module)) heads_[index(module)] = decode(words_[head_index(module)], layout_).instruction;
  }

  std::string waits() const {
    std::string text;
    for (const Module module : kModules) {
      if (at_end(module)) continue;
      for (const TokenQueue& queue : token_queues_) {
        if (queue.consumer != module || !(head(module).tokens.*queue.pop) || queue.tokens != 0) continue;
        text += fmt::format("{}{} waits at instruction {} for a token from {}", text.empty() ? "" : "; ",
                            to_string(module), head_index(module), to_string(queue.producer));
      }
    }
    return text;
  }

  static size_t index(Module module) { return static_cast<size_t>(module); }
  static std::string at(uint64_t i, const Instruction& instruction) {
    return fmt::format("instruction {} ({}): ", i, disassemble(instruction));
  }
  bool at_end(Module module) const { return next_[index(module)] == queues_[index(module)].size(); }
  uint64_t head_index(Module module) const { return queues_[index(module)][next_[index(module)]]; }
  const Instruction& head(Module module) const { return heads_[index(module)]; }

  IsaLayout layout_;
  std::span<uint8_t> dram_;
  Datapath datapath_;
  std::vector<InstructionWord> words_;
  std::array<std::vector<uint64_t>, 3> queues_;  // instruction indices by Module
  std::array<size_t, 3> next_{};                 // position in each queue
  std::array<Instruction, 3> heads_;             // decoded, of what stands there
  std::array<TokenQueue, 4> token_queues_{{
      {Module::kLoad, Module::kCompute, &Tokens::push_next, &Tokens::pop_prev},
      {Module::kCompute, Module::kLoad, &Tokens::push_prev, &Tokens::pop_next},
      {Module::kCompute, Module::kStore, &Tokens::push_next, &Tokens::pop_prev},
      {Module::kStore, Module::kCompute, &Tokens::push_prev, &Tokens::pop_next},
  }};
  bool last_is_finish_ = false;
  bool finished_ = false;
};

}  // namespace

FunctionalResult run_functional(const HardwareConfig& hardware, std::span<uint8_t> dram, uint64_t address,
                                uint64_t count, uint64_t order_seed) {
  if (const auto problems = hardware.violations(); !problems.empty()) {
    throw RunError(fmt::format("illegal hardware {}: {}", hardware.to_string(), fmt::join(problems, "; ")));
  }
  return Runner(hardware, dram, address, count).run(order_seed);
}

}  // namespace arco
