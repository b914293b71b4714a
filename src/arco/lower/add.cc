// Sum of two tensors on the ALU: both tiles are loaded into the accumulators, brought to the finer scale or multiplied,
// added. The first shift of a sum of products leaves so few bits that offset and rounding fit an immediate.
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
  const Requantize& numbers = l.numbers;
  const auto load = [&](const TensorView& view, const Box& box, int64_t sram, size_t operand) {
    for_each_transfer(view, box, sram, [&](const Transfer& t) { l.emitter.load(MemoryType::kAcc8, t); });
    if (numbers.add_scales) {
      l.emitter.alu_immediate(AluOp::kMul, range, sram, numbers.add_scales->multipliers[operand]);
    } else {
      emit_left_shift(l.emitter, range, sram, numbers.add_shifts[operand]);
    }
  };
  for_each_group(l.schedule, g, [&](const TileIndex* tiles, int count) {
    for (int t = 0; t < count; ++t) {
      const Box box = l.output_box(tiles[t]);
      const int64_t slot = pipeline.begin();
      const int64_t a = slot * (g.acc_tile + g.acc_input);
      const int64_t b = a + g.acc_tile;
      load(first, box, a, 0);
      load(l.residual_view(), box, b, 1);
      l.emitter.alu(AluOp::kAdd, range, {a, b, 0});
      if (numbers.add_scales) l.emitter.alu_immediate(AluOp::kShr, range, a, numbers.add_scales->shift);
      if (numbers.shift > 0) {
        l.emitter.alu_immediate(AluOp::kAdd, range, a, numbers.zeros.offset + rounding_of(numbers.shift));
      }
      emit_requantize(l.emitter, l.hardware, numbers, range, a);
      pipeline.end(slot, l.output_view(), box, a);
    }
  });
}

}  // namespace arco
