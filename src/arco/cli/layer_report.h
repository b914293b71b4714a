// An executable as people and machines want to see it: layers, where they run, schedules, cycles, memory.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "arco/cli/console.h"
#include "arco/runtime/executable.h"
#include "arco/runtime/run.h"

namespace arco {

// Hardware with area; the table of layers; totals; memory. `runs` as layer_cycles() or run() gives them: one a layer of
// the accelerator, in order.
void print_executable(const Executable& executable, const std::vector<LayerRun>& runs, Console& console);
void print_hardware(const HardwareConfig& hardware, Console& console);

// {"hardware", "variant", "area_mm2", "relative_area", "layers", "total_cycles", "rung", "dram"}.
nlohmann::json executable_to_json(const Executable& executable, const std::vector<LayerRun>& runs);

// Bytes of DRAM beside the activations, in whole pages: weights and biases; instructions and micro-ops.
struct DramUse {
  uint64_t constants = 0;
  uint64_t programs = 0;
};
DramUse dram_use(const Executable& executable);

uint64_t total_cycles(const std::vector<LayerRun>& runs);

// Segments and shared buffers of the DRAM, by address.
std::string dram_map(const Executable& executable);

}  // namespace arco
