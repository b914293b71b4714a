// Maxima: requantisation is monotone, so the maximum of sums requantised is the maximum of the requantised sums, and
// bias and requantisation work on the fewer results. Sums beyond the convolution's output must lose: the strips of a
// tile that lie there are set to the least value of all, which no 16-bit immediate holds: min(x, -2^15), max(x, -2^15),
// then 16 places to the left. (plan/ forms no pool stage where sums or biases are so large that an addition could
// wrap.)
//
// Averages: the rounding constant of a shift by s > 16 does not fit an immediate either. Shifting in two steps has the
// same result, since floor((x + 2^(s-1)) / 2^s) = floor((floor(x / 2^k) + 2^(s-1-k)) / 2^(s-k)).
#include "arco/lower/pool_stage.h"

#include <algorithm>

#include "arco/lower/epilogue.h"

namespace arco {

void emit_windows(const LayerContext& l, AluOp op, const PoolWindow& window, int64_t result, int64_t input) {
  const LoopPlan loops = window_loops(l.workload, l.schedule, l.hardware, l.geometry);
  const bool has_mov = l.hardware.variant == IsaVariant::kVtaPlus;
  if (!has_mov) l.emitter.gemm(range_loops(l.schedule, l.hardware), {result, 0, 0}, true);
  AluOp next = has_mov ? AluOp::kMov : AluOp::kAdd;  // onto zeros
  for (int64_t kh = 0; kh < window.kh; ++kh) {
    for (int64_t kw = 0; kw < window.kw; ++kw) {
      l.emitter.alu(next, loops, {result, input + kh * window.row_step + kw * window.column_step, 0});
      next = op;
    }
  }
}

namespace {

// Rows and columns of a tile of sums that lie beyond the convolution's output.
struct Beyond {
  int64_t top, left, bottom, right;
};

Beyond beyond(const LayerContext& l, const TileIndex& at) {
  const PoolStage& p = *l.workload.pool;
  const int64_t row = at.h * l.schedule.tile_h * p.stride_h - p.pads[0];
  const int64_t column = at.w * l.schedule.tile_w * p.stride_w - p.pads[1];
  const auto positive = [](int64_t n) { return std::max<int64_t>(0, n); };
  return {positive(-row), positive(-column), positive(row + l.geometry.conv_rows - p.h),
          positive(column + l.geometry.conv_cols - p.w)};
}

void lower_strip(const LayerContext& l, int64_t base, int64_t rows, int64_t columns) {
  if (rows == 0 || columns == 0) return;
  constexpr int32_t kLeastImmediate = -(1 << 15);
  const LoopPlan strip = strip_loops(l.schedule, l.hardware, l.geometry, rows, columns);
  l.emitter.alu_immediate(AluOp::kMin, strip, base, kLeastImmediate);
  l.emitter.alu_immediate(AluOp::kMax, strip, base, kLeastImmediate);
  emit_left_shift(l.emitter, strip, base, 16);
}

void lower_beyond(const LayerContext& l, const Beyond& b, int64_t sums) {
  const Geometry& g = l.geometry;
  const int64_t row = g.conv_cols * g.out_ratio;
  lower_strip(l, sums, b.top, g.conv_cols);
  lower_strip(l, sums + (g.conv_rows - b.bottom) * row, b.bottom, g.conv_cols);
  lower_strip(l, sums, g.conv_rows, b.left);
  lower_strip(l, sums + (g.conv_cols - b.right) * g.out_ratio, g.conv_rows, b.right);
}

}  // namespace

void emit_pool_stage(const LayerContext& l, const TileIndex& at, int64_t result, int64_t sums) {
  const PoolStage& pool = *l.workload.pool;
  const PoolWindow window{pool.kh, pool.kw, l.geometry.conv_cols * l.geometry.out_ratio, l.geometry.out_ratio};
  if (pool.is_max()) {
    lower_beyond(l, beyond(l, at), sums);
    emit_windows(l, AluOp::kMax, window, result, sums);
    return;
  }
  emit_windows(l, AluOp::kAdd, window, result, sums);
  const LoopPlan range = range_loops(l.schedule, l.hardware);
  Requantize numbers = l.stage_numbers;
  l.emitter.alu_immediate(AluOp::kMul, range, result, numbers.multiplier);
  l.emitter.alu_immediate(AluOp::kShr, range, result, numbers.shift - kImmediateShift);
  numbers.shift = kImmediateShift;
  l.emitter.alu_immediate(AluOp::kAdd, range, result, rounding_of(numbers.shift));
  emit_requantize(l.emitter, l.hardware, numbers, range, result);
}

}  // namespace arco
