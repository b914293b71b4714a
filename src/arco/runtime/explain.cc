// The module that works most of the time binds the layer; inside the compute module the part that takes most of its
// time. If no module works for most of the time they take turns, and what the compute module waits for names the cause.
#include "arco/runtime/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace arco {

namespace {

constexpr double kBusyModule = 0.75;      // a module that works so much of the time binds
constexpr double kMostlyLatency = 0.5;    // of the load module's time
constexpr double kIdleMultipliers = 0.7;  // blocks used less than this are worth a word

struct Counts {
  double cycles;
  const CycleReport& report;
  double share(uint64_t value) const { return cycles > 0 ? static_cast<double>(value) / cycles : 0; }
  const ModuleCycles& module(Module m) const { return report.modules[static_cast<size_t>(m)]; }
  // Working or moving data, queueing for the channel included.
  double working(Module m) const { return share(module(m).busy + module(m).wait_memory); }
};

void set_shares(const LayerRun& run, const HardwareConfig& hw, const Counts& c, LayerExplanation& e) {
  const CycleReport& r = run.cycles;
  const auto bus_bytes = static_cast<double>(hw.bus_bits / 8);
  e.read_roof = c.share(r.read_bytes) / bus_bytes;
  e.write_roof = c.share(r.written_bytes) / bus_bytes;
  const auto macs = static_cast<double>(run.workload.macs());
  const auto per_step = static_cast<double>(hw.macs_per_step());
  if (macs > 0) e.compute_roof = macs / per_step / c.cycles;
  if (macs > 0 && r.gemm_steps > 0) e.block_use = macs / per_step / static_cast<double>(r.gemm_steps);
  const ModuleCycles& compute = c.module(Module::kCompute);
  e.gemm = c.share(r.gemm_cycles);
  e.alu = c.share(r.alu_cycles);
  e.accumulators = c.working(Module::kCompute) - e.gemm - e.alu;
  e.waits_for_load = c.share(compute.wait_token_prev);
  e.waits_for_store = c.share(compute.wait_token_next);
  e.waits_for_fetch = c.share(compute.wait_fetch);
  e.load = c.working(Module::kLoad);
  e.store = c.working(Module::kStore);
}

// Share of the load module's time in which no data of its own moved, without what other clients took from it.
double load_latency(const LayerRun& run, const HardwareConfig& hw) {
  const ModuleCycles& load = run.cycles.modules[static_cast<size_t>(Module::kLoad)];
  const double bytes = static_cast<double>(run.cycles.moved_entries[static_cast<size_t>(MemoryType::kInp)]) *
                           static_cast<double>(hw.inp_element_bytes()) +
                       static_cast<double>(run.cycles.moved_entries[static_cast<size_t>(MemoryType::kWgt)]) *
                           static_cast<double>(hw.wgt_element_bytes());
  const auto time = static_cast<double>(load.busy + load.wait_memory);
  return time > 0 ? std::max(0.0, 1 - bytes / static_cast<double>(hw.bus_bits / 8) / time) : 0;
}

Binding largest_part(const LayerExplanation& e) {
  if (e.gemm >= e.alu && e.gemm >= e.accumulators) return Binding::kGemm;
  return e.alu >= e.accumulators ? Binding::kAlu : Binding::kAccumulators;
}

Binding binding_of(const LayerRun& run, const HardwareConfig& hw, const LayerExplanation& e) {
  const double compute = e.gemm + e.alu + e.accumulators;
  const double most = std::max({compute, e.load, e.store});
  if (most >= kBusyModule) {
    if (compute == most) return largest_part(e);
    if (e.store == most) return Binding::kStore;
    return load_latency(run, hw) > kMostlyLatency ? Binding::kLoadLatency : Binding::kLoad;
  }
  if (e.waits_for_fetch > std::max(e.waits_for_load, e.waits_for_store)) return Binding::kFetch;
  return Binding::kAlternation;
}

std::string gemm_advice(const LayerRun& run, const HardwareConfig& hw, const LayerExplanation& e) {
  if (e.block_use < kIdleMultipliers) {
    const Workload& w = run.workload;
    return fmt::format(
        "the {} to {} channels use {:.0f} % of the multipliers of {}x{}x{} blocks: blocks that fit the channels would "
        "do the same in fewer steps",
        w.ci, w.co, 100 * e.block_use, hw.batch(), hw.block_in(), hw.block_out());
  }
  return "more multipliers (a larger BLOCK_IN or BLOCK_OUT) would help; memory is not in the way";
}

std::string alternation_advice(const LayerRun& run, const LayerExplanation& e) {
  const bool one_thread = run.schedule.h_threads * run.schedule.oc_threads == 1;
  if (one_thread) {
    return "the modules take turns: two virtual threads would load and store one tile while the other is computed";
  }
  if (e.waits_for_store > e.waits_for_load) return "compute waits for stores: smaller tiles would hide them better";
  return "the modules wait for each other at the start and end of tiles: more, smaller tiles would overlap better";
}

std::string advice_of(const LayerRun& run, const HardwareConfig& hw, const LayerExplanation& e) {
  const bool pooled = run.workload.kind != WorkloadKind::kConv2d;
  switch (e.binding) {
    case Binding::kGemm:
      return gemm_advice(run, hw, e);
    case Binding::kAlu:
      return pooled ? "only more ALU lanes (a larger BLOCK_OUT) help: the layer is ALU work"
                    : "the passes over the results cost more than the multiplications: more ALU lanes (a larger "
                      "BLOCK_OUT) would help";
    case Binding::kAccumulators:
      return "the compute module waits for its own loads: a wider memory interface would help, and tiles of fewer, "
             "longer "
             "rows";
    case Binding::kLoad:
      return "a wider memory interface would help, or larger buffers and tiles that transfer operands less often";
    case Binding::kLoadLatency:
      return "many small transfers: larger tiles (and buffers that hold them) would pay the latency less often";
    case Binding::kStore:
      return "a wider memory interface or longer bursts would help, and tiles of whole rows";
    case Binding::kFetch:
      return "instructions arrive too slowly: larger tiles need fewer, a wider interface brings them faster";
    case Binding::kAlternation:
      return alternation_advice(run, e);
  }
  return "";
}

}  // namespace

const char* to_string(Binding binding) {
  constexpr std::array<const char*, 8> kNames{"GEMM",  "ALU",   "accumulator loads", "load", "load latency",
                                              "store", "fetch", "alternation"};
  return kNames[static_cast<size_t>(binding)];
}

double LayerExplanation::memory_roof() const {
  return std::max(read_roof, write_roof);
}

bool LayerExplanation::memory_is_nearer() const {
  return !compute_roof || memory_roof() > *compute_roof;
}

LayerExplanation explain_layer(const LayerRun& run, const HardwareConfig& hw) {
  LayerExplanation e;
  const Counts counts{static_cast<double>(run.cycles.cycles), run.cycles};
  set_shares(run, hw, counts, e);
  e.binding = binding_of(run, hw, e);
  e.advice = advice_of(run, hw, e);
  e.energy = energy_of(hw, activity_of(run.cycles));
  return e;
}

}  // namespace arco
