// Event-driven timing of an instruction stream (vta-isa 4): fetch, load, compute and store run in parallel, coupled by
// token queues, one shared read channel and one write channel. No data is moved.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/isa/instruction.h"

namespace arco {

// kG0: before June 2021; kG1: pipelined GEMM and ALU, old memory system; kG2: pipelined, non-blocking wide memory.
enum class Generation { kG0, kG1, kG2 };

// Every constant of vta-isa section 4, in cycles unless named otherwise.
struct TimingModel {
  Generation generation = Generation::kG2;
  int memory_delay = 16;  // D: an idle read channel's latency to the first beat
  // (the remaining constants are named here, one each, with the section they come from)
};

// Where a module's cycles went. busy + waits + idle = total of the report.
struct ModuleCycles {
  uint64_t busy = 0;          // executing (for memory instructions: data beats and fixed overhead)
  uint64_t wait_token_prev = 0;
  uint64_t wait_token_next = 0;
  uint64_t wait_memory = 0;   // queueing for the shared channel and memory latency
  uint64_t wait_fetch = 0;    // the next instruction had not arrived
  uint64_t idle = 0;          // nothing left to do
};

struct CycleReport {
  uint64_t cycles = 0;
  std::array<ModuleCycles, 3> modules;  // by Module
  uint64_t gemm_steps = 0;
  uint64_t gemm_cycles = 0;
  uint64_t alu_cycles = 0;
  uint64_t read_bytes = 0;    // bus beats * bus bytes
  uint64_t written_bytes = 0;
};

// One executed instruction, for traces.
struct TraceEvent {
  uint64_t instruction = 0;
  Module module = Module::kLoad;
  uint64_t start = 0;  // cycles
  uint64_t end = 0;
};

// `instructions` ends with FINISH. Throws RunError on a deadlock, naming the instructions that wait.
// `trace`, when given, receives one event per instruction.
CycleReport simulate_cycles(const HardwareConfig& hardware, std::span<const Instruction> instructions,
                            const TimingModel& timing = {}, std::vector<TraceEvent>* trace = nullptr);

}  // namespace arco
