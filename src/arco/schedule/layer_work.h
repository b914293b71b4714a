// What the schedules of a workload on an accelerator have in common, computed once for all of them, and what tells one
// from another.
#pragma once

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/transfer_cost.h"
#include "arco/schedule/workload.h"

namespace arco {

// Transfers over all positions of a tile of tile_h x tile_w results in one plane.
struct PlaneCosts {
  PositionSum input, residual, store;  // residual: also of the sums that a pool stage reads, if there is no residual
};
PlaneCosts plane_costs(const Workload& workload, const HardwareConfig& hardware, int64_t tile_h, int64_t tile_w);

struct LayerConstants {
  LayerConstants(const Workload& workload, const HardwareConfig& hardware);
  bool plus = false;        // vta++
  double per_in_ratio = 1;  // 1 / elements a pixel
  double per_out_ratio = 1;
  double per_bundle = 0;                 // 1 / output channel blocks of a bundle; 0 without bundles
  double per_burst = 1;                  // 1 / beats of the longest burst
  double kernel = 1;                     // pixels of the window
  double pool_kernel = 0;                // of the pool stage; 0 without one
  double bus_bytes = 8;                  // of the memory interface
  bool weights_in_rows = true;           // one transfer for a weight tile; otherwise one for each output channel block
  double wgt_fixed = 0, bias_fixed = 0;  // a LOAD beside its beats
};

// A tile size of an axis.
struct AxisTile {
  double tile = 1;   // its size
  double tiles = 1;  // how many there are
  double pairs = 0;  // pairs of them
  double odd = 1;    // 1 if one is left over
};

// One schedule, ready to be evaluated.
struct ScheduleCase {
  const AxisTile *b = nullptr, *h = nullptr, *w = nullptr, *ci = nullptr, *co = nullptr;
  const PlaneCosts* planes = nullptr;
  bool two_rows = false, two_channels = false;  // threads along either axis
  bool spatial_outer = true;
};

}  // namespace arco
