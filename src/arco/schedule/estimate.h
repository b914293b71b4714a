// Closed forms of a schedule's cycles (timing of vta-isa section 4, generation G2): a bound that no execution beats and
// an unbiased estimate.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/layer_work.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/schedule_model.h"
#include "arco/schedule/workload.h"

namespace arco {

// What all schedules of a workload on an accelerator share, built once for many of them.
class EstimateContext {
 public:
  EstimateContext(const Workload& workload, const HardwareConfig& hardware);

  // Only for legal schedules. Many at once cost a third of the time each; the numbers are the same.
  void costs(std::span<const Schedule> schedules, std::span<CycleCost> costs, Wanted wanted = Wanted::kBoth) const;
  CycleCost cost(const Schedule& schedule, Wanted wanted = Wanted::kBoth) const;
  CycleParts parts(const Schedule& schedule) const;
  TransferCounts transfers(const Schedule& schedule) const;  // none of what is not a convolution

 private:
  // The tile sizes that divide an extent.
  struct Axis {
    Axis() = default;
    explicit Axis(int64_t extent);
    std::vector<AxisTile> tiles;
    std::vector<uint32_t> place;  // by tile size: position in `tiles`
  };
  ScheduleCase case_of(const Schedule& schedule) const;
  LayerModel model() const { return {workload_, hardware_, constants_}; }

  Workload workload_;
  HardwareConfig hardware_;
  LayerConstants constants_;
  Axis b_, h_, w_, ci_, co_;
  std::vector<PlaneCosts> planes_;
};

}  // namespace arco
