// N = entries of an accumulator tile. Clearing it or an operation with an immediate takes N + 7 cycles, an operation
// with two operands 2N + 7, a GEMM its steps + 7 (vta-isa 4.2). Transfers: transfer_cost.h.
#include "arco/schedule/layer_work.h"

#include <algorithm>
#include <bit>

#include "arco/schedule/geometry.h"

namespace arco {

namespace {

double real(int64_t value) {
  return static_cast<double>(value);
}

class Builder {
 public:
  Builder(const Workload& w, const Schedule& s, const HardwareConfig& hw, const LayerConstants& constants,
          const TileCounts& tiles, const Reuse& reuse, const PlaneCosts& planes, LayerWork& work)
      : w_(w), s_(s), hw_(hw), c_(constants), t_(tiles), reuse_(reuse), planes_(planes), out_(work) {
    per_position_ = planes.store.per_position;
    batches_ = real(s.tile_b);
    entries_ = real(s.tile_b * s.tile_co * s.tile_h * s.tile_w);
    out_groups_ = real(s.tile_co) * c_.per_out_ratio;
    out_.tiles = real(tiles.b * tiles.h * tiles.w * tiles.co);
    out_.begin_alu = out_.end_alu = out_.inp = out_.residual = out_.inp_total = out_.residual_total = both(0);
    out_.read_beats = both(0);
    out_.gemms = out_.gemm = out_.wgt = out_.bias = out_.wgt_total = out_.bias_total = 0;
    out_.load_transfers = out_.load_bursts = out_.dma_transfers = out_.dma_bursts = 0;
    out_.instructions = out_.more_instructions = 0;
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
    out_.store = batches_ * planes_.store.position(out_groups_);
    per_tile_ += batches_ * planes_.store.transfers(out_groups_) * per_position_;
    out_.instructions += out_.tiles * per_tile_ + 3;  // micro-ops, the no-op and FINISH
    out_.dma_transfers += 1;
  }

 private:
  double pass() const { return entries_ + kIssue; }
  double pair() const { return 2 * entries_ + kIssue; }

  void begin_alu(double cycles) {
    out_.begin_alu += cycles;
    per_tile_ += 1;
  }
  void end_alu(double cycles, double instructions = 1) {
    out_.end_alu += cycles;
    per_tile_ += instructions;
  }

  void requantize() {
    if (w_.shift_out) end_alu(pass());
    if (c_.plus && w_.symmetric_clamp) {
      end_alu(pass());
    } else {
      end_alu(2 * pass(), 2);
    }
  }
  // Rounding before a right shift; a left shift (which the task does not tell apart) has none.
  void rounding(double cycles) {
    if (!w_.shift_out) return;
    out_.end_alu += Two{0, cycles};
    out_.more_instructions += out_.tiles;
  }

  // Transfers of the compute module over the layer: `rows` of them contiguous in DRAM.
  void dma(double transfers, Two beats, double rows) {
    out_.dma_transfers += transfers;
    out_.dma_bursts += beats[kMean] * c_.per_burst + 2 * rows;
    out_.read_beats += beats;
    out_.instructions += transfers;
  }

  // Tiles loaded into the accumulators, `copies` for each result tile.
  void accumulators(const PositionSum& sum, double groups, double copies) {
    const double share = out_.tiles * per_position_ * batches_ * copies;
    out_.residual = copies * batches_ * sum.position(groups);
    out_.residual_total = share * sum.cycles(groups);
    dma(share * sum.transfers(groups), share * groups * sum.beats, share * groups * sum.rows);
  }

  void conv() {
    out_.gemms = real(t_.ci);
    out_.gemm = entries_ * real(s_.tile_ci) * c_.kernel + kIssue;
    per_tile_ += out_.gemms;
    if (w_.has_residual) {
      accumulators(planes_.residual, out_groups_, 1);
      if (w_.shift_residual) begin_alu(pass());
    }
    if (w_.has_bias && c_.plus && !w_.has_residual) {
      begin_alu(pair());
    } else {
      if (!w_.has_residual) begin_alu(pass());
      if (w_.has_bias) end_alu(pair());
    }
    if (!w_.has_bias) rounding(pass());
    requantize();
    inputs();
    weights();
    if (w_.has_bias) bias();
  }

  void inputs() {
    const PositionSum& in = planes_.input;
    const double bundles = std::max(1.0, real(s_.tile_co) * c_.per_bundle);
    const double groups = bundles * real(s_.tile_ci) * c_.per_in_ratio;
    const double loads = real(reuse_.counts.inp);
    const double sums = loads * batches_ * per_position_;  // over the positions
    out_.inp = batches_ * in.position(groups);
    out_.inp_total = sums * in.cycles(groups);
    Two beats = sums * groups * in.beats;
    if (!reuse_.even_inputs) {
      // Only the tiles of an odd last group stay: which positions the loads are of is not counted.
      out_.inp_total = Two{loads * out_.inp[kLeast], out_.inp_total[kMean]};
      beats = Two{0, beats[kMean]};
    }
    out_.read_beats += beats;
    out_.load_transfers += sums * in.transfers(groups);
    out_.load_bursts += beats[kMean] * c_.per_burst + 2 * sums * groups * in.rows;
    out_.instructions += sums * in.transfers(groups);
  }

  int64_t beats_of(int64_t bytes) const { return (bytes + (int64_t{1} << c_.log2_bus) - 1) >> c_.log2_bus; }

  void weights() {
    const double loads = real(reuse_.counts.wgt);
    const double rows = real(s_.tile_co);
    const double beats = rows * real(beats_of(s_.tile_ci * w_.kh * w_.kw * hw_.wgt_element_bytes()));
    const double transfers = c_.weights_in_rows ? 1 : rows;
    out_.wgt = beats + transfers * c_.wgt_fixed;
    out_.wgt_total = loads * out_.wgt;
    out_.read_beats += loads * beats;
    out_.load_transfers += loads * transfers;
    out_.load_bursts += loads * (beats * c_.per_burst + 2 * rows);
    out_.instructions += loads * transfers;
  }

  void bias() {
    const double loads = real(reuse_.counts.bias);
    const double beats = real(beats_of(s_.tile_co * hw_.acc_element_bytes()));
    out_.bias = beats + c_.bias_fixed;
    out_.bias_total = loads * out_.bias;
    dma(loads, both(loads * beats), loads);
  }

  void pool() {
    const bool max_pool = w_.kind == WorkloadKind::kMaxPool;
    const double groups = real(s_.tile_co) * c_.per_in_ratio;
    accumulators(planes_.input, groups, 1);
    if (max_pool && !c_.plus) lower_padding(groups);
    if (!c_.plus) begin_alu(pass());
    out_.begin_alu += c_.kernel * pair();
    per_tile_ += c_.kernel;
    if (!max_pool) {
      end_alu(pass());
      rounding(pair());
      dma(1, both(real(beats_of(hw_.acc_element_bytes()))), 1);
    }
    requantize();
  }

  // Strips of padding, up to four a transfer.
  void lower_padding(double groups) {
    if (planes_.input.pad_alu <= 0) return;
    out_.begin_alu += Two{0, batches_ * groups * planes_.input.pad_alu * per_position_};
    out_.more_instructions += 4 * out_.tiles * batches_ * groups;
  }

  void add() {
    accumulators(planes_.residual, out_groups_, 2);
    if (w_.shift_residual) begin_alu(pass());
    begin_alu(pair());
    rounding(pass());
    requantize();
  }

  const Workload& w_;
  const Schedule& s_;
  const HardwareConfig& hw_;
  const LayerConstants& c_;
  const TileCounts& t_;
  const Reuse& reuse_;
  const PlaneCosts& planes_;
  double per_position_ = 1, batches_ = 1, entries_ = 1, out_groups_ = 1;
  double per_tile_ = 0;  // instructions
  LayerWork& out_;
};

}  // namespace

LayerConstants::LayerConstants(const Workload& w, const HardwareConfig& hw) {
  const ActivationLayout in = input_layout(w, hw);
  const ActivationLayout out = output_layout(hw);
  plus = hw.variant == IsaVariant::kVtaPlus;
  per_in_ratio = real(in.element) / real(in.block);
  per_out_ratio = real(out.element) / real(out.block);
  if (const Bundles bundles = bundles_of(w, hw); bundles.count > 1) per_bundle = 1 / real(bundles.co);
  per_burst = 1 / real(hw.max_burst_beats);
  kernel = real(w.kh * w.kw);
  log2_bus = std::bit_width(static_cast<unsigned>(hw.bus_bits / 8)) - 1;
  weights_in_rows = w.kind == WorkloadKind::kConv2d && extents_of(w, hw).ci * w.kh * w.kw <= kMaxTransferSize;
  wgt_fixed = load_cycles(0, hw.wgt_element_bytes() > hw.bus_bits / 8);
  bias_fixed = load_cycles(0, hw.acc_element_bytes() > hw.bus_bits / 8);
}

PlaneCosts plane_costs(const Workload& w, const HardwareConfig& hw, int64_t tile_h, int64_t tile_w) {
  PlaneCosts planes;
  const PlaneTiles out = output_tiles(w, hw, tile_h, tile_w);
  if (w.kind != WorkloadKind::kAdd) {
    const bool conv = w.kind == WorkloadKind::kConv2d;
    const int64_t element = conv ? hw.inp_element_bytes() : hw.out_element_bytes();
    planes.input = load_sum(input_tiles(w, hw, tile_h, tile_w), element, hw);
  }
  if (w.has_residual || w.kind == WorkloadKind::kAdd) planes.residual = load_sum(out, hw.out_element_bytes(), hw);
  planes.store = store_sum(out, hw);
  return planes;
}

void set_layer_work(const Workload& w, const Schedule& s, const HardwareConfig& hw, const LayerConstants& constants,
                    const TileCounts& tiles, const Reuse& reuse, const PlaneCosts& planes, LayerWork& work) {
  Builder(w, s, hw, constants, tiles, reuse, planes, work).build();
}

}  // namespace arco
