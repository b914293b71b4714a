// The instructions of a schedule cost something each (layer_work.h), the pipeline says how they overlap (pipeline.h).
// The bound is the greatest of what no execution can undercut, all with least costs:
//
//   the pipeline; the work of the load, the compute and the store module; the read channel's beats; the fetch.
//
// A LOAD pays the memory delay D only if it finds the channel idle (vta-isa 4.3). It can escape only while a fetch or a
// burst of the other module is served, once for each of those, so the bound takes off D as often.
//
// The estimate is the same with average costs, and two corrections for the shared channel, both found by comparing with
// the simulator: a load of accumulators that meets a transfer of the load module waits for half of it, and half of the
// beats of the fetch delay transfers that the compute module waits for.
#include "arco/schedule/estimate.h"

#include <algorithm>
#include <cmath>

#include "arco/schedule/geometry.h"
#include "arco/schedule/pipeline.h"

namespace arco {

namespace {

constexpr double kStop = 4;  // no-op and FINISH after the last store
constexpr double kBlockedShare = 0.5;
constexpr double kFetchShare = 0.5;

double real(int64_t value) {
  return static_cast<double>(value);
}

// Fetch (vta-isa 4.6): batches of one burst; the next is requested when all of the last are dispatched.
class Fetch {
 public:
  explicit Fetch(const HardwareConfig& hw)
      : batch_(std::max(1, hw.bus_bits == 64 ? hw.max_burst_beats / 2 : hw.max_burst_beats)),
        per_batch_(1 / batch_),
        beats_(128.0 / hw.bus_bits) {}

  // First cycle in which an instruction may start.
  double first(double instructions) const {
    return kFixed + ReadTiming::kDelay + std::min(batch_, instructions) * beats_ + 1;
  }
  double batches(double instructions) const { return instructions * per_batch_ + 1; }
  double beats(double instructions) const { return instructions * beats_; }
  double cycles(double instructions, double delay) const {
    return instructions * (1 + beats_) + std::max(0.0, instructions * per_batch_ - 1) * (kFixed + delay);
  }

 private:
  static constexpr double kFixed = 6;  // request, way to and from the memory
  double batch_, per_batch_, beats_;
};

// What remains of a product of extents when the two greatest become the loops of the instruction (loop_nest.h); merging
// neighbours, which can only make it less, is left out.
template <size_t N>
double unrolled(const std::array<int64_t, N>& extents) {
  int64_t first = 1, second = 1;
  double product = 1;
  for (const int64_t extent : extents) {
    second = std::max(second, std::min(first, extent));
    first = std::max(first, extent);
    product *= real(extent);
  }
  return product / real(first * second);
}

}  // namespace

// One schedule: its work, and bound and estimate from it.
class ScheduleModel {
 public:
  ScheduleModel(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware,
                const LayerConstants& constants, const TileCounts& tiles, const PlaneCosts& planes)
      : w_(workload), s_(schedule), hw_(hardware), tiles_(tiles), reuse_(reuse_of(schedule, tiles)), fetch_(hardware) {
    set_layer_work(workload, schedule, hardware, constants, tiles, reuse_, planes, work_);
    const double beats = micro_ops() * 32 / hw_.bus_bits;
    micro_op_load_ = Two{load_cycles(1, false), load_cycles(beats, false)};
    work_.read_beats += Two{0, beats};
  }

  CycleCost cost() const {
    const double first = fetch_.first(work_.instructions);
    const Two pipeline = pipeline_end(Two{first, first + micro_op_load_[kMean]});
    CycleCost cost;
    cost.bound = bound(pipeline[kLeast], first);
    cost.estimate = std::max(cost.bound, estimate(pipeline[kMean], first + micro_op_load_[kMean]));
    return cost;
  }

  CycleParts parts() const {
    CycleParts p;
    p.gemm = work_.tiles * work_.gemms * work_.gemm;
    p.alu = work_.tiles * (work_.begin_alu + work_.end_alu)[kMean];
    p.compute_dma = work_.residual_total[kMean] + work_.bias_total + micro_op_load_[kMean];
    p.load = work_.inp_total[kMean] + work_.wgt_total;
    p.store = work_.tiles * work_.store[kMean];
    p.read_beats = work_.read_beats[kMean];
    p.fill = work_.gemm > 0 ? work_.inp[kMean] + work_.wgt : work_.residual[kMean];
    p.drain = work_.store[kMean];
    return p;
  }

 private:
  bool is_conv() const { return w_.kind == WorkloadKind::kConv2d; }
  int threads() const { return s_.h_threads * s_.oc_threads; }

  // One copy of every kernel of a convolution (lower/emitter.h): two of a GEMM's for each thread.
  double micro_ops() const {
    if (!is_conv()) return 2;
    const double kernel = unrolled<7>({s_.tile_b, s_.tile_ci, w_.kh, w_.kw, s_.tile_co, s_.tile_h, s_.tile_w});
    return std::min(threads() * threads() * kernel + 4, real(hw_.uop_depth()));
  }

  // Compute work of the whole layer.
  Two compute() const {
    return work_.tiles * (work_.gemms * work_.gemm + work_.begin_alu + work_.end_alu) + work_.residual_total +
           work_.bias_total;
  }

  // Whether some operand is loaded just so often.
  bool some(Reload reload) const {
    return reuse_.inp == reload || reuse_.wgt == reload || (w_.has_bias && reuse_.bias == reload);
  }

  // Products instead of branches: which loads there are changes from schedule to schedule.
  GroupCosts group(Reload reload) const {
    const bool inp = reuse_.inp >= reload;
    const bool wgt = reuse_.wgt >= reload;
    const bool bias = w_.has_bias & (reuse_.bias >= reload);
    const bool inputs_own = s_.oc_threads == 1;
    const Two inputs = static_cast<double>(inp) * work_.inp;
    const Two weights = both(static_cast<double>(wgt) * work_.wgt);
    const double first_bias = static_cast<double>(bias) * work_.bias;
    GroupCosts group;
    group.own = (inputs_own & inp) | (!inputs_own & wgt);
    group.loads[0] = inp | wgt;
    group.loads[1] = group.own;
    group.load[0] = inputs + weights;
    group.load[1] = static_cast<double>(inputs_own) * inputs + static_cast<double>(!inputs_own) * weights;
    group.accumulates[0] = w_.has_residual | bias;
    group.accumulates[1] = w_.has_residual | (bias & !inputs_own);
    group.accumulators[0] = work_.residual + first_bias;
    group.accumulators[1] = work_.residual + static_cast<double>(!inputs_own) * first_bias;
    return group;
  }

  Two pipeline_end(Two ready) const {
    PipelineCosts costs;
    costs.threads = threads();
    costs.items = std::max(1.0, work_.gemms);
    costs.gemm = work_.gemm;
    costs.begin = work_.begin_alu;
    costs.end = work_.end_alu;
    costs.store = work_.store;
    costs.ready = ready;
    costs.outer = real(reuse_.outer);
    costs.inner = real(reuse_.inner);
    if (is_conv()) {
      costs.blocked = Two{0, kBlockedShare * (work_.inp_total[kMean] + work_.wgt_total) / work_.load_transfers};
      costs.first = group(Reload::kOnce);
      costs.heavy = some(Reload::kOnce) ? group(Reload::kEveryOuter) : costs.first;
      costs.light = some(Reload::kEveryOuter) ? group(Reload::kEveryGroup) : costs.heavy;
    } else {
      // No GEMM, no load module, and the only loop is over tiles.
      costs.blocked = both(0);
      costs.outer = std::max(1.0, std::floor(work_.tiles / costs.threads));
      costs.inner = 1;
      costs.first = {{both(0), both(0)}, {false, false}, false, {work_.residual, work_.residual}, {true, true}};
      costs.heavy = costs.light = costs.first;
    }
    return pipeline_cycles(costs);
  }

  double bound(double pipeline, double first) const {
    constexpr double delay = ReadTiming::kDelay;
    const double fetches = fetch_.batches(work_.instructions + work_.more_instructions);
    const double loads_hidden = std::min(work_.load_transfers, fetches + work_.dma_bursts);
    const double dma_hidden = std::min(work_.dma_transfers, fetches + work_.load_bursts);
    const double tail = work_.end_alu[kLeast] + work_.store[kLeast];
    const double most = std::max({
        pipeline - delay * (loads_hidden + dma_hidden),
        first + work_.inp_total[kLeast] + work_.wgt_total + work_.gemm + tail - delay * loads_hidden,
        first + micro_op_load_[kLeast] + compute()[kLeast] + work_.store[kLeast] - delay * dma_hidden,
        first + work_.begin_alu[kLeast] + work_.gemm * work_.gemms + work_.end_alu[kLeast] +
            work_.tiles * work_.store[kLeast],
        work_.read_beats[kLeast] + fetch_.beats(work_.instructions),
        fetch_.cycles(work_.instructions, 0),
    });
    return std::floor(most + kStop - 1e-6);
  }

  // A group of one tile where the others have two: its own work and nothing to hide behind.
  double single() const {
    const GroupCosts g = group(Reload::kEveryGroup);
    const Two compute = work_.gemms * work_.gemm + work_.begin_alu + work_.end_alu + g.accumulators[0];
    return std::max({compute[kMean], work_.gemms * g.load[0][kMean], work_.store[kMean]});
  }

  double estimate(double pipeline, double ready) const {
    const double load = work_.inp_total[kMean] + work_.wgt_total;
    const double dma = work_.residual_total[kMean] + work_.bias_total + micro_op_load_[kMean];
    const double computing = compute()[kMean];
    const double singles = is_conv() && reuse_.singles > 0 ? real(reuse_.singles) * single() : 0;
    const double alone = pipeline + singles;
    const double fetched = fetch_.beats(work_.instructions);
    // Instructions are fetched before everything else: transfers that the compute module waits for wait with them.
    const double awaited = dma + (threads() == 1 ? load : std::max(0.0, alone - computing - micro_op_load_[kMean]));
    const double end = work_.end_alu[kMean] + work_.store[kMean];
    return kStop + std::max({
                       alone + kFetchShare * fetched * std::min(1.0, awaited / alone),
                       ready + load + work_.gemm + end,
                       ready + computing + work_.store[kMean],
                       ready + work_.begin_alu[kMean] + work_.gemm * work_.gemms + work_.end_alu[kMean] +
                           work_.tiles * work_.store[kMean],
                       work_.read_beats[kMean] + fetched,
                       fetch_.cycles(work_.instructions, ReadTiming::kDelay),
                   });
  }

  const Workload& w_;
  const Schedule& s_;
  const HardwareConfig& hw_;
  const TileCounts& tiles_;
  Reuse reuse_;
  LayerWork work_;
  Fetch fetch_;
  Two micro_op_load_{};
};

namespace {

template <typename Counts>
Counts counts_of(int64_t extent) {
  Counts counts(static_cast<size_t>(extent + 1));
  for (int64_t tile = 1; tile <= extent; ++tile) {
    if (extent % tile == 0) counts[static_cast<size_t>(tile)] = static_cast<int32_t>(extent / tile);
  }
  return counts;
}

TileCounts tiles_of(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const Extents e = extents_of(w, hw);
  const bool own_inputs = bundles_of(w, hw).count > 1;
  return {e.b / s.tile_b, e.h / s.tile_h, e.w / s.tile_w, e.ci / s.tile_ci, e.co / s.tile_co, own_inputs};
}

}  // namespace

EstimateContext::EstimateContext(const Workload& workload, const HardwareConfig& hardware)
    : workload_(workload), hardware_(hardware), constants_(workload, hardware) {
  const Extents e = extents_of(workload, hardware);
  b_ = counts_of<Counts>(e.b);
  h_ = counts_of<Counts>(e.h);
  w_ = counts_of<Counts>(e.w);
  ci_ = counts_of<Counts>(e.ci);
  co_ = counts_of<Counts>(e.co);
  h_choice_.resize(h_.size());
  w_choice_.resize(w_.size());
  for (size_t w = 1; w < w_.size(); ++w) {
    if (w_[w] > 0) w_choice_[w] = static_cast<int32_t>(w_choices_++);
  }
  int32_t h_choices = 0;
  for (size_t h = 1; h < h_.size(); ++h) {
    if (h_[h] == 0) continue;
    h_choice_[h] = h_choices++;
    for (size_t w = 1; w < w_.size(); ++w) {
      if (w_[w] > 0)
        planes_.push_back(plane_costs(workload, hardware, static_cast<int64_t>(h), static_cast<int64_t>(w)));
    }
  }
}

TileCounts EstimateContext::tiles_of(const Schedule& s) const {
  const auto count = [](const Counts& counts, int64_t tile) { return int64_t{counts[static_cast<size_t>(tile)]}; };
  return {count(b_, s.tile_b),   count(h_, s.tile_h),   count(w_, s.tile_w),
          count(ci_, s.tile_ci), count(co_, s.tile_co), constants_.per_bundle > 0};
}

const PlaneCosts& EstimateContext::planes_of(const Schedule& s) const {
  const auto h = static_cast<size_t>(h_choice_[static_cast<size_t>(s.tile_h)]);
  return planes_[h * w_choices_ + static_cast<size_t>(w_choice_[static_cast<size_t>(s.tile_w)])];
}

CycleCost EstimateContext::cost(const Schedule& s) const {
  const TileCounts tiles = tiles_of(s);
  return ScheduleModel(workload_, s, hardware_, constants_, tiles, planes_of(s)).cost();
}

CycleParts EstimateContext::parts(const Schedule& s) const {
  const TileCounts tiles = tiles_of(s);
  return ScheduleModel(workload_, s, hardware_, constants_, tiles, planes_of(s)).parts();
}

TransferCounts transfer_counts(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  if (w.kind != WorkloadKind::kConv2d) return {};
  TransferCounts counts = reuse_of(s, tiles_of(w, s, hw)).counts;
  if (!w.has_bias) counts.bias = 0;
  return counts;
}

CycleParts cycle_parts(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const TileCounts tiles = tiles_of(w, s, hw);
  const PlaneCosts planes = plane_costs(w, hw, s.tile_h, s.tile_w);
  return ScheduleModel(w, s, hw, LayerConstants(w, hw), tiles, planes).parts();
}

CycleCost cycle_cost(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const TileCounts tiles = tiles_of(w, s, hw);
  const PlaneCosts planes = plane_costs(w, hw, s.tile_h, s.tile_w);
  return ScheduleModel(w, s, hw, LayerConstants(w, hw), tiles, planes).cost();
}

double cycle_bound(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  return cycle_cost(w, s, hw).bound;
}

double cycle_estimate(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  return cycle_cost(w, s, hw).estimate;
}

}  // namespace arco
