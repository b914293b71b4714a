#include "arco/schedule/layer_work.h"

#include "arco/schedule/geometry.h"

namespace arco {

namespace {

double real(int64_t value) {
  return static_cast<double>(value);
}

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
  if (w.pool) pool_kernel = real(w.pool->kh * w.pool->kw);
  bus_bytes = real(hw.bus_bits / 8);
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
  if (w.has_second_input() || w.pool) {
    planes.residual = load_sum(sum_tiles(w, hw, tile_h, tile_w), hw.out_element_bytes(), hw);
  }
  planes.store = store_sum(out, hw);
  return planes;
}

}  // namespace arco
