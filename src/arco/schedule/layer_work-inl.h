// What the instructions of a schedule cost one by one, before asking how they overlap. Mirrors lower/.
//
// N = entries of an accumulator tile. Clearing it or an operation with an immediate takes N + 7 cycles, an operation
// with two operands 2N + 7, a GEMM its steps + 7 (vta-isa 4.2). Transfers: transfer_cost.h.
#if defined(ARCO_SCHEDULE_LAYER_WORK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ARCO_SCHEDULE_LAYER_WORK_INL_H_
#undef ARCO_SCHEDULE_LAYER_WORK_INL_H_
#else
#define ARCO_SCHEDULE_LAYER_WORK_INL_H_
#endif

#include "arco/schedule/lanes-inl.h"
#include "arco/schedule/layer_work.h"
#include "arco/schedule/reuse-inl.h"

HWY_BEFORE_NAMESPACE();
namespace arco {
namespace HWY_NAMESPACE {

// No defaults: WorkBuilder sets everything. Cycles of one thing each unless named otherwise: at least that, and on
// average over the tiles of the layer.
struct LayerWork {
  Lanes tiles;
  Lanes gemms;     // GEMMs of a tile
  Lanes gemm;      // one GEMM
  Pair begin_alu;  // compute work before a tile's first GEMM, loads of accumulators apart
  Pair end_alu;    // and after its last
  Pair inp;        // loading one tile
  Lanes wgt, bias;
  Pair residual;  // loading a tile's residual or other operand; for pooling and addition all it works on
  Pair store;     // storing a tile
  // Sums over the layer.
  Pair inp_total, residual_total;
  Lanes wgt_total, bias_total;
  Pair read_beats;                    // without instructions and micro-ops
  Lanes load_transfers, load_bursts;  // of the load module; bursts: at most
  Lanes dma_transfers, dma_bursts;    // of the compute module
  Lanes instructions;                 // at least
  Lanes more_instructions;            // that may come on top
};

// All transfers, `groups` channel groups each.
inline Pair all_cycles(const PositionLanes& sum, Lanes groups) {
  return groups * sum.cycles + sum.fixed_cycles;
}
inline Lanes all_transfers(const PositionLanes& sum, Lanes groups) {
  return groups * sum.transfers + sum.merged_transfers;
}
// One position: the cheapest, and the average.
inline Pair position(const PositionLanes& sum, Lanes groups) {
  const Lanes plane = groups * sum.least_plane;
  const Lanes merged = groups * sum.least_merged + sum.merged_fixed;
  const Lanes mean = groups * sum.cycles.mean + sum.fixed_cycles;
  return {min(plane, merged), sum.per_position * mean};
}

// Rows and columns of what a GEMM adds up in a tile: more than of results where they are pooled.
inline Lanes sum_rows(const Workload& w, const CaseLanes& cases) {
  const Lanes results = cases.h.tile;
  if (!w.pool) return results;
  return (results - 1) * static_cast<double>(w.pool->stride_h) + static_cast<double>(w.pool->kh);
}
inline Lanes sum_columns(const Workload& w, const CaseLanes& cases) {
  const Lanes results = cases.w.tile;
  if (!w.pool) return results;
  return (results - 1) * static_cast<double>(w.pool->stride_w) + static_cast<double>(w.pool->kw);
}

class WorkBuilder {
 public:
  WorkBuilder(const Workload& w, const HardwareConfig& hw, const LayerConstants& constants, const CaseLanes& cases,
              const Reuse& reuse, LayerWork& work)
      : w_(w),
        hw_(hw),
        c_(constants),
        cases_(cases),
        reuse_(reuse),
        store_(cases.sums(&PlaneCosts::store)),
        out_(work) {
    tile_ci_ = cases.ci.tile;
    tile_co_ = cases.co.tile;
    batches_ = cases.b.tile;
    entries_ = batches_ * tile_co_ * cases.h.tile * cases.w.tile;
    sums_ = w.pool ? batches_ * tile_co_ * sum_rows(w, cases) * sum_columns(w, cases) : entries_;
    out_groups_ = tile_co_ * c_.per_out_ratio;
    per_position_ = store_.per_position;
    out_.tiles = cases.b.tiles * cases.h.tiles * cases.w.tiles * cases.co.tiles;
    out_.begin_alu = out_.end_alu = out_.inp = out_.residual = out_.inp_total = out_.residual_total = both(Lanes{});
    out_.read_beats = both(Lanes{});
    out_.gemms = out_.gemm = out_.wgt = out_.bias = out_.wgt_total = out_.bias_total = Lanes{};
    out_.load_transfers = out_.load_bursts = out_.dma_transfers = out_.dma_bursts = Lanes{};
    out_.instructions = out_.more_instructions = Lanes{};
  }

  void build() {
    switch (w_.kind) {
      case WorkloadKind::kConv2d:
        conv();
        break;
      case WorkloadKind::kAdd:
        add();
        break;
      default:
        pool();
        break;
    }
    out_.store = batches_ * position(store_, out_groups_);
    per_tile_ += batches_ * all_transfers(store_, out_groups_) * per_position_;
    out_.instructions += out_.tiles * per_tile_ + 3;  // micro-ops, the no-op and FINISH
    out_.dma_transfers += 1;
  }

 private:
  static Lanes pass(Lanes entries) { return entries + kIssue; }
  static Lanes pair(Lanes entries) { return 2 * entries + kIssue; }
  Lanes pass() const { return pass(entries_); }
  Lanes pair() const { return pair(entries_); }

  void begin_alu(Lanes cycles) {
    out_.begin_alu += cycles;
    per_tile_ += 1;
  }
  void end_alu(Lanes cycles, double instructions = 1) {
    out_.end_alu += cycles;
    per_tile_ += instructions;
  }

  void clamp(bool symmetric, Lanes entries) {
    const double instructions = c_.plus && symmetric ? 1 : 2;
    end_alu(instructions * pass(entries), instructions);
  }
  void requantize(Lanes entries) {
    if (w_.shift_out) end_alu(pass(entries));
    if (w_.channel_scales && w_.kind == WorkloadKind::kConv2d) {
      end_alu(pair(entries) + pass(entries), 2);  // product and its shift
    }
    clamp(w_.symmetric_clamp, entries);
  }
  // Rounding before a right shift; a left shift (which the task does not tell apart) has none.
  void rounding(bool shifts, Lanes cycles) {
    if (!shifts) return;
    out_.end_alu += Pair{Lanes{}, cycles};
    out_.more_instructions += out_.tiles;
  }

  // Transfers of the compute module over the layer: `rows` of them contiguous in DRAM.
  void dma(Lanes transfers, const Pair& beats, Lanes rows) {
    out_.dma_transfers += transfers;
    out_.dma_bursts += beats.mean * c_.per_burst + 2 * rows;
    out_.read_beats += beats;
    out_.instructions += transfers;
  }

  // Tiles loaded into the accumulators, `copies` for each result tile.
  void accumulators(PositionSum PlaneCosts::*what, Lanes groups, double copies) {
    const PositionLanes sum = cases_.sums(what);
    const Lanes share = out_.tiles * per_position_ * batches_ * copies;
    out_.residual = copies * batches_ * position(sum, groups);
    out_.residual_total = share * all_cycles(sum, groups);
    dma(share * all_transfers(sum, groups), share * groups * sum.beats, share * groups * sum.rows);
  }

  void conv() {
    out_.gemms = cases_.ci.tiles;
    out_.gemm = sums_ * tile_ci_ * c_.kernel + kIssue;
    per_tile_ += out_.gemms;
    if (w_.has_second_input()) accumulators(&PlaneCosts::residual, out_groups_, 1);
    if (w_.has_residual) {
      if (w_.channel_scales) begin_alu(pair(sums_));
      if (w_.shift_residual) begin_alu(pass(sums_));
    }
    if (w_.pools_maxima()) maxima();
    const Lanes requantized = w_.pools_maxima() ? entries_ : sums_;
    if (w_.has_bias && c_.plus && !w_.has_residual && !w_.pools_maxima()) {
      begin_alu(pair(sums_));
    } else {
      if (!w_.has_residual) begin_alu(pass(sums_));
      if (w_.has_bias) end_alu(pair(requantized));
    }
    if (!w_.has_bias) rounding(w_.shift_out, pass(requantized));
    requantize(requantized);
    if (w_.pools_averages()) averages();
    if (w_.add) addition(*w_.add);
    inputs();
    weights();
    if (w_.has_bias) bias();
  }

  // The pool stage: one instruction for each pixel of the window.
  void windows() {
    if (!c_.plus) end_alu(pass());
    end_alu(c_.pool_kernel * pair(), c_.pool_kernel);
  }
  // Before the windows, three instructions for each strip of sums beyond the convolution's output.
  void maxima() {
    const Lanes strips = cases_.sums(&PlaneCosts::residual).pad_alu;
    out_.end_alu += Pair{Lanes{}, 3 * batches_ * out_groups_ * strips * per_position_};
    out_.more_instructions += only_if(strips > 0, 3 * 4 * out_.tiles);
    windows();
  }
  void averages() {
    windows();
    end_alu(4 * pass(), 4);  // times, two shifts, rounding between them
    clamp(w_.pool->symmetric_clamp, entries_);
  }

  // The addition stage; the other operand came before the first GEMM.
  void addition(const AddStage& add) {
    if (add.shift_operand) end_alu(pass());
    if (add.scales) end_alu(3 * pass(), 3);  // both products, and the shift of their sum
    end_alu(pair());
    rounding(add.shift_out, pass());
    if (add.shift_out) end_alu(pass());
    clamp(add.symmetric_clamp, entries_);
  }

  void inputs() {
    const PositionLanes in = cases_.sums(&PlaneCosts::input);
    const Lanes bundles = max(same(1), tile_co_ * c_.per_bundle);
    const Lanes groups = bundles * tile_ci_ * c_.per_in_ratio;
    const Lanes loads = reuse_.inp.loads;
    const Lanes sums = loads * batches_ * per_position_;  // over the positions
    const Lanes transfers = sums * all_transfers(in, groups);
    out_.inp = batches_ * position(in, groups);
    out_.inp_total = sums * all_cycles(in, groups);
    Pair beats = sums * groups * in.beats;
    // Where only the tiles of an odd last group stay, which positions the loads are of is not counted.
    const Mask even = reuse_.inp.even;
    out_.inp_total.least = select(even, out_.inp_total.least, loads * out_.inp.least);
    beats.least = only_if(even, beats.least);
    out_.read_beats += beats;
    out_.load_transfers += transfers;
    out_.load_bursts += beats.mean * c_.per_burst + 2 * sums * groups * in.rows;
    out_.instructions += transfers;
  }

  Lanes beats_of(Lanes bytes) const { return whole((bytes + (c_.bus_bytes - 1)) * (1 / c_.bus_bytes)); }

  void weights() {
    const Lanes loads = reuse_.wgt.loads;
    const Lanes rows = tile_co_;
    const Lanes beats = rows * beats_of(tile_ci_ * (c_.kernel * static_cast<double>(hw_.wgt_element_bytes())));
    const Lanes transfers = c_.weights_in_rows ? same(1) : rows;
    out_.wgt = beats + transfers * c_.wgt_fixed;
    out_.wgt_total = loads * out_.wgt;
    out_.read_beats += loads * beats;
    out_.load_transfers += loads * transfers;
    out_.load_bursts += loads * (beats * c_.per_burst + 2 * rows);
    out_.instructions += loads * transfers;
  }

  void bias() {
    const Lanes loads = reuse_.bias.loads;
    const Lanes beats = beats_of(tile_co_ * static_cast<double>(w_.bias_rows() * hw_.acc_element_bytes()));
    out_.bias = beats + c_.bias_fixed;
    out_.bias_total = loads * out_.bias;
    dma(loads, both(loads * beats), loads);
  }

  void pool() {
    const bool max_pool = w_.kind == WorkloadKind::kMaxPool;
    const Lanes groups = tile_co_ * c_.per_in_ratio;
    accumulators(&PlaneCosts::input, groups, 1);
    if (max_pool && !c_.plus) lower_padding(groups);
    if (!c_.plus) begin_alu(pass());
    out_.begin_alu += c_.kernel * pair();
    per_tile_ += c_.kernel;
    if (!max_pool) {
      end_alu(pass());
      rounding(w_.shift_out, pair());
      dma(same(1), both(beats_of(same(static_cast<double>(hw_.acc_element_bytes())))), same(1));
    }
    requantize(entries_);
  }

  // Strips of padding, up to four a transfer.
  void lower_padding(Lanes groups) {
    const Lanes cycles = cases_.sums(&PlaneCosts::input).pad_alu;
    out_.begin_alu += Pair{Lanes{}, batches_ * groups * cycles * per_position_};
    out_.more_instructions += only_if(cycles > 0, 4 * out_.tiles * batches_ * groups);
  }

  void add() {
    accumulators(&PlaneCosts::residual, out_groups_, 2);
    if (w_.shift_residual) begin_alu(pass());
    for (int operand = 0; w_.channel_scales && operand < 2; ++operand) begin_alu(pass());
    begin_alu(pair());
    if (w_.channel_scales) end_alu(pass());  // the shift of the products
    rounding(w_.shift_out, pass());
    requantize(entries_);
  }

  const Workload& w_;
  const HardwareConfig& hw_;
  const LayerConstants& c_;
  const CaseLanes& cases_;
  const Reuse& reuse_;
  const PositionLanes store_;
  Lanes tile_ci_, tile_co_, batches_, out_groups_, per_position_;
  Lanes entries_, sums_;  // results of a tile, and what its GEMMs add up: more where they are pooled
  Lanes per_tile_{};      // instructions
  LayerWork& out_;
};

}  // namespace HWY_NAMESPACE
}  // namespace arco
HWY_AFTER_NAMESPACE();

#endif  // ARCO_SCHEDULE_LAYER_WORK_INL_H_
