// Inside of the lowering room: what one layer's lowering needs, and one function an operator family.
#pragma once

#include "arco/lower/emitter.h"
#include "arco/lower/lower.h"
#include "arco/lower/tiles.h"
#include "arco/schedule/geometry.h"

namespace arco {

struct LayerContext {
  const Workload& workload;
  const Schedule& schedule;
  const HardwareConfig& hardware;
  const Requantize& numbers;
  const Requantize& stage_numbers;  // of averages in a pool stage, of an addition stage
  const Geometry& geometry;
  const Program& program;  // for the addresses of its segments
  Emitter& emitter;

  // The output as elements of BLOCK_OUT; the residual lies alike.
  TensorView output_view() const;
  TensorView residual_view() const;
  Box output_box(const TileIndex& tile) const;
  Box residual_box(const TileIndex& tile) const;
  // First element of a segment in units of `element_bytes`; 0 if the segment is absent.
  int64_t base_of(SegmentKind kind, int64_t element_bytes) const;
};

void lower_conv(const LayerContext& layer);
void lower_pool(const LayerContext& layer);
void lower_add(const LayerContext& layer);

}  // namespace arco
