// Pooling on the ALU: windows of the accumulators combined into one result each, for pooling layers and for the pool
// stage behind a convolution.
#pragma once

#include "arco/lower/lowering.h"

namespace arco {

// A pool window in accumulator elements: positions a row and a column further.
struct PoolWindow {
  int64_t kh = 1, kw = 1;
  int64_t row_step = 1, column_step = 1;
};

// results = maximum or sum over the windows of what begins at `input`.
void emit_windows(const LayerContext& layer, AluOp op, const PoolWindow& window, int64_t result, int64_t input);

// The pool stage of a tile: from the convolution's sums (maxima) or requantised results (averages) at `sums` to
// unrounded maxima or requantised averages at `result`.
void emit_pool_stage(const LayerContext& layer, const TileIndex& tile, int64_t result, int64_t sums);

}  // namespace arco
