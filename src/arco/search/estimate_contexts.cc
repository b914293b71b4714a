#include "arco/search/estimate_contexts.h"

namespace arco {

const EstimateContext& EstimateContexts::on(const HardwareConfig& hw) const {
  const Key key{hw.log2_batch, hw.log2_block_in,   hw.log2_block_out,           hw.log2_uop_buffer,
                hw.bus_bits,   hw.max_burst_beats, static_cast<int>(hw.variant)};
  const std::lock_guard lock(mutex_);
  auto& context = contexts_[key];
  if (!context) context = std::make_unique<const EstimateContext>(workload_, hw);
  return *context;
}

}  // namespace arco
