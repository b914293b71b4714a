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
#include "arco/sim/cycle_simulation.h"

namespace arco {

const char* to_string(Generation generation) {
  constexpr std::array<const char*, 3> kNames{"G0", "G1", "G2"};
  return kNames[static_cast<size_t>(generation)];
}

namespace cycle {
namespace {

constexpr uint64_t kInstructionBytes = 16;

}  // namespace

Simulation::Simulation(const HardwareConfig& hardware, std::span<const Instruction> instructions,
                       const TimingModel& timing, std::vector<TraceEvent>* trace)
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
      // Compute last: it ends the run, and what the others did before that must be booked.
      for (const int module : {kLoadAgent, kStoreAgent, kComputeAgent}) progress |= advance(module);
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

}  // namespace cycle

ActivityCounts activity_of(const CycleReport& report) {
  const auto moved = [&](MemoryType type) { return report.moved_entries[static_cast<size_t>(type)]; };
  ActivityCounts counts;
  counts.instructions = report.instructions;
  counts.gemm_steps = report.gemm_steps;
  counts.gemm_reset_steps = report.gemm_reset_steps;
  counts.alu_steps = report.alu_steps;
  counts.alu_tensor_steps = report.alu_tensor_steps;
  counts.inp_loaded = moved(MemoryType::kInp);
  counts.wgt_loaded = moved(MemoryType::kWgt);
  counts.acc_loaded = moved(MemoryType::kAcc) + moved(MemoryType::kAcc8);
  counts.uop_loaded = moved(MemoryType::kUop);
  counts.out_stored = moved(MemoryType::kOut);
  counts.dram_read_bytes = report.read_bytes;
  counts.dram_written_bytes = report.written_bytes;
  return counts;
}

CycleReport simulate_cycles(const HardwareConfig& hardware, std::span<const Instruction> instructions,
                            const TimingModel& timing, std::vector<TraceEvent>* trace) {
  if (timing.generation != Generation::kG2 && hardware.bus_bits != 64) {
    fail_user(
        "generation {} has a memory interface of 64 bits only, the configuration has {}; use generation G2 or 64 bits",
        to_string(timing.generation), hardware.bus_bits);
  }
  ARCO_CHECK(hardware.bus_bits >= 64 && std::has_single_bit(static_cast<unsigned>(hardware.bus_bits)), "bus {}",
             hardware.bus_bits);
  ARCO_CHECK(hardware.max_burst_beats > 0 && std::has_single_bit(static_cast<unsigned>(hardware.max_burst_beats)),
             "burst {}", hardware.max_burst_beats);
  // Several ten kilobytes of queues: too much for the stack of a worker thread that recurses, nothing for the heap.
  const auto simulation = std::make_unique<cycle::Simulation>(hardware, instructions, timing, trace);
  return simulation->run();
}

}  // namespace arco
