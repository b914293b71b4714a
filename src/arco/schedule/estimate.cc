// With K input channel tiles, P positions (batch, row, column tiles) and C output channel tiles, the lowering visits
// the items ((tile, k) pairs) in a fixed order and keeps as many copies of input and weight tiles as there are virtual
// threads. A tile is transferred again unless the tiles used in between fit beside it in the copies; the counts below
// are that rule applied to the loop orders. Transfer and arithmetic overlap with two threads and alternate with one.
#include "arco/schedule/estimate.h"

#include <algorithm>

#include "arco/schedule/geometry.h"

namespace arco {

namespace {

// Timing constants of G2 (vta-isa 4.2 to 4.5), cycles.
constexpr double kIssue = 7;         // an instruction of the compute module beside its steps
constexpr double kReadLatency = 23;  // a load beside its beats: delay 16 and 7
constexpr double kWriteBurst = 4;    // a store burst beside its beats
constexpr double kFetch = 40;        // start-up: launch and the first batch of instructions

// Keys that a loop of `cycle` distinct keys, repeated `rounds` times, brings into `slots` copies.
int64_t loads_of_cycle(int64_t cycle, int64_t rounds, int64_t slots) {
  return cycle <= slots ? cycle : cycle * rounds;
}

}  // namespace

TransferCounts transfer_counts(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const Geometry g = geometry_of(w, s, hw);
  TransferCounts counts;
  if (w.kind != WorkloadKind::kConv2d) return counts;
  const int64_t positions = g.b_tiles * g.h_tiles * g.w_tiles;
  const int64_t position_groups = g.b_tiles * ceil_div(g.h_tiles, s.h_threads) * g.w_tiles;
  const int64_t co_groups = ceil_div(g.co_tiles, s.oc_threads);
  const int64_t k = g.ci_tiles;
  const int64_t slots = g.threads;
  // Distinct tiles within one group: positions in a group times k, channels in a group times k.
  const int64_t group_inp = s.h_threads * k;
  const int64_t group_wgt = s.oc_threads * k;
  if (s.order == LoopOrder::kSpatialOuter) {
    counts.inp = loads_of_cycle(group_inp, co_groups, slots) * position_groups;
    counts.wgt = loads_of_cycle(g.co_tiles * k, position_groups, slots);
    counts.bias = w.has_bias ? loads_of_cycle(g.co_tiles, position_groups, slots) : 0;
  } else {
    counts.inp = loads_of_cycle(positions * k, co_groups, slots);
    counts.wgt = loads_of_cycle(group_wgt, position_groups, slots) * co_groups;
    counts.bias = w.has_bias ? g.co_tiles : 0;
  }
  counts.inp = std::min(counts.inp, positions * k * co_groups);
  counts.wgt = std::min(counts.wgt, g.co_tiles * k * position_groups);
  return counts;
}

namespace {

// Beats of `rows` rows of `elements` elements each; narrow elements share bus words.
double beats(double rows, double elements, double element_bytes, double bus_bytes) {
  return element_bytes >= bus_bytes ? rows * elements * element_bytes / bus_bytes
                                    : rows * std::max(1.0, elements * element_bytes / bus_bytes);
}

struct Moved {
  double transfers = 0;
  double beats = 0;
};

// One tile of [groups] planes of rows x columns out of planes of full_rows x full_columns, as for_each_transfer()
// splits it.
Moved moved(double b, double groups, double rows, double columns, double full_rows, double full_columns, double ratio,
            double element_bytes, double bus_bytes) {
  const bool full = columns == full_columns;
  const bool whole = full && rows == full_rows && groups * rows * columns * ratio <= kMaxTransferSize;
  const bool walk = full && !whole && full_rows * full_columns * ratio <= kMaxTransferSize;
  const double transfers = b * (whole || walk ? 1 : groups);
  const double lines = full ? b * groups : b * groups * rows;
  return {transfers, beats(lines, (full ? rows * columns : columns) * ratio, element_bytes, bus_bytes)};
}

// Cycles of storing what `m` moves: bursts of at most max_burst beats, one bubble after each multi-beat element.
double store_cycles(const Moved& m, double lines, const HardwareConfig& hw) {
  const double bus = hw.bus_bits / 8.0;
  const double element_beats = std::max(1.0, static_cast<double>(hw.out_element_bytes()) / bus);
  const double bubbles = element_beats > 1 ? m.beats / element_beats : 0;
  const double bursts = std::max(lines, m.beats / hw.max_burst_beats);
  return m.beats + bubbles + kWriteBurst * bursts + m.transfers;
}

}  // namespace

CycleParts cycle_parts(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const Geometry g = geometry_of(w, s, hw);
  const double bus = hw.bus_bits / 8.0;
  const bool plus = hw.variant == IsaVariant::kVtaPlus;
  const double tiles = static_cast<double>(g.output_tiles());
  const double entries = static_cast<double>(g.acc_tile);
  const double groups_out = static_cast<double>(s.tile_co / g.out_ratio);
  CycleParts p;

  const Moved out =
      moved(s.tile_b, groups_out, s.tile_h, s.tile_w, w.oh, w.ow, g.out_ratio, hw.out_element_bytes(), bus);
  const double out_lines = s.tile_w == w.ow ? s.tile_b * groups_out : s.tile_b * groups_out * s.tile_h;
  const double tile_store = store_cycles(out, out_lines, hw);
  p.store = tiles * tile_store;

  const double pass = entries + kIssue;      // an immediate operation or clearing
  const double pair = 2 * entries + kIssue;  // a tensor operation
  const double clamp = plus && w.symmetric_clamp ? pass : 2 * pass;
  const double finish = (w.shift_out ? pass : 0) + clamp;
  double tile_alu = finish;
  double tile_dma = 0;
  double dma_beats = 0;
  const auto load = [&](const Moved& m) {
    tile_dma += m.beats + m.transfers * kReadLatency;
    dma_beats += m.beats;
  };
  if (w.kind == WorkloadKind::kConv2d) {
    const TransferCounts counts = transfer_counts(w, s, hw);
    const double steps = static_cast<double>(s.tile_b * s.tile_h * s.tile_w * s.tile_co * s.tile_ci * w.kh * w.kw);
    const double items = tiles * static_cast<double>(g.ci_tiles);
    p.gemm = items * (steps + kIssue);
    if (w.has_residual) {
      load(out);
      if (w.shift_residual) tile_alu += pass;
    }
    const bool moved_bias = w.has_bias && plus && !w.has_residual;
    if (!w.has_residual && !moved_bias) tile_alu += pass;
    if (w.has_bias) tile_alu += pair;
    if (!w.has_bias && w.shift_out) tile_alu += pass;
    const Moved inp = moved(s.tile_b, static_cast<double>(s.tile_ci / g.in_ratio), std::min<double>(g.in_rows, w.h),
                            std::min<double>(g.in_cols, w.w), w.h, w.w, g.in_ratio, hw.inp_element_bytes(), bus);
    const double wgt_transfers = g.ci_blocks * w.kh * w.kw <= kMaxTransferSize ? 1 : s.tile_co;
    const double wgt_beats =
        beats(s.tile_co, static_cast<double>(s.tile_ci * w.kh * w.kw), hw.wgt_element_bytes(), bus);
    const double bias_beats = beats(1, static_cast<double>(s.tile_co), hw.acc_element_bytes(), bus);
    const double inp_cycles = inp.beats + inp.transfers * kReadLatency;
    const double wgt_cycles = wgt_beats + wgt_transfers * kReadLatency;
    p.load = counts.inp * inp_cycles + counts.wgt * wgt_cycles;
    p.read_beats = counts.inp * inp.beats + counts.wgt * wgt_beats + counts.bias * bias_beats;
    p.compute_dma = counts.bias * (bias_beats + kReadLatency);
    p.fill = inp_cycles + wgt_cycles;
  } else if (w.kind == WorkloadKind::kAdd) {
    load(out);
    load(out);
    tile_alu += pair + (w.shift_residual ? pass : 0) + (w.shift_out ? pass : 0);
  } else {
    load(moved(s.tile_b, static_cast<double>(s.tile_co / g.in_ratio), std::min<double>(g.in_rows, w.h),
               std::min<double>(g.in_cols, w.w), w.h, w.w, g.in_ratio, hw.out_element_bytes(), bus));
    tile_alu += static_cast<double>(w.kh * w.kw) * pair + (plus ? 0 : pass);
    if (w.kind == WorkloadKind::kAveragePool) tile_alu += pass + (w.shift_out ? pair : 0);
  }
  p.alu = tiles * tile_alu;
  p.compute_dma += tiles * tile_dma;
  p.read_beats += tiles * dma_beats;
  p.drain = tile_store;
  return p;
}

double cycle_bound(const CycleParts& p) {
  return std::max({p.compute(), p.load, p.read_beats, p.store});
}

double cycle_estimate(const CycleParts& p, const Schedule& s) {
  const double fixed = kFetch + p.fill + p.drain;
  if (s.h_threads * s.oc_threads == 1) {
    return fixed + std::max(p.compute() + std::max(0.0, p.load - p.fill), p.read_beats) + p.store;
  }
  return fixed + std::max({p.compute(), p.load, p.read_beats, p.store});
}

double cycle_bound(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  return cycle_bound(cycle_parts(w, s, hw));
}

double cycle_estimate(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  return cycle_estimate(cycle_parts(w, s, hw), s);
}

}  // namespace arco
