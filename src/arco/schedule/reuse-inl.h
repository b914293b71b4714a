// Which tiles the lowering transfers again and which it finds in the scratchpads. Exact: the copies of a tile (one per
// virtual thread) hold the keys used last.
//
// A loop over n distinct tiles finds them again only if all n have copies: of two copies, the one used last is kept, so
// a longer cycle misses every time. With K input channel tiles a position has K input tiles, an output channel tile has
// K weight tiles, and consecutive groups share one of the two:
//
//   spatial-outer:  for position  for channel    the inputs of a position stay if all of its group have copies,
//                                                the weights only if all weights of the layer have
//   channel-outer:  for channel  for position    the other way round
//
// A group of two threads along an axis needs the tiles of two positions (or channels), a last odd group those of one.
#if defined(ARCO_SCHEDULE_REUSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ARCO_SCHEDULE_REUSE_INL_H_
#undef ARCO_SCHEDULE_REUSE_INL_H_
#else
#define ARCO_SCHEDULE_REUSE_INL_H_
#endif

#include "arco/schedule/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace arco {
namespace HWY_NAMESPACE {

// One operand: when a group of tiles (one per thread) loads it, and how often that is.
struct OperandReuse {
  Mask every_outer;  // the first group of each iteration of the outer loop does; otherwise the very first group only
  Mask every_group;  // and all others do, too
  Mask even;         // every tile is loaded equally often
  Lanes loads;       // tiles loaded
};

// The walk over the tiles of a convolution: `outer` iterations of `inner` full groups each, and beside them `singles`
// groups that have a tile for one of two threads only.
struct Reuse {
  Lanes outer, inner, singles;
  OperandReuse inp, wgt, bias;
};

// The groups along one axis of the walk: input positions for inputs, output channels for weights. Along its own axis an
// operand differs from tile to tile, along the other one it is the same.
struct WalkAxis {
  Lanes pairs;    // full groups
  Lanes singles;  // groups of one tile beside those
  Lanes width;    // tiles in a full group
  Lanes groups() const { return pairs + singles; }
  Lanes tiles() const { return pairs * width + singles; }
};

inline WalkAxis walk_axis(Lanes repeats, const AxisLanes& axis, Mask two_threads) {
  return {repeats * select(two_threads, axis.pairs, axis.tiles), repeats * only_if(two_threads, axis.odd),
          select(two_threads, same(2), same(1))};
}

// `outermost`: the operand's axis is the outer loop. `keys`: tiles per position (or channel); `copies`: of a tile.
inline OperandReuse operand_reuse(const WalkAxis& axis, Lanes other_groups, Mask outermost, Lanes keys, Lanes copies) {
  const Lanes all = axis.tiles() * keys;
  const Mask once = all <= copies;
  const Mask kept = axis.width * keys <= copies;
  const Mask single_kept = keys <= copies;
  const Lanes outer_loads = keys * (axis.pairs * axis.width * select(kept, same(1), other_groups) +
                                    axis.singles * select(single_kept, same(1), other_groups));
  const Lanes repeated = select(outermost, outer_loads, all * other_groups);
  return {~once, ~once & ~(outermost & kept), once | ~outermost | ~(kept ^ single_kept) | (axis.singles == 0.0),
          select(once, all, repeated)};
}

// The schedule's tile sizes do not matter, only how many tiles there are. `own_inputs`: every output channel tile has
// input tiles of its own (bundles of a grouped convolution).
inline Reuse reuse_of(const CaseLanes& c, bool own_inputs) {
  const Lanes copies = select(c.two_rows | c.two_channels, same(2), same(1));
  const WalkAxis positions = walk_axis(c.b.tiles * c.w.tiles, c.h, c.two_rows);
  const WalkAxis channels = walk_axis(same(1), c.co, c.two_channels);
  const Lanes keys = c.ci.tiles;
  Reuse reuse;
  reuse.outer = select(c.spatial_outer, positions.pairs, channels.pairs);
  reuse.inner = select(c.spatial_outer, channels.pairs, positions.pairs);
  reuse.singles = positions.groups() * channels.groups() - positions.pairs * channels.pairs;
  reuse.inp = operand_reuse(positions, channels.groups(), c.spatial_outer, keys, copies);
  if (own_inputs) reuse.inp = {~Mask{}, ~Mask{}, ~Mask{}, positions.tiles() * channels.tiles()};
  reuse.wgt = operand_reuse(channels, positions.groups(), ~c.spatial_outer, keys, copies);
  reuse.bias = operand_reuse(channels, positions.groups(), ~c.spatial_outer, same(1), copies);
  return reuse;
}

}  // namespace HWY_NAMESPACE
}  // namespace arco
HWY_AFTER_NAMESPACE();

#endif  // ARCO_SCHEDULE_REUSE_INL_H_
