// A loop over n distinct tiles finds them again only if all n have copies: of two copies, the one used last is kept, so
// a longer cycle misses every time. With K input channel tiles a position has K input tiles, an output channel tile has
// K weight tiles, and consecutive groups share one of the two:
//
//   spatial-outer:  for position  for channel    the inputs of a position stay if all of its group have copies,
//                                                the weights only if all weights of the layer have
//   channel-outer:  for channel  for position    the other way round
//
// A group of two threads along an axis needs the tiles of two positions (or channels), a last odd group those of one.
#include "arco/schedule/reuse.h"

namespace arco {

namespace {

// One operand seen from the loops: along its own axis (rows for inputs, channels for weights) it differs from tile to
// tile, along the other axis it is the same.
struct Axis {
  int64_t pairs = 0;    // full groups along the operand's axis
  int64_t singles = 0;  // groups of one tile beside those
  int64_t width = 1;    // tiles in a full group
  int64_t groups() const { return pairs + singles; }
  int64_t tiles() const { return pairs * width + singles; }
};

Axis axis_of(int64_t repeats, int64_t tiles, int threads) {
  if (threads == 1) return {repeats * tiles, 0, 1};
  return {repeats * (tiles >> 1), repeats * (tiles & 1), 2};
}

struct Operand {
  Reload reload = Reload::kEveryGroup;
  bool even = true;
  int64_t loads = 0;
};

// `outermost`: the operand's axis is the outer loop. `keys`: tiles per position (or channel); `slots`: copies.
Operand operand(const Axis& axis, int64_t other_groups, bool outermost, int64_t keys, int64_t slots) {
  const int64_t all = axis.tiles() * keys;
  if (all <= slots) return {Reload::kOnce, true, all};
  if (!outermost) return {Reload::kEveryGroup, true, all * other_groups};
  const bool kept = axis.width * keys <= slots;
  const bool single_kept = keys <= slots;
  const int64_t loads =
      keys * (axis.pairs * axis.width * (kept ? 1 : other_groups) + axis.singles * (single_kept ? 1 : other_groups));
  return {kept ? Reload::kEveryOuter : Reload::kEveryGroup, kept == single_kept || axis.singles == 0, loads};
}

}  // namespace

Reuse reuse_of(const Schedule& s, const TileCounts& t) {
  const bool spatial = s.order == LoopOrder::kSpatialOuter;
  const int threads = s.h_threads * s.oc_threads;
  const Axis positions = axis_of(t.b * t.w, t.h, s.h_threads);
  const Axis channels = axis_of(1, t.co, s.oc_threads);
  Reuse reuse;
  reuse.outer = spatial ? positions.pairs : channels.pairs;
  reuse.inner = spatial ? channels.pairs : positions.pairs;
  reuse.singles = positions.groups() * channels.groups() - positions.pairs * channels.pairs;
  Operand inp = operand(positions, channels.groups(), spatial, t.ci, threads);
  if (t.own_inputs) inp = {Reload::kEveryGroup, true, positions.tiles() * channels.tiles()};
  const Operand wgt = operand(channels, positions.groups(), !spatial, t.ci, threads);
  const Operand bias = operand(channels, positions.groups(), !spatial, 1, threads);
  reuse.inp = inp.reload;
  reuse.wgt = wgt.reload;
  reuse.bias = bias.reload;
  reuse.even_inputs = inp.even;
  reuse.counts = {inp.loads, wgt.loads, bias.loads};
  return reuse;
}

}  // namespace arco
