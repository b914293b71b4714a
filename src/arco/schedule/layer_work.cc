// N = entries of an accumulator tile. Clearing it or an operation with an immediate takes N + 7 cycles, an operation
// with two operands 2N + 7, a GEMM its steps + 7 (vta-isa 4.2). Transfers: transfer_cost.h.
#include "arco/schedule/layer_work.h"

#include <algorithm>

namespace arco {

namespace {

constexpr double kIssue = 7;

double real(int64_t value) {
  return static_cast<double>(value);
}

// The ALU work of a tile and the number of instructions for it.
struct AluWork {
  double begin = 0, end = 0;
  double instructions = 0;
};

class Builder {
 public:
  Builder(const Workload& w, const Schedule& s, const HardwareConfig& hw, const Geometry& g, const Reuse& reuse,
          const PlaneCosts& planes, Rounding rounding)
      : w_(w), s_(s), hw_(hw), g_(g), reuse_(reuse), planes_(planes), mean_(rounding == Rounding::kMean) {
    bus_ = hw.bus_bits / 8;
    burst_beats_ = hw.max_burst_beats;
    positions_ = real(g.h_tiles * g.w_tiles);
    batches_ = real(s.tile_b);
    entries_ = real(g.acc_tile);
    out_.tiles = real(g.output_tiles());
  }

  LayerWork build() {
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
    store();
    out_.instructions += 3;  // micro-ops, the no-op and FINISH
    out_.dma_transfers += 1;
    return out_;
  }

 private:
  bool plus() const { return hw_.variant == IsaVariant::kVtaPlus; }
  double pass() const { return entries_ + kIssue; }
  double pair() const { return 2 * entries_ + kIssue; }

  void end_alu(double cycles, double instructions = 1) {
    out_.end_alu += cycles;
    out_.instructions += out_.tiles * instructions;
  }
  void begin_alu(double cycles) {
    out_.begin_alu += cycles;
    out_.instructions += out_.tiles;
  }

  void requantize() {
    if (w_.shift_out) end_alu(pass());
    if (plus() && w_.symmetric_clamp) {
      end_alu(pass());
    } else {
      end_alu(2 * pass(), 2);
    }
  }
  // Rounding before a right shift; a left shift (which the task does not tell apart) has none.
  void rounding(double cycles) {
    if (!w_.shift_out) return;
    if (mean_) {
      end_alu(cycles);
    } else {
      out_.more_instructions += out_.tiles;
    }
  }

  // Transfers of the compute module over the layer.
  void dma(double transfers, double beats) {
    out_.dma_transfers += transfers;
    out_.dma_bursts += beats / burst_beats_ + transfers;
    out_.read_beats += beats;
    out_.instructions += transfers;
  }

  // Tiles loaded into the accumulators, one for each result tile, `copies` times.
  void accumulators(const PositionSum& sum, double groups, double rows, double copies) {
    const double share = out_.tiles / positions_ * batches_ * copies;
    out_.residual = copies * batches_ * (mean_ ? sum.cycles(groups) / positions_ : sum.least(groups));
    out_.residual_total = share * sum.cycles(groups);
    dma(share * sum.transfers(groups), share * groups * sum.beats);
    out_.dma_bursts += 2 * share * groups * (sum.plane_count * rows + sum.merged_count);
  }

  void conv() {
    const double kernel = real(w_.kh * w_.kw);
    out_.gemms = real(g_.ci_tiles);
    out_.gemm = entries_ * real(s_.tile_ci) * kernel + kIssue;
    out_.instructions += out_.tiles * out_.gemms;
    const double out_groups = real(s_.tile_co / g_.out_ratio);
    if (w_.has_residual) {
      accumulators(planes_.residual, out_groups, real(s_.tile_h), 1);
      if (w_.shift_residual) begin_alu(pass());
    }
    const bool moved_bias = w_.has_bias && plus() && !w_.has_residual;
    if (moved_bias) {
      begin_alu(pair());
    } else {
      if (!w_.has_residual) begin_alu(pass());
      if (w_.has_bias) end_alu(pair());
    }
    if (!w_.has_bias) rounding(pass());
    requantize();
    operands(kernel);
  }

  void operands(double kernel) {
    const TransferCounts& counts = reuse_.counts;
    const double groups = real(s_.tile_ci / g_.in_ratio);
    const PositionSum& in = planes_.input;
    out_.inp = batches_ * (mean_ ? in.cycles(groups) / positions_ : in.least(groups));
    // Where only the tiles of an odd last group stay, the loads are not spread evenly over the positions.
    const bool even = mean_ || counts.inp % (g_.b_tiles * g_.h_tiles * g_.w_tiles) == 0;
    const double share = real(counts.inp) * batches_ / positions_;
    out_.inp_total = even ? share * in.cycles(groups) : real(counts.inp) * out_.inp;
    const double inp_beats = even ? share * groups * in.beats : 0;
    const double inp_transfers = share * in.transfers(groups);

    const int64_t element = hw_.wgt_element_bytes();
    const double row_beats = real(ceil_div(s_.tile_ci * w_.kh * w_.kw * element, bus_));
    const double wgt_beats = real(s_.tile_co) * row_beats;
    const double wgt_transfers = real(g_.ci_blocks) * kernel <= real(kMaxTransferSize) ? 1 : real(s_.tile_co);
    out_.wgt = wgt_beats + wgt_transfers * load_cycles(0, element > bus_);
    out_.wgt_total = real(counts.wgt) * out_.wgt;
    out_.load_transfers = inp_transfers + real(counts.wgt) * wgt_transfers;
    const double beats = inp_beats + real(counts.wgt) * wgt_beats;
    out_.load_bursts = beats / burst_beats_ + 2 * real(counts.wgt * s_.tile_co) +
                       2 * share * groups * (in.plane_count * real(g_.in_rows) + in.merged_count);
    out_.read_beats += beats;
    out_.instructions += out_.load_transfers;
    if (!w_.has_bias) return;
    const int64_t bias_element = hw_.acc_element_bytes();
    const double bias_beats = real(ceil_div(s_.tile_co * bias_element, bus_));
    out_.bias = load_cycles(bias_beats, bias_element > bus_);
    out_.bias_total = real(counts.bias) * out_.bias;
    dma(real(counts.bias), real(counts.bias) * bias_beats);
  }

  void pool() {
    const bool max = w_.kind == WorkloadKind::kMaxPool;
    const double groups = real(s_.tile_co / g_.in_ratio);
    accumulators(planes_.input, groups, real(g_.in_rows), 1);
    const double windows = real(w_.kh * w_.kw);
    if (max && !plus()) lower_padding(groups);
    if (!plus()) begin_alu(pass());
    out_.begin_alu += windows * pair();
    out_.instructions += out_.tiles * windows;
    if (!max) {
      end_alu(pass());
      rounding(pair());
      dma(1, real(ceil_div(hw_.acc_element_bytes(), bus_)));
    }
    requantize();
  }

  // Strips of padding, up to four a transfer.
  void lower_padding(double groups) {
    const double strips = 4 * out_.tiles * batches_ * groups;
    if (mean_) {
      out_.begin_alu += batches_ * groups * planes_.input.pad_alu / positions_;
    } else if (planes_.input.pad_alu > 0) {
      out_.more_instructions += strips;
    }
  }

  void add() {
    accumulators(planes_.residual, real(s_.tile_co / g_.out_ratio), real(s_.tile_h), 2);
    if (w_.shift_residual) begin_alu(pass());
    begin_alu(pair());
    rounding(pass());
    requantize();
  }

  void store() {
    const double groups = real(s_.tile_co / g_.out_ratio);
    out_.store = batches_ * planes_.store.cycles(groups) / positions_;
    out_.instructions += out_.tiles * batches_ * planes_.store.transfers(groups) / positions_;
  }

  const Workload& w_;
  const Schedule& s_;
  const HardwareConfig& hw_;
  const Geometry& g_;
  const Reuse& reuse_;
  const PlaneCosts& planes_;
  const bool mean_;
  int64_t bus_ = 8;
  double burst_beats_ = 16;
  double positions_ = 1, batches_ = 1, entries_ = 1;
  LayerWork out_;
};

}  // namespace

PlaneCosts plane_costs(const Workload& w, const HardwareConfig& hw, int64_t tile_h, int64_t tile_w, Rounding rounding) {
  PlaneCosts planes;
  const PlaneTiles out = output_tiles(w, hw, tile_h, tile_w);
  const bool conv = w.kind == WorkloadKind::kConv2d;
  if (w.kind != WorkloadKind::kAdd) {
    const int64_t element = conv ? hw.inp_element_bytes() : hw.out_element_bytes();
    planes.input = load_sum(input_tiles(w, hw, tile_h, tile_w), element, hw, rounding);
  }
  if (w.has_residual || w.kind == WorkloadKind::kAdd) {
    planes.residual = load_sum(out, hw.out_element_bytes(), hw, rounding);
  }
  planes.store = store_sum(out, hw, rounding);
  return planes;
}

LayerWork layer_work(const Workload& w, const Schedule& s, const HardwareConfig& hw, const Geometry& g,
                     const Reuse& reuse, const PlaneCosts& planes, Rounding rounding) {
  return Builder(w, s, hw, g, reuse, planes, rounding).build();
}

}  // namespace arco
