// What the instructions of a schedule cost one by one, before asking how they overlap. Mirrors lower/.
#pragma once

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/lanes.h"
#include "arco/schedule/reuse.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/transfer_cost.h"
#include "arco/schedule/workload.h"

namespace arco {

// Transfers over all positions of a tile of tile_h x tile_w results in one plane.
struct PlaneCosts {
  PositionSum input, residual, store;
};
PlaneCosts plane_costs(const Workload& workload, const HardwareConfig& hardware, int64_t tile_h, int64_t tile_w);

// What all schedules of a workload on an accelerator have in common.
struct LayerConstants {
  LayerConstants(const Workload& workload, const HardwareConfig& hardware);
  bool plus = false;        // vta++
  double per_in_ratio = 1;  // 1 / elements a pixel
  double per_out_ratio = 1;
  double per_bundle = 0;                 // 1 / output channel blocks of a bundle; 0 without bundles
  double per_burst = 1;                  // 1 / beats of the longest burst
  double kernel = 1;                     // pixels of the window
  int log2_bus = 3;                      // bytes
  bool weights_in_rows = true;           // one transfer for a weight tile; otherwise one for each output channel block
  double wgt_fixed = 0, bias_fixed = 0;  // a LOAD beside its beats
};

// No defaults: set_layer_work() sets everything. Cycles of one thing each unless named otherwise: at least that, and on
// average over the tiles of the layer.
struct LayerWork {
  double tiles;
  double gemms;   // GEMMs of a tile
  double gemm;    // one GEMM
  Two begin_alu;  // compute work before a tile's first GEMM, loads of accumulators apart
  Two end_alu;    // and after its last
  Two inp;        // loading one tile
  double wgt, bias;
  Two residual;  // loading a tile's residual; for pooling and addition all it works on
  Two store;     // storing a tile
  // Sums over the layer.
  Two inp_total, residual_total;
  double wgt_total, bias_total;
  Two read_beats;                      // without instructions and micro-ops
  double load_transfers, load_bursts;  // of the load module; bursts: at most
  double dma_transfers, dma_bursts;    // of the compute module
  double instructions;                 // at least
  double more_instructions;            // that may come on top
};
void set_layer_work(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware,
                    const LayerConstants& constants, const TileCounts& tiles, const Reuse& reuse,
                    const PlaneCosts& planes, LayerWork& work);

}  // namespace arco
