// A run as a trace file for chrome://tracing or ui.perfetto.dev.
#pragma once

#include <span>
#include <string>

#include "arco/isa/instruction.h"
#include "arco/sim/cycle.h"

namespace arco {

// Chrome trace JSON; one microsecond of the viewer is one cycle. Modules are tracks, instructions slices, tokens arrows
// from the instruction that pushed to the one that popped. Counters: tokens waiting in each queue, and entries of INP
// and WGT in use, from the LOAD that wrote them to the token that allowed to overwrite them.
// `events` is the trace of simulate_cycles for `instructions`.
std::string trace_json(std::span<const Instruction> instructions, std::span<const TraceEvent> events,
                       const std::string& title);

}  // namespace arco
