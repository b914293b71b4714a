// The simulation never steps through cycles. Every agent (fetch, load, compute, store) runs ahead on its own as far as
// what it needs is known, carrying time stamps:
//
//   start of an instruction = max(end of the module's previous one, arrival in its queue, time stamps of its tokens)
//   end                     = start + occupancy        (GEMM, ALU, no-ops, and STORE in G2: a formula)
//                           = whatever the bus says    (LOAD, fetch, and STORE in G0/G1)
//
// When no agent can go on, all of them either have a transfer on the bus, with a known time of their next request, or
// wait for something that only the end of a transfer can bring. So the bus may serve requests in order of time until
// the first transfer is complete, and then the agents run ahead again. An instruction costs a few additions and a
// burst one step of the arbiter; nothing is allocated per instruction. Source of the rules: vta-isa 4.1 to 4.9.
#include "arco/sim/cycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "arco/base/error.h"
#include "arco/sim/cycle_memory.h"
#include "arco/sim/cycle_tokens.h"

namespace arco {

const char* to_string(Generation generation) {
  constexpr std::array<const char*, 3> kNames{"G0", "G1", "G2"};
  return kNames[static_cast<size_t>(generation)];
}

namespace cycle {
namespace {

constexpr uint64_t kInstructionBytes = 16;
constexpr uint64_t kMaxEntries = 1 << 16;  // an SRAM index has 16 bits
constexpr std::array<const char*, 3> kModuleNames{"load", "compute", "store"};
constexpr std::array<const char*, 5> kOpcodeNames{"LOAD", "STORE", "GEMM", "FINISH", "ALU"};

struct ModuleState {
  static constexpr uint64_t kSlots = 512;
  struct Entry {
    uint64_t index;    // of the instruction
    uint64_t visible;  // earliest start
  };
  std::array<Entry, kSlots> queue;
  std::array<uint64_t, kSlots> finished;  // by number in this module: when its queue entry became free
  uint64_t queued = 0;
  uint64_t completed = 0;
  uint64_t free = 0;  // end of the last instruction
  bool transferring = false;
  uint64_t start = 0;  // of the instruction in progress

  const Entry& head() const { return queue[completed % kSlots]; }
};

class Simulation {
 public:
  Simulation(const HardwareConfig& hardware, std::span<const Instruction> instructions, const TimingModel& timing,
             std::vector<TraceEvent>* trace);
  CycleReport run();

 private:
  bool parallel_memory() const { return timing_.generation == Generation::kG2; }
  const StepCost& cost(const CostByGeneration& costs) const { return costs[static_cast<size_t>(timing_.generation)]; }

  // Fetch.
  bool dispatch();
  void request_batch();
  void complete_fetch();

  // Modules.
  bool advance(int module);
  bool may_start(int module, const Tokens& tokens) const;
  uint64_t start_time(int module, uint64_t visible, const Tokens& tokens);
  void execute(int module, uint64_t index, uint64_t start);
  uint64_t compute_occupancy(const Instruction& instruction, uint64_t index);
  void begin_transfer(int module, const Instruction& instruction, uint64_t index);
  uint64_t store_occupancy(const Instruction& instruction);
  void complete_transfer(int module);
  void complete(int module, uint64_t end, uint64_t busy);

  // Padding of a LOAD in G0/G1, in cycles.
  struct SerialPadding {
    uint64_t before, between_rows, after;
    uint64_t total(uint64_t rows) const { return before + between_rows * (rows - 1) + after; }
  };
  SerialPadding serial_padding(const MemoryFields& memory) const;

  void count_traffic(const Client& client, bool writes);
  [[noreturn]] void deadlock() const;
  std::string waiting(int module) const;
  void settle_idle();

  const HardwareConfig& hardware_;
  std::span<const Instruction> instructions_;
  const TimingModel& timing_;
  std::vector<TraceEvent>* trace_;

  std::array<ModuleState, 3> modules_;
  std::array<TokenQueue, 4> tokens_;
  Clients clients_;
  ReadChannel channel_;
  SerialBus bus_;

  uint64_t batch_;         // instructions per fetch
  uint64_t fetched_ = 0;   // instructions requested from memory
  uint64_t arrived_ = 0;   // of those, arrived
  uint64_t dispatched_ = 0;
  uint64_t next_dispatch_ = 0;  // cycle
  bool finished_ = false;
  CycleReport report_;
};

Simulation::Simulation(const HardwareConfig& hardware, std::span<const Instruction> instructions, const TimingModel& timing,
                       std::vector<TraceEvent>* trace)
    : hardware_(hardware),
      instructions_(instructions),
      timing_(timing),
      trace_(trace),
      channel_(timing),
      bus_(timing),
      // With a 64-bit bus an instruction takes two beats; a batch is never more than one burst (4.6).
      batch_(std::max(1, hardware.bus_bits == 64 ? hardware.max_burst_beats / 2 : hardware.max_burst_beats)) {
  if (trace_) {
    trace_->clear();
    trace_->reserve(instructions.size());
  }
}

// ---- Fetch ---------------------------------------------------------------------------------------------------------

void Simulation::request_batch() {
  const uint64_t count = std::min<uint64_t>(batch_, instructions_.size() - fetched_);
  Client& client = clients_[kFetchAgent];
  client = Client{};
  client.pending = true;
  client.priority = kFetchFirst;
  // Instructions start at a page; wide elements have no bubbles.
  client.walk = BurstWalk(fetched_ * kInstructionBytes, count * kInstructionBytes, 0, 1, 0, hardware_);
  client.ready = next_dispatch_ + timing_.fetch_request + (parallel_memory() ? 0 : timing_.serial_request);
  fetched_ += count;
}

void Simulation::complete_fetch() {
  const Client& client = clients_[kFetchAgent];
  arrived_ = fetched_;
  next_dispatch_ = client.end + (parallel_memory() ? timing_.beat_return + timing_.fetch_drain : 0);
  count_traffic(client, false);
  report_.fetch_bytes += client.beats * static_cast<uint64_t>(hardware_.bus_bits / 8);
}

// One instruction per cycle, in order: a full queue holds up all that follow (4.6).
bool Simulation::dispatch() {
  bool progress = false;
  const uint64_t entries = std::min<uint64_t>(timing_.queue_entries, ModuleState::kSlots);
  for (; dispatched_ < arrived_; ++dispatched_) {
    ModuleState& target = modules_[static_cast<size_t>(instructions_[dispatched_].module())];
    uint64_t cycle = next_dispatch_;
    if (target.queued >= entries) {
      if (target.queued - target.completed >= entries) return progress;
      cycle = std::max(cycle, target.finished[(target.queued - entries) % ModuleState::kSlots]);
    }
    target.queue[target.queued++ % ModuleState::kSlots] = {dispatched_, cycle + timing_.queue_visible};
    next_dispatch_ = cycle + 1;
    progress = true;
  }
  if (!clients_[kFetchAgent].pending && fetched_ < instructions_.size()) {
    request_batch();
    progress = true;
  }
  return progress;
}

// ---- Modules -------------------------------------------------------------------------------------------------------

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
    occupancy = store_occupancy(instruction);
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
    throw RunError(fmt::format("instruction {} ({}) has no steps (uop {}..{}, iterations {} x {}): the hardware would never "
                               "finish it",
                               index, kOpcodeNames[static_cast<size_t>(instruction.opcode)], loop.uop_begin, loop.uop_end,
                               loop.iter_out, loop.iter_in));
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

// ---- Transfers -----------------------------------------------------------------------------------------------------

uint64_t pad_entries(const MemoryFields& memory) {
  const uint64_t columns = uint64_t{memory.x_pad_0} + memory.x_size + memory.x_pad_1;
  const uint64_t rows = uint64_t{memory.y_pad_0} + memory.y_size + memory.y_pad_1;
  return columns * rows - uint64_t{memory.x_size} * memory.y_size;
}

int priority_of(const MemoryFields& memory) {
  switch (memory.type) {
    case MemoryType::kUop: return kUopSecond;
    case MemoryType::kInp: return kInpThird;
    case MemoryType::kWgt: return kWgtFourth;
    default: return kAccFifth;
  }
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
    throw RunError(fmt::format("instruction {} ({}) has x_size {} but y_size 0: the hardware would never finish it", index,
                               kOpcodeNames[static_cast<size_t>(instruction.opcode)], memory.x_size));
  }
  const uint64_t entries = uint64_t{memory.x_size} * memory.y_size;
  const bool writes = instruction.opcode == Opcode::kStore;
  const uint64_t pads = writes ? 0 : pad_entries(memory);
  if (memory.x_size > kMaxEntries || memory.y_size > kMaxEntries || entries + pads > kMaxEntries) {
    throw RunError(fmt::format("instruction {} ({}) moves {} x {} elements and {} of padding, more than the {} of the largest "
                               "buffer",
                               index, kOpcodeNames[static_cast<size_t>(instruction.opcode)], memory.x_size, memory.y_size, pads,
                               kMaxEntries));
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
uint64_t Simulation::store_occupancy(const Instruction&) {
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
    const uint64_t padded = pads == 0 ? 0 : client.beats + pads + (narrow ? timing_.pad_fixed_narrow : timing_.pad_fixed_wide);
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
    throw RunError(fmt::format("instruction {} pushes a token into a queue that already holds {}: the hardware would lose it",
                               index, limit));
  }
  report_.modules[module].busy += busy;
  report_.modules[module].wait_memory += end - state.start - busy;
  ++report_.instructions;
  if (trace_) trace_->push_back({index, static_cast<Module>(module), state.start, end});
  state.finished[state.completed++ % ModuleState::kSlots] = end;
  state.free = end;
}

// ---- The whole -----------------------------------------------------------------------------------------------------

std::string Simulation::waiting(int module) const {
  const ModuleState& state = modules_[module];
  if (state.completed == state.queued) return "";
  const uint64_t index = state.head().index;
  const Tokens& tokens = instructions_[index].tokens;
  const Neighbours& side = kNeighbours[module];
  constexpr std::array<std::array<const char*, 2>, 3> kFrom{{{"nobody", "compute"}, {"load", "store"}, {"compute", "nobody"}}};
  std::string reasons;
  const auto missing = [&](bool wanted, QueueId queue, const char* from) {
    if (wanted && (queue == kNoQueue || tokens_[queue].empty())) reasons += fmt::format(" for a token from {}", from);
  };
  missing(tokens.pop_prev, side.pop_prev, kFrom[module][0]);
  missing(tokens.pop_next, side.pop_next, kFrom[module][1]);
  if (reasons.empty()) reasons = " to push a token that nobody takes";
  return fmt::format("; {} waits at instruction {} ({}){}", kModuleNames[module], index,
                     kOpcodeNames[static_cast<size_t>(instructions_[index].opcode)], reasons);
}

void Simulation::deadlock() const {
  std::string text;
  for (int module = 0; module < 3; ++module) text += waiting(module);
  if (text.empty()) throw RunError("the program ends without FINISH: add it as the last instruction");
  if (dispatched_ < arrived_) text += fmt::format("; fetch waits at instruction {} for room in a queue", dispatched_);
  throw RunError("deadlock: the program never reaches FINISH" + text);
}

// What is left of the run after a module's last instruction is idle. A module still at work when FINISH ends (which a
// program with balanced tokens never has) is cut off there.
void Simulation::settle_idle() {
  for (ModuleCycles& cycles : report_.modules) {
    const uint64_t total = cycles.total();
    if (total <= report_.cycles) {
      cycles.idle = report_.cycles - total;
      continue;
    }
    uint64_t excess = total - report_.cycles;
    for (uint64_t* account :
         {&cycles.busy, &cycles.wait_memory, &cycles.wait_token_prev, &cycles.wait_token_next, &cycles.wait_fetch}) {
      const uint64_t cut = std::min(excess, *account);
      *account -= cut;
      excess -= cut;
    }
  }
}

CycleReport Simulation::run() {
  while (!finished_) {
    for (bool progress = true; progress && !finished_;) {
      progress = dispatch();
      for (int module = 0; module < 3; ++module) progress |= advance(module);
    }
    if (finished_) break;
    const bool any = std::any_of(clients_.begin(), clients_.end(), [](const Client& client) { return client.pending; });
    if (!any) deadlock();
    const int agent = parallel_memory() ? channel_.run(clients_) : bus_.run(clients_);
    if (agent == kFetchAgent) {
      complete_fetch();
    } else {
      complete_transfer(agent);
    }
  }
  settle_idle();
  if (trace_) {
    std::sort(trace_->begin(), trace_->end(),
              [](const TraceEvent& a, const TraceEvent& b) { return a.instruction < b.instruction; });
  }
  return report_;
}

}  // namespace
}  // namespace cycle

CycleReport simulate_cycles(const HardwareConfig& hardware, std::span<const Instruction> instructions,
                            const TimingModel& timing, std::vector<TraceEvent>* trace) {
  if (timing.generation != Generation::kG2 && hardware.bus_bits != 64) {
    fail_user("generation {} has a memory interface of 64 bits only, the configuration has {}; use generation G2 or 64 bits",
              to_string(timing.generation), hardware.bus_bits);
  }
  ARCO_CHECK(hardware.bus_bits >= 64 && std::has_single_bit(static_cast<unsigned>(hardware.bus_bits)), "bus {}",
             hardware.bus_bits);
  ARCO_CHECK(hardware.max_burst_beats > 0 && std::has_single_bit(static_cast<unsigned>(hardware.max_burst_beats)), "burst {}",
             hardware.max_burst_beats);
  // Several ten kilobytes of queues: too much for the stack of a worker thread that recurses, nothing for the heap.
  const auto simulation = std::make_unique<cycle::Simulation>(hardware, instructions, timing, trace);
  return simulation->run();
}

}  // namespace arco
