// The state of one run of the cycle simulator. cycle.cc: fetch and the main loop; cycle_modules.cc: what an instruction
// costs.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arco/sim/cycle.h"
#include "arco/sim/cycle_memory.h"
#include "arco/sim/cycle_tokens.h"

namespace arco::cycle {

// A module and its instruction queue.
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
  uint64_t store_occupancy();
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
  // What the module's next instruction waits for; empty when it has none.
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

  uint64_t batch_;        // instructions per fetch
  uint64_t fetched_ = 0;  // instructions requested from memory
  uint64_t arrived_ = 0;  // of those, arrived
  uint64_t dispatched_ = 0;
  uint64_t next_dispatch_ = 0;  // cycle
  bool finished_ = false;
  CycleReport report_;
};

}  // namespace arco::cycle
