// Why a layer takes the cycles it takes: how close it comes to the roofs, what binds it, what would help.
#pragma once

#include <optional>
#include <string>

#include "arco/hardware/energy.h"
#include "arco/hardware/hardware_config.h"
#include "arco/runtime/run.h"

namespace arco {

// What a layer spends its time on. The first four are work of one module, the last three are waiting.
enum class Binding {
  kGemm,          // the multipliers
  kAlu,           // clearing, bias, shift and clamp on the ALU
  kAccumulators,  // the compute module's own loads: residuals, bias, pooling input
  kLoad,          // the load module, its data on the channel
  kLoadLatency,   // the load module, mostly latency of many small transfers
  kStore,         // the store module
  kFetch,         // instructions arrive too slowly
  kAlternation,   // modules take turns instead of working side by side
};
const char* to_string(Binding binding);  // "GEMM", "load latency"

// Shares are of the layer's cycles, 0 to 1.
struct LayerExplanation {
  std::optional<double> compute_roof;  // multiplications as defined, of what the core could do; none without any
  double read_roof = 0;                // bus beats read, of one a cycle
  double write_roof = 0;
  double memory_roof() const;     // the greater of the two
  bool memory_is_nearer() const;  // whether the memory roof limits more than the compute roof
  // Parts of the compute module's time.
  double gemm = 0, alu = 0, accumulators = 0, waits_for_load = 0, waits_for_store = 0, waits_for_fetch = 0;
  // Work of the others, latency included.
  double load = 0, store = 0;
  double block_use = 0;  // of the multipliers a GEMM step uses, those that multiply real channels; 0 without GEMM
  Binding binding = Binding::kGemm;
  std::string advice;  // one sentence
  Energy energy;
};
LayerExplanation explain_layer(const LayerRun& run, const HardwareConfig& hardware);

}  // namespace arco
