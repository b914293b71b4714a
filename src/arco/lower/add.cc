// Sum of two tensors on the ALU: both tiles are loaded into the accumulators, brought to the finer scale or multiplied,
// added.
#include "arco/lower/epilogue.h"
#include "arco/lower/lowering.h"
#include "arco/lower/tile_pipeline.h"

namespace arco {

void lower_add(const LayerContext& l) {
  const Geometry& g = l.geometry;
  const LoopPlan range = range_loops(l.schedule, l.hardware);
  TilePipeline pipeline(l.emitter, g.acc_slots);
  TensorView first = l.output_view();
  first.base = l.base_of(SegmentKind::kInput, l.hardware.out_element_bytes());
  const auto load = [&](const TensorView& view, const Box& box, int64_t sram) {
    for_each_transfer(view, box, sram, [&](const Transfer& t) { l.emitter.load(MemoryType::kAcc8, t); });
  };
  for_each_group(l.schedule, g, [&](const TileIndex* tiles, int count) {
    for (int t = 0; t < count; ++t) {
      const Box box = l.output_box(tiles[t]);
      const int64_t slot = pipeline.begin();
      const int64_t a = slot * (g.acc_tile + g.acc_input);
      const int64_t b = a + g.acc_tile;
      load(first, box, a);
      load(l.residual_view(), box, b);
      emit_addition(l.emitter, l.hardware, l.numbers, range, a, b);
      pipeline.end(slot, l.output_view(), box, a);
    }
  });
}

}  // namespace arco
