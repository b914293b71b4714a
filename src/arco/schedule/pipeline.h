// How long the load, compute and store modules take together for a walk over tiles: the recurrence of their tokens,
// followed for a few groups of tiles and continued at the rate it has settled to.
#pragma once

#include <cstdint>

namespace arco {

// One group of tiles: one tile per virtual thread. Cycles.
struct GroupCosts {
  // Per thread: transfers before each GEMM of the tile (0: the operands are there), and whether they replace an operand
  // that only this thread uses.
  double load[2] = {0, 0};
  bool own[2] = {false, false};
  // Per thread: loads of accumulators (bias, residual) before the first GEMM.
  double accumulators[2] = {0, 0};
};

struct PipelineCosts {
  int threads = 1;
  double items = 1;    // GEMMs a tile (input channel tiles)
  double gemm = 0;     // one GEMM
  double begin = 0;    // ALU work before a tile's first GEMM
  double end = 0;      // and after its last
  double store = 0;    // of a tile
  double blocked = 0;  // what a load of accumulators waits for a transfer in progress
  double ready = 0;    // when the first instructions of load and compute may start
  double outer = 1;    // iterations of the outer loop over groups
  double inner = 1;    // groups in each
  GroupCosts first;    // the very first group
  GroupCosts heavy;    // the first group of an outer iteration
  GroupCosts light;    // the others
};

// Cycle in which compute and store have finished. A lower bound if the costs are lower bounds.
double pipeline_cycles(const PipelineCosts& costs);

}  // namespace arco
