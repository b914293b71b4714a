// The instructions of a schedule cost something each (layer_work-inl.h), the pipeline says how they overlap
// (pipeline-inl.h). The bound is the greatest of what no execution can undercut, all with least costs:
//
//   the pipeline; the work of the load, the compute and the store module; the read channel's beats; the fetch.
//
// A LOAD pays the memory delay D only if it finds the channel idle (vta-isa 4.3). It can escape only while a fetch or a
// burst of the other module is served, once for each of those, so the bound takes off D as often.
//
// The estimate is the same with average costs, and two corrections for the shared channel, both found by comparing with
// the simulator: a load of accumulators that meets a transfer of the load module waits for half of it, and half of the
// beats of the fetch delay transfers that the compute module waits for.
//
// Schedules lie side by side in the lanes of vectors: the same operations for all of them, and no branch depends on a
// single one.
#include "arco/schedule/schedule_model.h"

#include <algorithm>
#include <array>

// More instruction sets would only add compile time: vectors have two or four lanes.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "arco/schedule/schedule_model.cc"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include <hwy/highway.h>

#include "arco/schedule/layer_work-inl.h"
#include "arco/schedule/pipeline-inl.h"

HWY_BEFORE_NAMESPACE();
namespace arco {
namespace HWY_NAMESPACE {

constexpr double kStop = 4;  // no-op and FINISH after the last store
constexpr double kBlockedShare = 0.5;
constexpr double kFetchShare = 0.5;

// Fetch (vta-isa 4.6): batches of one burst; the next is requested when all of the last are dispatched.
class Fetch {
 public:
  explicit Fetch(const HardwareConfig& hw)
      : batch_(std::max(1, hw.bus_bits == 64 ? hw.max_burst_beats / 2 : hw.max_burst_beats)),
        per_batch_(1 / batch_),
        beats_(128.0 / hw.bus_bits) {}

  // First cycle in which an instruction may start.
  Lanes first(Lanes instructions) const {
    return min(same(batch_), instructions) * beats_ + (kFixed + ReadTiming::kDelay + 1);
  }
  Lanes batches(Lanes instructions) const { return instructions * per_batch_ + 1; }
  Lanes beats(Lanes instructions) const { return instructions * beats_; }
  Lanes cycles(Lanes instructions, double delay) const {
    return instructions * (1 + beats_) + max(Lanes{}, instructions * per_batch_ - 1) * (kFixed + delay);
  }

 private:
  static constexpr double kFixed = 6;  // request, way to and from the memory
  double batch_, per_batch_, beats_;
};

// Greatest of all.
template <typename... Rest>
Lanes greatest(Lanes first, Rest... rest) {
  ((first = max(first, rest)), ...);
  return first;
}

// kLanes schedules: their work, and bound and estimate from it.
class ScheduleModel {
 public:
  ScheduleModel(const LayerModel& layer, const ScheduleCase* cases)
      : w_(layer.workload),
        hw_(layer.hardware),
        cases_(cases),
        kind_(pipeline_kind(cases[0])),
        reuse_(is_conv() ? reuse_of(cases_, layer.constants.per_bundle > 0) : Reuse{}),
        fetch_(layer.hardware) {
    WorkBuilder(w_, hw_, layer.constants, cases_, reuse_, work_).build();
    const Lanes beats = micro_ops() * (32.0 / hw_.bus_bits);
    micro_op_load_ = {same(load_cycles(1, false)), beats + load_cycles(0, false)};
    work_.read_beats.mean += beats;
  }

  // Of the first `count` schedules.
  template <Wanted kWanted>
  void cost(CycleCost* costs, size_t count) const {
    const Lanes first = fetch_.first(work_.instructions);
    const Lanes ready = first + micro_op_load_.mean;
    const PipelineCosts pipeline = pipeline_costs({first, ready});
    Lanes low{}, mean{};
    if (kWanted != Wanted::kEstimate) low = bound(pipeline_end<&Pair::least>(pipeline, kind_), first);
    if (kWanted != Wanted::kBound) mean = estimate(pipeline_end<&Pair::mean>(pipeline, kind_), ready);
    for (size_t i = 0; i < count; ++i) costs[i] = {low[i], mean[i]};
  }

  // Of the first schedule.
  TransferCounts transfers() const {
    const auto number = [](Lanes loads) { return static_cast<int64_t>(loads[0]); };
    return {number(reuse_.inp.loads), number(reuse_.wgt.loads), w_.has_bias ? number(reuse_.bias.loads) : 0};
  }
  CycleParts parts() const {
    CycleParts p;
    p.gemm = (work_.tiles * work_.gemms * work_.gemm)[0];
    p.alu = (work_.tiles * (work_.begin_alu + work_.end_alu).mean)[0];
    p.compute_dma = (work_.residual_total.mean + work_.bias_total + micro_op_load_.mean)[0];
    p.load = (work_.inp_total.mean + work_.wgt_total)[0];
    p.store = (work_.tiles * work_.store.mean)[0];
    p.read_beats = work_.read_beats.mean[0];
    p.fill = (work_.gemm[0] > 0 ? work_.inp.mean + work_.wgt : work_.residual.mean)[0];
    p.drain = work_.store.mean[0];
    return p;
  }

 private:
  bool is_conv() const { return w_.kind == WorkloadKind::kConv2d; }
  double threads() const { return kind_ == PipelineKind::kOneThread ? 1 : 2; }

  // One copy of every kernel of a convolution (lower/emitter.h): two of a GEMM's for each thread. What remains of the
  // extents when the two greatest become the loops of the instruction (loop_nest.h); merging neighbours, which can only
  // make it less, is left out.
  Lanes micro_ops() const {
    if (!is_conv()) return same(2);
    const auto kh = static_cast<double>(w_.kh), kw = static_cast<double>(w_.kw);
    Lanes first = same(std::max(kh, kw)), second = same(std::min(kh, kw));
    Lanes product = same(kh * kw);
    for (const Lanes& extent :
         {cases_.b.tile, cases_.ci.tile, cases_.co.tile, sum_rows(w_, cases_), sum_columns(w_, cases_)}) {
      second = max(second, min(first, extent));
      first = max(first, extent);
      product *= extent;
    }
    const Lanes kernel = product / (first * second);
    return min(threads() * threads() * kernel + 4, same(static_cast<double>(hw_.uop_depth())));
  }

  // Compute work of the whole layer.
  Pair compute() const {
    return work_.tiles * (work_.begin_alu + work_.end_alu + work_.gemms * work_.gemm) + work_.residual_total +
           work_.bias_total;
  }

  // A group of tiles that loads the given operands.
  GroupCosts group(Mask inp, Mask wgt, Mask with_bias) const {
    const Mask shares_inputs = cases_.two_channels;
    const Mask residual = Mask{} - static_cast<int64_t>(w_.has_second_input());
    const Mask bias = with_bias & (Mask{} - static_cast<int64_t>(w_.has_bias));
    const Pair inputs = only_if(inp, work_.inp);
    const Lanes weights = only_if(wgt, work_.wgt);
    const Lanes first_bias = only_if(bias, work_.bias);
    GroupCosts group;
    group.loads = inp | wgt;
    group.own = (shares_inputs & wgt) | (~shares_inputs & inp);
    group.load[0] = inputs + weights;
    group.load[1] = select(shares_inputs, both(weights), inputs);
    group.accumulates[0] = residual | bias;
    group.accumulates[1] = residual | (bias & shares_inputs);
    group.accumulators[0] = work_.residual + first_bias;
    group.accumulators[1] = work_.residual + only_if(shares_inputs, first_bias);
    return group;
  }
  GroupCosts first_group() const { return group(~Mask{}, ~Mask{}, ~Mask{}); }
  GroupCosts heavy_group() const {
    return group(reuse_.inp.every_outer, reuse_.wgt.every_outer, reuse_.bias.every_outer);
  }
  GroupCosts light_group() const {
    return group(reuse_.inp.every_group, reuse_.wgt.every_group, reuse_.bias.every_group);
  }

  PipelineCosts pipeline_costs(const Pair& ready) const {
    PipelineCosts costs;
    costs.items = max(same(1), work_.gemms);
    costs.gemm = work_.gemm;
    costs.begin = work_.begin_alu;
    costs.end = work_.end_alu;
    costs.store = work_.store;
    costs.ready = ready;
    if (is_conv()) {
      costs.outer = reuse_.outer;
      costs.inner = reuse_.inner;
      const Lanes transfer = (work_.inp_total.mean + work_.wgt_total) / work_.load_transfers;
      costs.blocked = {Lanes{}, kBlockedShare * transfer};
      costs.first = first_group();
      costs.heavy = heavy_group();
      costs.light = light_group();
    } else {
      // No GEMM, no load module, and the only loop is over tiles.
      costs.blocked = both(Lanes{});
      costs.outer = max(same(1), whole(work_.tiles * (1 / threads())));
      costs.inner = same(1);
      costs.first = {
          {both(Lanes{}), both(Lanes{})}, Mask{}, Mask{}, {work_.residual, work_.residual}, {~Mask{}, ~Mask{}}};
      costs.heavy = costs.light = costs.first;
    }
    return costs;
  }

  Lanes bound(Lanes pipeline, Lanes first) const {
    constexpr double delay = ReadTiming::kDelay;
    const Lanes fetches = fetch_.batches(work_.instructions + work_.more_instructions);
    const Lanes loads_hidden = min(work_.load_transfers, fetches + work_.dma_bursts);
    const Lanes dma_hidden = min(work_.dma_transfers, fetches + work_.load_bursts);
    const Lanes tail = work_.end_alu.least + work_.store.least;
    const Lanes most =
        greatest(pipeline - delay * (loads_hidden + dma_hidden),
                 first + work_.inp_total.least + work_.wgt_total + work_.gemm + tail - delay * loads_hidden,
                 first + micro_op_load_.least + compute().least + work_.store.least - delay * dma_hidden,
                 first + work_.begin_alu.least + work_.gemm * work_.gemms + work_.end_alu.least +
                     work_.tiles * work_.store.least,
                 work_.read_beats.least + fetch_.beats(work_.instructions), fetch_.cycles(work_.instructions, 0));
    return whole(most + (kStop - 1e-6));
  }

  // A group of one tile where the others have two: its own work and nothing to hide behind.
  Lanes single() const {
    const GroupCosts g = light_group();
    const Lanes compute = work_.gemms * work_.gemm + work_.begin_alu.mean + work_.end_alu.mean + g.accumulators[0].mean;
    return greatest(compute, work_.gemms * g.load[0].mean, work_.store.mean);
  }

  Lanes estimate(Lanes pipeline, Lanes ready) const {
    const Lanes load = work_.inp_total.mean + work_.wgt_total;
    const Lanes dma = work_.residual_total.mean + work_.bias_total + micro_op_load_.mean;
    const Lanes computing = compute().mean;
    Lanes alone = pipeline;
    if (is_conv() && kind_ != PipelineKind::kOneThread) {
      alone += reuse_.singles * single();
    }
    const Lanes fetched = fetch_.beats(work_.instructions);
    // Instructions are fetched before everything else: transfers that the compute module waits for wait with them.
    const bool one_thread = kind_ == PipelineKind::kOneThread;
    const Lanes awaited = dma + (one_thread ? load : max(Lanes{}, alone - computing - micro_op_load_.mean));
    const Lanes end = work_.end_alu.mean + work_.store.mean;
    return greatest(alone + kFetchShare * fetched * min(same(1), awaited / alone), ready + load + work_.gemm + end,
                    ready + computing + work_.store.mean,
                    ready + work_.begin_alu.mean + work_.gemm * work_.gemms + work_.end_alu.mean +
                        work_.tiles * work_.store.mean,
                    work_.read_beats.mean + fetched, fetch_.cycles(work_.instructions, ReadTiming::kDelay)) +
           kStop;
  }

  const Workload& w_;
  const HardwareConfig& hw_;
  CaseLanes cases_;
  PipelineKind kind_;
  Reuse reuse_;
  LayerWork work_;
  Fetch fetch_;
  Pair micro_op_load_;
};

template <Wanted kWanted>
void wanted_costs(const LayerModel& layer, std::span<const ScheduleCase> cases, CycleCost* costs) {
  size_t at = 0;
  for (; at + kLanes <= cases.size(); at += kLanes) {
    ScheduleModel(layer, &cases[at]).cost<kWanted>(costs + at, kLanes);
  }
  if (at == cases.size()) return;
  std::array<ScheduleCase, kLanes> rest;
  rest.fill(cases[at]);
  std::copy(cases.begin() + static_cast<std::ptrdiff_t>(at), cases.end(), rest.begin());
  ScheduleModel(layer, rest.data()).cost<kWanted>(costs + at, cases.size() - at);
}

void costs_of(const LayerModel& layer, std::span<const ScheduleCase> cases, Wanted wanted, CycleCost* costs) {
  switch (wanted) {
    case Wanted::kBoth:
      return wanted_costs<Wanted::kBoth>(layer, cases, costs);
    case Wanted::kBound:
      return wanted_costs<Wanted::kBound>(layer, cases, costs);
    case Wanted::kEstimate:
      return wanted_costs<Wanted::kEstimate>(layer, cases, costs);
  }
}

CycleParts parts_of(const LayerModel& layer, const ScheduleCase& only) {
  std::array<ScheduleCase, kLanes> cases;
  cases.fill(only);
  return ScheduleModel(layer, cases.data()).parts();
}

TransferCounts transfers_of(const LayerModel& layer, const ScheduleCase& only) {
  std::array<ScheduleCase, kLanes> cases;
  cases.fill(only);
  return ScheduleModel(layer, cases.data()).transfers();
}

}  // namespace HWY_NAMESPACE
}  // namespace arco
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arco {

HWY_EXPORT(costs_of);
HWY_EXPORT(parts_of);
HWY_EXPORT(transfers_of);

void cycle_costs(const LayerModel& layer, std::span<const ScheduleCase> cases, Wanted wanted, CycleCost* costs) {
  HWY_DYNAMIC_DISPATCH(costs_of)(layer, cases, wanted, costs);
}

CycleParts cycle_parts(const LayerModel& layer, const ScheduleCase& only) {
  return HWY_DYNAMIC_DISPATCH(parts_of)(layer, only);
}

TransferCounts transfer_counts(const LayerModel& layer, const ScheduleCase& only) {
  return HWY_DYNAMIC_DISPATCH(transfers_of)(layer, only);
}

}  // namespace arco
#endif  // HWY_ONCE
