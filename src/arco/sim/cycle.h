// Event-driven timing of an instruction stream (vta-isa 4): fetch, load, compute and store run in parallel, coupled by
// token queues, one shared read channel and one write channel. No data is moved. The model: docs/cycle-model.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arco/hardware/energy.h"
#include "arco/hardware/hardware_config.h"
#include "arco/isa/instruction.h"

namespace arco {

// kG0: before June 2021; kG1: pipelined GEMM and ALU, old memory system; kG2: pipelined, non-blocking wide memory.
enum class Generation { kG0, kG1, kG2 };
const char* to_string(Generation generation);  // "G0", "G1", "G2"

// Occupancy of an instruction of N steps: per_step * N + fixed.
struct StepCost {
  int per_step = 1;
  int fixed = 0;
};
using CostByGeneration = std::array<StepCost, 3>;

// Every constant of vta-isa section 4, in cycles unless named otherwise; the section stands behind each group.
struct TimingModel {
  Generation generation = Generation::kG2;
  int memory_delay = 16;  // D: latency of a read that finds the channel's FIFO empty; G2 only (4.3)

  // Compute (4.2).
  CostByGeneration gemm{{{4, 4}, {1, 7}, {1, 7}}};
  CostByGeneration gemm_reset{{{4, 1}, {1, 7}, {1, 7}}};
  CostByGeneration alu_immediate{{{5, 1}, {1, 7}, {1, 7}}};
  CostByGeneration alu_tensor{{{6, 1}, {2, 7}, {2, 7}}};
  int no_op = 2;
  int finish = 2;

  // Reads in G2 (4.3): LOAD = issue + send + D + beats + return + drain.
  int load_issue = 2;        // start to the first request at the arbiter
  int request_send = 1;      // arbiter to the memory's FIFO
  int beat_return = 2;       // memory to the client
  int drain_narrow = 2;      // last beat to the next start, elements wider than the bus
  int drain_wide = 1;        // the same, elements up to the bus width
  int pad_fixed_narrow = 3;  // with P pad entries a LOAD takes at least beats + P + this
  int pad_fixed_wide = 2;
  int request_interval = 2;    // between two requests of one client
  int outstanding_reads = 16;  // of all clients together

  // Reads and writes in G0 and G1 (4.4): LOAD = start + sum over bursts (request + accept + beats) + padding.
  int serial_start = 1;
  int serial_request = 2;  // client to memory; the memory is free for others meanwhile
  int serial_accept = 2;   // memory is held, no data yet; request + accept = the 4 cycles per burst of 4.4
  int serial_pad_run = 1;  // change of state before each run of pad entries

  // Writes in G2 (4.5): STORE = start + sum over bursts (beats + bubbles + burst).
  int store_start = 1;
  int store_burst = 4;

  // Fetch (4.6, 4.7).
  int fetch_request = 2;    // launch, or the last dispatch of a batch, to the request at the arbiter
  int fetch_drain = 1;      // G2: last beat at the client to the first dispatch
  int queue_visible = 1;    // dispatch into a module's queue to the earliest start
  int queue_entries = 512;  // per module, at most 512
  int max_tokens = 255;     // per token queue, at most 255
};

// Where a module's cycles went. busy + waits + idle = total of the report.
struct ModuleCycles {
  uint64_t busy = 0;  // executing (for memory instructions: data beats and fixed overhead)
  uint64_t wait_token_prev = 0;
  uint64_t wait_token_next = 0;
  uint64_t wait_memory = 0;  // queueing for the shared channel and memory latency
  uint64_t wait_fetch = 0;   // the next instruction had not arrived
  uint64_t idle = 0;         // nothing left to do
  uint64_t total() const { return busy + wait_token_prev + wait_token_next + wait_memory + wait_fetch + idle; }
};

struct CycleReport {
  uint64_t cycles = 0;                  // launch to the end of FINISH
  std::array<ModuleCycles, 3> modules;  // by Module
  uint64_t instructions = 0;            // executed
  uint64_t gemm_steps = 0;              // reset steps not included
  uint64_t gemm_reset_steps = 0;
  uint64_t alu_steps = 0;
  uint64_t alu_tensor_steps = 0;  // those of alu_steps with two operands from ACC
  uint64_t gemm_cycles = 0;       // reset included
  uint64_t alu_cycles = 0;
  uint64_t read_bytes = 0;  // bus beats * bus bytes, instruction fetch included
  uint64_t written_bytes = 0;
  uint64_t fetch_bytes = 0;  // part of read_bytes
  // Entries written into each scratchpad by LOAD, padding included, by MemoryType; kOut: entries read by STORE.
  std::array<uint64_t, 6> moved_entries{};
};

// One executed instruction, for traces.
struct TraceEvent {
  uint64_t instruction = 0;
  Module module = Module::kLoad;
  uint64_t start = 0;  // cycles
  uint64_t end = 0;
};

// `instructions` ends with FINISH. Throws RunError on a deadlock, naming the instructions that wait, and on an
// instruction that the hardware would never finish. Throws UserError when the generation does not have the bus width.
// `trace`, when given, receives one event per instruction, in program order.
CycleReport simulate_cycles(const HardwareConfig& hardware, std::span<const Instruction> instructions,
                            const TimingModel& timing = {}, std::vector<TraceEvent>* trace = nullptr);

// What energy_of() needs to know of a run.
ActivityCounts activity_of(const CycleReport& report);

}  // namespace arco
