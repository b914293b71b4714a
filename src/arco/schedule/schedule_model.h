// Bound and estimate of schedules, several at a time.
#pragma once

#include <cstdint>
#include <span>

#include "arco/schedule/layer_work.h"

namespace arco {

// Cycles.
struct CycleCost {
  double bound = 0;
  double estimate = 0;
};

// One number takes about three quarters of the time of both; the other stays 0.
enum class Wanted : uint8_t { kBoth, kBound, kEstimate };

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

struct LayerModel {
  const Workload& workload;
  const HardwareConfig& hardware;
  const LayerConstants& constants;
};

// How the modules overlap: one thread, or two, with one GEMM a tile or several.
enum class PipelineKind { kOneThread, kOneItem, kManyItems };
constexpr size_t kPipelineKinds = 3;
inline PipelineKind pipeline_kind(const ScheduleCase& one) {
  if (!one.two_rows && !one.two_channels) return PipelineKind::kOneThread;
  return one.ci->tiles > 1 ? PipelineKind::kManyItems : PipelineKind::kOneItem;
}

// All cases are of one kind; costs: as many. Each result depends on its own case alone.
void cycle_costs(const LayerModel& layer, std::span<const ScheduleCase> cases, Wanted wanted, CycleCost* costs);
CycleParts cycle_parts(const LayerModel& layer, const ScheduleCase& only);

// How often each tile of a convolution is transferred.
struct TransferCounts {
  int64_t inp = 0;   // input tiles loaded
  int64_t wgt = 0;   // weight tiles loaded
  int64_t bias = 0;  // bias tiles loaded
};
TransferCounts transfer_counts(const LayerModel& layer, const ScheduleCase& only);

}  // namespace arco
