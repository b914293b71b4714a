// Closed forms of a schedule's cycles (timing of vta-isa section 4, generation G2): a bound that no execution beats and
// an unbiased estimate. Both cost well under a microsecond.
#pragma once

#include <cstdint>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"

namespace arco {

// How often each tile is transferred, counted by the copies the scratchpads keep.
struct TransferCounts {
  int64_t inp = 0;   // input tiles loaded
  int64_t wgt = 0;   // weight tiles loaded
  int64_t bias = 0;  // bias tiles loaded
};

// Busy cycles of each module, without waiting.
struct CycleParts {
  double gemm = 0;         // compute module: GEMM
  double alu = 0;          // compute module: ALU and clearing
  double compute_dma = 0;  // compute module: its own loads (accumulators, micro-ops)
  double load = 0;         // load module
  double store = 0;        // store module
  double read_beats = 0;   // shared read channel
  double fill = 0;         // before the first GEMM can start
  double drain = 0;        // after the last accumulation
  double compute() const { return gemm + alu + compute_dma; }
};

TransferCounts transfer_counts(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);
CycleParts cycle_parts(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);

// From the parts of one schedule.
double cycle_bound(const CycleParts& parts);
double cycle_estimate(const CycleParts& parts, const Schedule& schedule);

// Cycles. Only for legal schedules.
double cycle_bound(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);
double cycle_estimate(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);

}  // namespace arco
