// Closed forms of a schedule's cycles (timing of vta-isa section 4, generation G2): a bound that no execution beats and
// an unbiased estimate.
#pragma once

#include <cstdint>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/layer_work.h"
#include "arco/schedule/reuse.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"

namespace arco {

// Busy cycles of each module on average, without waiting.
struct CycleParts {
  double gemm = 0;         // compute module: GEMM
  double alu = 0;          // compute module: ALU and clearing
  double compute_dma = 0;  // compute module: its own loads (accumulators, micro-ops)
  double load = 0;         // load module
  double store = 0;        // store module
  double read_beats = 0;   // shared read channel, instructions apart
  double fill = 0;         // before the first GEMM can start
  double drain = 0;        // after the last accumulation
  double compute() const { return gemm + alu + compute_dma; }
};

// Cycles.
struct CycleCost {
  double bound = 0;
  double estimate = 0;  // not below the bound
};

// What all schedules of a workload on an accelerator share, built once for many of them.
class EstimateContext {
 public:
  EstimateContext(const Workload& workload, const HardwareConfig& hardware);

  // Only for legal schedules.
  CycleCost cost(const Schedule& schedule) const;
  CycleParts parts(const Schedule& schedule) const;

 private:
  // By tile size: how many tiles there are (0: not a divisor).
  using Counts = std::vector<int32_t>;
  TileCounts tiles_of(const Schedule& schedule) const;
  const PlaneCosts& planes_of(const Schedule& schedule) const;

  Workload workload_;
  HardwareConfig hardware_;
  LayerConstants constants_;
  Counts b_, h_, w_, ci_, co_;
  Counts h_choice_, w_choice_;  // by tile size: number of the divisor
  size_t w_choices_ = 0;
  std::vector<PlaneCosts> planes_;
};

// The same for a single schedule.
TransferCounts transfer_counts(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);
CycleParts cycle_parts(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);
CycleCost cycle_cost(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);
double cycle_bound(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);
double cycle_estimate(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);

}  // namespace arco
