// Which tiles the lowering transfers again and which it finds in the scratchpads. Exact: the copies of a tile (one per
// virtual thread) hold the keys used last.
#pragma once

#include <cstdint>

#include "arco/schedule/schedule.h"

namespace arco {

// Tiles along each axis.
struct TileCounts {
  int64_t b = 1, h = 1, w = 1, ci = 1, co = 1;
  bool own_inputs = false;  // every output channel tile has input tiles of its own (bundles of a grouped convolution)
};

// How often each tile is transferred.
struct TransferCounts {
  int64_t inp = 0;   // input tiles loaded
  int64_t wgt = 0;   // weight tiles loaded
  int64_t bias = 0;  // bias tiles loaded
};

// When a group of tiles (one per thread) loads its operands.
enum class Reload : uint8_t {
  kOnce,        // the very first group only
  kEveryOuter,  // the first group of each iteration of the outer loop
  kEveryGroup,
};

// The walk over the tiles of a convolution: `outer` iterations of `inner` full groups each, and beside them `singles`
// groups that have a tile for one of two threads only.
struct Reuse {
  int64_t outer = 1;
  int64_t inner = 1;
  int64_t singles = 0;
  Reload inp = Reload::kEveryGroup;
  Reload wgt = Reload::kEveryGroup;
  Reload bias = Reload::kEveryGroup;  // if there is a bias
  bool even_inputs = true;            // every input tile is loaded equally often
  TransferCounts counts;
};
// The schedule's tile sizes do not matter, only `tiles`.
Reuse reuse_of(const Schedule& schedule, const TileCounts& tiles);

}  // namespace arco
