// How long the load, compute and store modules take together for a walk over tiles: the recurrence of their tokens,
// followed for a few groups of tiles and continued at the rate it has settled to.
#pragma once

#include "arco/schedule/lanes.h"

namespace arco {

// None of these has defaults: filling them with zeros would cost as much as the recurrence.

// One group of tiles: one tile per virtual thread. Cycles.
struct GroupCosts {
  // Per thread: transfers before each GEMM of the tile, if there are any, and whether they replace an operand that only
  // this thread uses.
  Two load[2];
  bool loads[2];
  bool own;
  // Per thread: loads of accumulators (bias, residual) before the first GEMM, if there are any.
  Two accumulators[2];
  bool accumulates[2];
};

struct PipelineCosts {
  int threads;
  double items;      // GEMMs a tile (input channel tiles)
  double gemm;       // one GEMM
  Two begin;         // ALU work before a tile's first GEMM
  Two end;           // and after its last
  Two store;         // of a tile
  Two blocked;       // what a load of accumulators waits for a transfer in progress
  Two ready;         // when the first instructions of load and compute may start
  double outer;      // iterations of the outer loop over groups
  double inner;      // groups in each
  GroupCosts first;  // the very first group
  GroupCosts heavy;  // the first group of an outer iteration
  GroupCosts light;  // the others
};

// Cycle in which compute and store have finished: at least, and on average, as the costs are.
Two pipeline_cycles(const PipelineCosts& costs);

}  // namespace arco
