// Schedules of a kind are collected until there are enough to fill the lanes of several vectors (schedule_model.h).
#include "arco/schedule/estimate.h"

#include <array>

#include "arco/base/error.h"
#include "arco/schedule/geometry.h"

namespace arco {

namespace {

AxisTile axis_tile(int64_t extent, int64_t tile) {
  const int64_t tiles = extent / tile;
  const auto real = [](int64_t value) { return static_cast<double>(value); };
  return {real(tile), real(tiles), real(tiles / 2), real(tiles % 2)};
}

void set_walk(const Schedule& s, ScheduleCase& c) {
  c.two_rows = s.h_threads == 2;
  c.two_channels = s.oc_threads == 2;
  c.spatial_outer = s.order == LoopOrder::kSpatialOuter;
}

// Schedules of one number take the same way through the model: they are of one kind, and groups repeat inside of the
// outer loop not at all, once or often.
constexpr size_t kWays = 3 * kPipelineKinds;
size_t way_of(const ScheduleCase& c) {
  const PipelineKind kind = pipeline_kind(c);
  if (kind == PipelineKind::kOneThread) return 0;
  const double rows = c.b->tiles * c.w->tiles * (c.two_rows ? c.h->pairs : c.h->tiles);
  const double inner = !c.spatial_outer ? rows : c.two_channels ? c.co->pairs : c.co->tiles;
  return 3 * static_cast<size_t>(kind) + (inner > 2 ? 2 : inner > 1 ? 1 : 0);
}

}  // namespace

EstimateContext::EstimateContext(const Workload& workload, const HardwareConfig& hardware)
    : workload_(workload), hardware_(hardware), constants_(workload, hardware) {
  const Extents e = extents_of(workload, hardware);
  b_ = Axis(e.b);
  h_ = Axis(e.h);
  w_ = Axis(e.w);
  ci_ = Axis(e.ci);
  co_ = Axis(e.co);
  for (const AxisTile& h : h_.tiles) {
    for (const AxisTile& w : w_.tiles) {
      planes_.push_back(plane_costs(workload, hardware, static_cast<int64_t>(h.tile), static_cast<int64_t>(w.tile)));
    }
  }
}

EstimateContext::Axis::Axis(int64_t extent) : place(static_cast<size_t>(extent + 1)) {
  for (int64_t tile = 1; tile <= extent; ++tile) {
    if (extent % tile != 0) continue;
    place[static_cast<size_t>(tile)] = static_cast<uint32_t>(tiles.size());
    tiles.push_back(axis_tile(extent, tile));
  }
}

ScheduleCase EstimateContext::case_of(const Schedule& s) const {
  const auto at = [](const Axis& axis, int64_t tile) { return axis.place[static_cast<size_t>(tile)]; };
  const size_t h = at(h_, s.tile_h), w = at(w_, s.tile_w);
  ScheduleCase c;
  c.b = &b_.tiles[at(b_, s.tile_b)];
  c.h = &h_.tiles[h];
  c.w = &w_.tiles[w];
  c.ci = &ci_.tiles[at(ci_, s.tile_ci)];
  c.co = &co_.tiles[at(co_, s.tile_co)];
  c.planes = &planes_[h * w_.tiles.size() + w];
  set_walk(s, c);
  return c;
}

void EstimateContext::costs(std::span<const Schedule> schedules, std::span<CycleCost> costs, Wanted wanted) const {
  ARCO_CHECK(schedules.size() == costs.size(), "{} schedules, {} costs", schedules.size(), costs.size());
  constexpr size_t kAtOnce = 16;
  struct Queue {
    std::array<ScheduleCase, kAtOnce> cases;
    std::array<size_t, kAtOnce> places{};
    size_t count = 0;
  };
  std::array<Queue, kWays> queues;
  const auto flush = [&](Queue& queue) {
    std::array<CycleCost, kAtOnce> results;
    cycle_costs(model(), {queue.cases.data(), queue.count}, wanted, results.data());
    for (size_t i = 0; i < queue.count; ++i) costs[queue.places[i]] = results[i];
    queue.count = 0;
  };
  for (size_t i = 0; i < schedules.size(); ++i) {
    const ScheduleCase one = case_of(schedules[i]);
    Queue& queue = queues[way_of(one)];
    queue.cases[queue.count] = one;
    queue.places[queue.count] = i;
    if (++queue.count == kAtOnce) flush(queue);
  }
  for (Queue& queue : queues) {
    if (queue.count > 0) flush(queue);
  }
}

CycleCost EstimateContext::cost(const Schedule& s, Wanted wanted) const {
  CycleCost cost;
  const ScheduleCase only = case_of(s);
  cycle_costs(model(), {&only, 1}, wanted, &cost);
  return cost;
}

CycleParts EstimateContext::parts(const Schedule& s) const {
  return cycle_parts(model(), case_of(s));
}

TransferCounts EstimateContext::transfers(const Schedule& s) const {
  if (workload_.kind != WorkloadKind::kConv2d) return {};
  return transfer_counts(model(), case_of(s));
}

}  // namespace arco
