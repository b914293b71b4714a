// The instructions of a schedule cost something each (layer_work.h), the pipeline says how they overlap (pipeline.h).
// The bound is the greatest of what no execution can undercut, all with least costs:
//
//   the pipeline; the work of the load, the compute and the store module; the read channel's beats; the fetch.
//
// A LOAD pays the memory delay D only if it finds the channel idle (vta-isa 4.3). It can escape only while a fetch or a
// burst of the other module is served, once for each of those, so the bound takes off D as often.
#include "arco/schedule/estimate.h"

#include <algorithm>
#include <cmath>

#include "arco/schedule/geometry.h"
#include "arco/schedule/pipeline.h"

namespace arco {

namespace {

constexpr double kStop = 4;  // no-op and FINISH after the last store

double real(int64_t value) {
  return static_cast<double>(value);
}

// Fetch (vta-isa 4.6): batches of one burst; the next is requested when all of the last are dispatched.
class Fetch {
 public:
  explicit Fetch(const HardwareConfig& hw)
      : batch_(std::max(1, hw.bus_bits == 64 ? hw.max_burst_beats / 2 : hw.max_burst_beats)),
        beats_(128.0 / hw.bus_bits) {}

  // First cycle in which an instruction may start.
  double first(double instructions) const {
    return kFixed + ReadTiming::kDelay + std::min(batch_, instructions) * beats_ + 1;
  }
  double batches(double instructions) const { return std::ceil(instructions / batch_); }
  double beats(double instructions) const { return instructions * beats_; }
  double cycles(double instructions, double delay) const {
    return instructions * (1 + beats_) + std::floor(instructions / batch_) * (kFixed + delay);
  }

 private:
  static constexpr double kFixed = 6;  // request, way to and from the memory
  double batch_, beats_;
};

// One copy of every kernel the layer uses (lower/emitter.h).
double micro_ops(const Workload& w, const Schedule& s, const HardwareConfig& hw, const Geometry& g) {
  const double range = real(range_loops(s, hw).uops);
  const double slots = real(g.acc_slots);
  if (w.kind != WorkloadKind::kConv2d)
    return slots * (2 * range + real(w.kh * w.kw) * real(window_loops(w, s, hw, g).uops));
  const bool reset = !w.has_residual && !(w.has_bias && hw.variant == IsaVariant::kVtaPlus);
  const int64_t shared = s.h_threads == 2 ? g.wgt_slots : g.inp_slots;
  const double bias =
      w.has_bias ? real(std::max(g.acc_slots, s.h_threads * g.bias_slots)) * real(bias_loops(s, hw, g).uops) : 0;
  return slots * range * (reset ? 2 : 1) + bias + real(g.threads * shared) * real(gemm_loops(w, s, hw, g).uops);
}

GroupCosts group_costs(const LayerWork& work, const Schedule& s, bool inp, bool wgt, bool bias) {
  GroupCosts group;
  const bool inputs_own = s.oc_threads == 1;
  const double own = inputs_own ? (inp ? work.inp : 0) : (wgt ? work.wgt : 0);
  const double shared = inputs_own ? (wgt ? work.wgt : 0) : (inp ? work.inp : 0);
  group.load[0] = own + shared;
  group.load[1] = own;
  group.own[0] = group.own[1] = own > 0;
  const double first = bias ? work.bias : 0;
  group.accumulators[0] = work.residual + first;
  group.accumulators[1] = work.residual + (s.oc_threads == 2 ? first : 0);
  return group;
}

double pipeline(const LayerWork& work, const Schedule& s, const Geometry& g, const Reuse& reuse, bool has_bias,
                double ready, bool mean) {
  PipelineCosts costs;
  costs.threads = g.threads;
  costs.items = work.gemms;
  costs.gemm = work.gemm;
  costs.begin = work.begin_alu;
  costs.end = work.end_alu;
  costs.store = work.store;
  costs.ready = ready;
  if (mean) costs.blocked = 0.5 * (work.inp_total + work.wgt_total) / std::max(1.0, work.load_transfers);
  costs.outer = real(reuse.outer);
  costs.inner = real(reuse.inner);
  const auto group = [&](Reload reload) {
    return group_costs(work, s, reuse.inp >= reload, reuse.wgt >= reload, has_bias && reuse.bias >= reload);
  };
  costs.first = group(Reload::kOnce);
  costs.heavy = group(Reload::kEveryOuter);
  costs.light = group(Reload::kEveryGroup);
  return pipeline_cycles(costs);
}

// Tiles of pooling and addition: no GEMM, no load module; the only loop is over tiles.
double tile_pipeline(const LayerWork& work, const Geometry& g, double ready) {
  PipelineCosts costs;
  costs.threads = g.threads;
  costs.begin = work.begin_alu;
  costs.end = work.end_alu;
  costs.store = work.store;
  costs.ready = ready;
  costs.outer = std::max(1.0, std::floor(work.tiles / g.threads));
  costs.first.accumulators[0] = costs.first.accumulators[1] = work.residual;
  costs.heavy = costs.light = costs.first;
  return pipeline_cycles(costs);
}

}  // namespace

namespace {

CycleParts parts_of(const LayerWork& work) {
  CycleParts p;
  p.gemm = work.tiles * work.gemms * work.gemm;
  p.alu = work.tiles * (work.begin_alu + work.end_alu);
  p.compute_dma = work.residual_total + work.bias_total + work.micro_op_load;
  p.load = work.inp_total + work.wgt_total;
  p.store = work.tiles * work.store;
  p.read_beats = work.read_beats;
  p.fill = work.gemm > 0 ? work.inp + work.wgt : work.residual;
  p.drain = work.store;
  return p;
}

struct Model {
  const Workload& w;
  const Schedule& s;
  const HardwareConfig& hw;
  Geometry g;
  Reuse reuse;
  double uops;

  Model(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware)
      : w(workload),
        s(schedule),
        hw(hardware),
        g(geometry_of(workload, schedule, hardware)),
        reuse(reuse_of(workload, schedule, g)) {
    uops = micro_ops(w, s, hw, g);
  }

  LayerWork work(const PlaneCosts& planes, Rounding rounding) const {
    LayerWork work = layer_work(w, s, hw, g, reuse, planes, rounding);
    const bool mean = rounding == Rounding::kMean;
    work.micro_ops = mean ? std::min(uops, real(hw.uop_depth())) : 1;
    work.micro_op_load = load_cycles(work.micro_ops * 32 / hw.bus_bits, false);
    work.read_beats += work.micro_ops * 32 / hw.bus_bits;
    return work;
  }

  double pipe(const LayerWork& work, double ready, bool mean) const {
    return w.kind == WorkloadKind::kConv2d ? pipeline(work, s, g, reuse, w.has_bias, ready, mean)
                                           : tile_pipeline(work, g, ready);
  }

  double bound(const LayerWork& work) const {
    const Fetch fetch(hw);
    const double ready = fetch.first(work.instructions);
    const CycleParts p = parts_of(work);
    const double fetches = fetch.batches(work.instructions + work.more_instructions);
    const double loads_hidden = std::min(work.load_transfers, fetches + work.dma_bursts);
    const double dma_hidden = std::min(work.dma_transfers, fetches + work.load_bursts);
    const double hidden = ReadTiming::kDelay * (loads_hidden + dma_hidden);
    const double tail = work.end_alu + work.store;
    const double paths = std::max({
        pipe(work, ready, false) - hidden,
        ready + p.load + work.gemm + tail - ReadTiming::kDelay * loads_hidden,
        ready + p.compute() + work.store - ReadTiming::kDelay * dma_hidden,
        ready + work.begin_alu + work.gemm * work.gemms + work.end_alu + p.store,
        p.read_beats + fetch.beats(work.instructions),
        fetch.cycles(work.instructions, 0),
    });
    return std::floor(paths + kStop - 1e-6);
  }

  // A group of one tile where the others have two: its own work and nothing to hide behind.
  double single(const LayerWork& work) const {
    const GroupCosts group = group_costs(work, s, reuse.inp == Reload::kEveryGroup, reuse.wgt == Reload::kEveryGroup,
                                         w.has_bias && reuse.bias == Reload::kEveryGroup);
    const double compute = work.gemms * work.gemm + work.begin_alu + work.end_alu + group.accumulators[0];
    return std::max({compute, work.gemms * group.load[0], work.store});
  }

  double estimate(const LayerWork& work) const {
    const Fetch fetch(hw);
    const double ready = fetch.first(work.instructions) + work.micro_op_load;
    const CycleParts p = parts_of(work);
    const bool conv = w.kind == WorkloadKind::kConv2d;
    const double singles = conv ? real(reuse.singles) * single(work) : 0;
    const double alone = pipe(work, ready, true) + singles;
    // Instructions are fetched before everything else: transfers that the compute module waits for wait with them.
    const double awaited = g.threads == 1 ? p.load + p.compute_dma : p.compute_dma + std::max(0.0, alone - p.compute());
    const double contended = alone + 0.5 * fetch.beats(work.instructions) * std::min(1.0, awaited / alone);
    return kStop + std::max({contended, ready + p.load + work.gemm + work.end_alu + work.store,
                             ready + p.compute() - work.micro_op_load + work.store,
                             ready + work.begin_alu + work.gemm * work.gemms + work.end_alu + p.store,
                             p.read_beats + fetch.beats(work.instructions),
                             fetch.cycles(work.instructions, ReadTiming::kDelay)});
  }
};

}  // namespace

EstimateContext::EstimateContext(const Workload& workload, const HardwareConfig& hardware)
    : workload_(workload), hardware_(hardware) {
  const auto choices = [](int64_t extent, std::vector<int>& index) {
    index.assign(static_cast<size_t>(extent + 1), -1);
    int count = 0;
    for (int64_t d = 1; d <= extent; ++d) {
      if (extent % d == 0) index[static_cast<size_t>(d)] = count++;
    }
    return count;
  };
  const int h_choices = choices(workload.oh, h_choice_);
  w_choices_ = choices(workload.ow, w_choice_);
  planes_.resize(static_cast<size_t>(h_choices * w_choices_));
  size_t at = 0;
  for (int64_t h = 1; h <= workload.oh; ++h) {
    for (int64_t w = 1; w <= workload.ow; ++w) {
      if (workload.oh % h != 0 || workload.ow % w != 0) continue;
      planes_[at++] = {plane_costs(workload, hardware, h, w, Rounding::kLeast),
                       plane_costs(workload, hardware, h, w, Rounding::kMean)};
    }
  }
}

const EstimateContext::Planes& EstimateContext::planes(const Schedule& s) const {
  return planes_[static_cast<size_t>(h_choice_[static_cast<size_t>(s.tile_h)] * w_choices_ +
                                     w_choice_[static_cast<size_t>(s.tile_w)])];
}

CycleCost EstimateContext::cost(const Schedule& s) const {
  const Model model(workload_, s, hardware_);
  const Planes& p = planes(s);
  return {model.bound(model.work(p.least, Rounding::kLeast)), model.estimate(model.work(p.mean, Rounding::kMean))};
}

CycleParts EstimateContext::parts(const Schedule& s) const {
  return parts_of(Model(workload_, s, hardware_).work(planes(s).mean, Rounding::kMean));
}

TransferCounts transfer_counts(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  return w.kind == WorkloadKind::kConv2d ? reuse_of(w, s, geometry_of(w, s, hw)).counts : TransferCounts{};
}

CycleParts cycle_parts(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const PlaneCosts planes = plane_costs(w, hw, s.tile_h, s.tile_w, Rounding::kMean);
  return parts_of(Model(w, s, hw).work(planes, Rounding::kMean));
}

double cycle_bound(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const Model model(w, s, hw);
  return model.bound(model.work(plane_costs(w, hw, s.tile_h, s.tile_w, Rounding::kLeast), Rounding::kLeast));
}

double cycle_estimate(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const Model model(w, s, hw);
  return model.estimate(model.work(plane_costs(w, hw, s.tile_h, s.tile_w, Rounding::kMean), Rounding::kMean));
}

CycleCost cycle_cost(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  return {cycle_bound(w, s, hw), cycle_estimate(w, s, hw)};
}

}  // namespace arco
