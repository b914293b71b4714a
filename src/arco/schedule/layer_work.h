// What the instructions of a schedule cost one by one, before asking how they overlap. Mirrors lower/.
#pragma once

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/geometry.h"
#include "arco/schedule/reuse.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/transfer_cost.h"
#include "arco/schedule/workload.h"

namespace arco {

// Transfers over all positions of a tile of tile_h x tile_w results in one plane, with one Rounding.
struct PlaneCosts {
  PositionSum input, residual, store;
};
PlaneCosts plane_costs(const Workload& workload, const HardwareConfig& hardware, int64_t tile_h, int64_t tile_w,
                       Rounding rounding);

// Cycles of one thing each unless named otherwise; an average over the layer's tiles with Rounding::kMean, at least
// that with kLeast.
struct LayerWork {
  double tiles = 0;
  double gemms = 0;                   // GEMMs of a tile
  double gemm = 0;                    // one GEMM
  double begin_alu = 0;               // compute work before a tile's first GEMM, loads of accumulators apart
  double end_alu = 0;                 // and after its last
  double inp = 0, wgt = 0, bias = 0;  // loading one tile
  double residual = 0;                // loading a tile's residual; for pooling and addition all it works on
  double store = 0;                   // storing a tile
  // Sums over the layer.
  double inp_total = 0, wgt_total = 0, bias_total = 0, residual_total = 0;
  double read_beats = 0;                       // without instructions
  double load_transfers = 0, load_bursts = 0;  // of the load module; bursts: at most
  double dma_transfers = 0, dma_bursts = 0;    // of the compute module
  double instructions = 0;
  double more_instructions = 0;  // with Rounding::kLeast: what may come on top
  double micro_ops = 0;          // that are resident, or as many as fit the buffer
  double micro_op_load = 0;      // cycles of loading them at the start
};
LayerWork layer_work(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware,
                     const Geometry& geometry, const Reuse& reuse, const PlaneCosts& planes, Rounding rounding);

}  // namespace arco
