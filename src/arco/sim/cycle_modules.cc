// One instruction at a time per module: when it may start, what it costs (vta-isa 4.2 to 4.5), whom its end wakes.
#include <fmt/format.h>

#include <algorithm>

#include "arco/base/error.h"
#include "arco/sim/cycle_simulation.h"

namespace arco::cycle {
namespace {

constexpr uint64_t kMaxEntries = 1 << 16;  // an SRAM index has 16 bits

const char* name_of(Opcode opcode) {
  constexpr std::array<const char*, 5> kNames{"LOAD", "STORE", "GEMM", "FINISH", "ALU"};
  return kNames[static_cast<size_t>(opcode)];
}

uint64_t pad_entries(const MemoryFields& memory) {
  const uint64_t columns = uint64_t{memory.x_pad_0} + memory.x_size + memory.x_pad_1;
  const uint64_t rows = uint64_t{memory.y_pad_0} + memory.y_size + memory.y_pad_1;
  return columns * rows - uint64_t{memory.x_size} * memory.y_size;
}

int priority_of(const MemoryFields& memory) {
  switch (memory.type) {
    case MemoryType::kUop:
      return kUopSecond;
    case MemoryType::kInp:
      return kInpThird;
    case MemoryType::kWgt:
      return kWgtFourth;
    default:
      return kAccFifth;
  }
}

}  // namespace

bool Simulation::may_start(int module, const Tokens& tokens) const {
  const Neighbours& side = kNeighbours[module];
  const uint64_t limit = std::min<uint64_t>(timing_.max_tokens, TokenQueue::kCapacity);
  const auto available = [&](QueueId queue) { return queue != kNoQueue && !tokens_[queue].empty(); };
  const auto has_room = [&](QueueId queue) { return queue != kNoQueue && !tokens_[queue].full(limit); };
  return (!tokens.pop_prev || available(side.pop_prev)) && (!tokens.pop_next || available(side.pop_next)) &&
         (!tokens.push_prev || has_room(side.push_prev)) && (!tokens.push_next || has_room(side.push_next));
}

// Takes the tokens and books the time since the module's last instruction on what it waited for.
uint64_t Simulation::start_time(int module, uint64_t visible, const Tokens& tokens) {
  ModuleCycles& cycles = report_.modules[module];
  const Neighbours& side = kNeighbours[module];
  uint64_t start = modules_[module].free;
  const auto wait_until = [&](uint64_t cycle, uint64_t& account) {
    if (cycle <= start) return;
    account += cycle - start;
    start = cycle;
  };
  wait_until(visible, cycles.wait_fetch);
  if (tokens.pop_prev) wait_until(tokens_[side.pop_prev].front(), cycles.wait_token_prev);
  if (tokens.pop_next) wait_until(tokens_[side.pop_next].front(), cycles.wait_token_next);
  if (tokens.pop_prev) tokens_[side.pop_prev].pop(start);
  if (tokens.pop_next) tokens_[side.pop_next].pop(start);
  return start;
}

bool Simulation::advance(int module) {
  ModuleState& state = modules_[module];
  bool progress = false;
  while (!state.transferring && !finished_ && state.completed < state.queued) {
    const auto [index, visible] = state.head();
    const Tokens& tokens = instructions_[index].tokens;
    if (!may_start(module, tokens)) break;
    execute(module, index, start_time(module, visible, tokens));
    progress = true;
  }
  return progress;
}

void Simulation::execute(int module, uint64_t index, uint64_t start) {
  const Instruction& instruction = instructions_[index];
  modules_[module].start = start;
  const bool moves = instruction.opcode == Opcode::kLoad || instruction.opcode == Opcode::kStore;
  uint64_t occupancy = 0;
  if (moves && instruction.memory.x_size == 0) {
    occupancy = timing_.no_op;
  } else if (instruction.opcode == Opcode::kLoad || (moves && !parallel_memory())) {
    begin_transfer(module, instruction, index);
    return;
  } else if (moves) {
    begin_transfer(module, instruction, index);
    occupancy = store_occupancy();
  } else {
    occupancy = compute_occupancy(instruction, index);
  }
  complete(module, start + occupancy, occupancy);
  if (instruction.opcode == Opcode::kFinish) {
    finished_ = true;
    report_.cycles = start + occupancy;
  }
}

uint64_t Simulation::compute_occupancy(const Instruction& instruction, uint64_t index) {
  if (instruction.opcode == Opcode::kFinish) return timing_.finish;
  const LoopFields& loop = instruction.loop;
  const uint64_t steps = loop.steps();
  if (steps == 0) {
    throw RunError(
        fmt::format("instruction {} ({}) has no steps (uop {}..{}, iterations {} x {}): the hardware would never "
                    "finish it",
                    index, name_of(instruction.opcode), loop.uop_begin, loop.uop_end, loop.iter_out, loop.iter_in));
  }
  const auto occupancy = [&](const CostByGeneration& costs) {
    const StepCost& step = cost(costs);
    return steps * step.per_step + step.fixed;
  };
  if (instruction.opcode == Opcode::kGemm) {
    (loop.reset ? report_.gemm_reset_steps : report_.gemm_steps) += steps;
    const uint64_t cycles = occupancy(loop.reset ? timing_.gemm_reset : timing_.gemm);
    report_.gemm_cycles += cycles;
    return cycles;
  }
  report_.alu_steps += steps;
  if (!loop.use_imm) report_.alu_tensor_steps += steps;
  const uint64_t cycles = occupancy(loop.use_imm ? timing_.alu_immediate : timing_.alu_tensor);
  report_.alu_cycles += cycles;
  return cycles;
}

// Pad entries are written one after the other, each as long as its beats would take (4.4).
Simulation::SerialPadding Simulation::serial_padding(const MemoryFields& memory) const {
  const uint64_t element_bytes = dram_element_bytes(memory.type, hardware_);
  const uint64_t per_entry = std::max<uint64_t>(1, element_bytes / static_cast<uint64_t>(hardware_.bus_bits / 8));
  const uint64_t columns = uint64_t{memory.x_pad_0} + memory.x_size + memory.x_pad_1;
  const auto run = [&](uint64_t entries) { return entries == 0 ? 0 : entries * per_entry + timing_.serial_pad_run; };
  const uint64_t left = run(memory.x_pad_0), right = run(memory.x_pad_1);
  return {run(memory.y_pad_0 * columns) + left, right + left, right + run(memory.y_pad_1 * columns)};
}

void Simulation::begin_transfer(int module, const Instruction& instruction, uint64_t index) {
  const MemoryFields& memory = instruction.memory;
  if (memory.y_size == 0) {
    throw RunError(fmt::format("instruction {} ({}) has x_size {} but y_size 0: the hardware would never finish it",
                               index, name_of(instruction.opcode), memory.x_size));
  }
  const uint64_t entries = uint64_t{memory.x_size} * memory.y_size;
  const bool writes = instruction.opcode == Opcode::kStore;
  const uint64_t pads = writes ? 0 : pad_entries(memory);
  if (memory.x_size > kMaxEntries || memory.y_size > kMaxEntries || entries + pads > kMaxEntries) {
    throw RunError(
        fmt::format("instruction {} ({}) moves {} x {} elements and {} of padding, more than the {} of the largest "
                    "buffer",
                    index, name_of(instruction.opcode), memory.x_size, memory.y_size, pads, kMaxEntries));
  }
  report_.moved_entries[static_cast<size_t>(memory.type)] += entries + pads;
  Client& client = clients_[module];
  client = Client{};
  client.walk = walk_of(memory, hardware_);
  client.priority = writes ? kWriteLast : priority_of(memory);
  client.writes = writes;
  uint64_t ready = modules_[module].start;
  if (parallel_memory()) {
    if (writes) return;
    ready += timing_.load_issue + memory.y_pad_0;
  } else {
    const SerialPadding padding = writes ? SerialPadding{0, 0, 0} : serial_padding(memory);
    ready += timing_.serial_start + timing_.serial_request + padding.before;
    client.row_gap = padding.between_rows;
  }
  client.ready = ready;
  client.pending = true;
  modules_[module].transferring = true;
}

// G2: the write channel has one client and one burst at a time, so a STORE's time is a sum.
uint64_t Simulation::store_occupancy() {
  Client& client = clients_[kStoreAgent];
  while (!client.walk.done()) {
    const BurstWalk::Burst burst = client.walk.next();
    client.beats += burst.beats;
    client.bubbles += burst.bubbles;
    ++client.bursts;
  }
  count_traffic(client, true);
  return timing_.store_start + client.beats + client.bubbles + client.bursts * timing_.store_burst;
}

void Simulation::complete_transfer(int module) {
  const Client& client = clients_[module];
  const MemoryFields& memory = instructions_[modules_[module].head().index].memory;
  const uint64_t start = modules_[module].start;
  uint64_t end = client.end;
  uint64_t busy = 0;
  if (parallel_memory()) {
    const bool narrow = client.walk.narrow();
    const uint64_t drain = narrow ? timing_.drain_narrow : timing_.drain_wide;
    const uint64_t pads = pad_entries(memory);
    const uint64_t padded =
        pads == 0 ? 0 : client.beats + pads + (narrow ? timing_.pad_fixed_narrow : timing_.pad_fixed_wide);
    end = std::max(end + timing_.beat_return + drain, start + padded);
    busy = std::max(client.beats + timing_.load_issue + timing_.request_send + timing_.beat_return + drain, padded);
  } else {
    const SerialPadding padding = client.writes ? SerialPadding{0, 0, 0} : serial_padding(memory);
    end += padding.after;
    busy = timing_.serial_start + client.bursts * (timing_.serial_request + timing_.serial_accept) + client.beats +
           client.bubbles + padding.total(memory.y_size);
  }
  count_traffic(client, client.writes);
  modules_[module].transferring = false;
  complete(module, end, std::min(busy, end - start));
}

void Simulation::count_traffic(const Client& client, bool writes) {
  (writes ? report_.written_bytes : report_.read_bytes) += client.beats * static_cast<uint64_t>(hardware_.bus_bits / 8);
}

// The head of the module's queue ends: tokens go out, the queue entry becomes free.
void Simulation::complete(int module, uint64_t end, uint64_t busy) {
  ModuleState& state = modules_[module];
  const uint64_t index = state.head().index;
  const Tokens& tokens = instructions_[index].tokens;
  const Neighbours& side = kNeighbours[module];
  const uint64_t limit = std::min<uint64_t>(timing_.max_tokens, TokenQueue::kCapacity);
  const bool kept = (!tokens.push_prev || tokens_[side.push_prev].push(end, limit)) &&
                    (!tokens.push_next || tokens_[side.push_next].push(end, limit));
  if (!kept) {
    throw RunError(fmt::format(
        "instruction {} pushes a token into a queue that already holds {}: the hardware would lose it", index, limit));
  }
  report_.modules[module].busy += busy;
  report_.modules[module].wait_memory += end - state.start - busy;
  ++report_.instructions;
  if (trace_) trace_->push_back({index, static_cast<Module>(module), state.start, end});
  state.finished[state.completed++ % ModuleState::kSlots] = end;
  state.free = end;
}

std::string Simulation::waiting(int module) const {
  const ModuleState& state = modules_[module];
  if (state.completed == state.queued) return "";
  const uint64_t index = state.head().index;
  const Tokens& tokens = instructions_[index].tokens;
  const Neighbours& side = kNeighbours[module];
  constexpr std::array<const char*, 3> kModuleNames{"load", "compute", "store"};
  constexpr std::array<std::array<const char*, 2>, 3> kFrom{
      {{"nobody", "compute"}, {"load", "store"}, {"compute", "nobody"}}};
  std::string reasons;
  const auto missing = [&](bool wanted, QueueId queue, const char* from) {
    if (wanted && (queue == kNoQueue || tokens_[queue].empty())) reasons += fmt::format(" for a token from {}", from);
  };
  missing(tokens.pop_prev, side.pop_prev, kFrom[module][0]);
  missing(tokens.pop_next, side.pop_next, kFrom[module][1]);
  if (reasons.empty()) reasons = " to push a token that nobody takes";
  return fmt::format("; {} waits at instruction {} ({}){}", kModuleNames[module], index,
                     name_of(instructions_[index].opcode), reasons);
}

}  // namespace arco::cycle
