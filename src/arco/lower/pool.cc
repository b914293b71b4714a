// Max and average pooling on the ALU: the input tile is loaded into the accumulators, then one instruction per window
// position combines it into the result tile.
//
// Padding must lose every maximum: vta++ pads with the minimum; plain VTA pads with zero, and the padded strips of the
// tile are then lowered to -128 in place (min(0, -128)), each strip one ALU instruction. Averages pad with a real 0,
// which is the minimum where the tensor's zero point is.
#include "arco/lower/epilogue.h"
#include "arco/lower/pool_stage.h"
#include "arco/lower/tile_pipeline.h"

namespace arco {

namespace {

class PoolLowering {
 public:
  explicit PoolLowering(const LayerContext& layer)
      : l_(layer),
        g_(layer.geometry),
        max_(layer.workload.kind == WorkloadKind::kMaxPool),
        range_(range_loops(layer.schedule, layer.hardware)),
        tiles_(layer.emitter, g_.acc_slots) {}

  void run() {
    if (!max_) load_rounding();
    for_each_group(l_.schedule, g_, [&](const TileIndex* tiles, int count) {
      for (int t = 0; t < count; ++t) tile(tiles[t]);
    });
  }

 private:
  int64_t rounding_entry() const { return g_.acc_slots * (g_.acc_tile + g_.acc_input); }

  void load_rounding() {
    Transfer t;
    t.sram = rounding_entry();
    t.dram = l_.base_of(SegmentKind::kBias, l_.hardware.acc_element_bytes());
    l_.emitter.load(MemoryType::kAcc, t);
  }

  void tile(const TileIndex& at) {
    const int64_t slot = tiles_.begin();
    const int64_t result = slot * (g_.acc_tile + g_.acc_input);
    const int64_t input = result + g_.acc_tile;
    load_input(at, input);
    const PoolWindow window{l_.workload.kh, l_.workload.kw, l_.workload.dilation_h * g_.in_cols * g_.in_ratio,
                            l_.workload.dilation_w * g_.in_ratio};
    emit_windows(l_, max_ ? AluOp::kMax : AluOp::kAdd, window, result, input);
    if (max_) {
      emit_requantize(l_.emitter, l_.hardware, l_.numbers, range_, result);
    } else {
      l_.emitter.alu_immediate(AluOp::kMul, range_, result, l_.numbers.multiplier);
      if (l_.numbers.shift > 0) {
        LoopPlan broadcast = range_;
        broadcast.outer.src = broadcast.inner.src = 0;
        for (auto& loop : broadcast.unrolled) loop.src = 0;
        l_.emitter.alu(AluOp::kAdd, broadcast, {result, rounding_entry(), 0});
      }
      emit_requantize(l_.emitter, l_.hardware, l_.numbers, range_, result);
    }
    tiles_.end(slot, l_.output_view(), l_.output_box(at), result);
  }

  void load_input(const TileIndex& at, int64_t sram) {
    const Workload& w = l_.workload;
    const Schedule& s = l_.schedule;
    TensorView view;
    view.base = l_.base_of(SegmentKind::kInput, l_.hardware.out_element_bytes());
    view.ratio = g_.in_ratio;
    view.groups = g_.ci_blocks / g_.in_ratio;
    view.rows = w.h;
    view.columns = w.w;
    Box box;
    box.b = at.b * s.tile_b;
    box.b_count = s.tile_b;
    box.group = at.co * s.tile_co / g_.in_ratio;
    box.group_count = s.tile_co / g_.in_ratio;
    box.row = at.h * s.tile_h * w.stride_h - w.pads[0];
    box.row_count = g_.in_rows;
    box.column = at.w * s.tile_w * w.stride_w - w.pads[1];
    box.column_count = g_.in_cols;
    for_each_transfer(view, box, sram, [&](Transfer t) {
      const bool least = max_ ? l_.hardware.variant == IsaVariant::kVtaPlus : l_.numbers.zeros.pad != 0;
      t.pad_is_min = least && t.pads != std::array<int64_t, 4>{};
      l_.emitter.load(MemoryType::kAcc8, t);
      if (max_ && !t.pad_is_min) lower_padding(t);
    });
  }

  // The strips of a loaded plane that are padding: rows above and below, columns left and right.
  void lower_padding(const Transfer& t) {
    const int64_t width = t.pads[1] + t.columns + t.pads[3];
    const int64_t height = t.pads[0] + t.rows + t.pads[2];
    const auto strip = [&](int64_t row, int64_t rows, int64_t column, int64_t columns) {
      if (rows == 0 || columns == 0) return;
      const AffineLoop loops[] = {{rows, width, width, 0}, {columns, 1, 1, 0}};
      l_.emitter.alu_immediate(AluOp::kMin, plan_loops(loops, 2, alu_limits(l_.hardware)),
                               t.sram + row * width + column, -128);
    };
    strip(0, t.pads[0], 0, width);
    strip(height - t.pads[2], t.pads[2], 0, width);
    strip(0, height, 0, t.pads[1]);
    strip(0, height, width - t.pads[3], t.pads[3]);
  }

  const LayerContext& l_;
  const Geometry& g_;
  const bool max_;
  const LoopPlan range_;
  TilePipeline tiles_;
};

}  // namespace

void lower_pool(const LayerContext& layer) {
  PoolLowering(layer).run();
}

}  // namespace arco
