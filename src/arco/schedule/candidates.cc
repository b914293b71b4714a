#include "arco/schedule/candidates.h"

#include <limits>

#include "arco/schedule/geometry.h"
#include "arco/schedule/legality.h"

namespace arco {

namespace {

std::vector<int64_t> divisors(int64_t extent, int64_t step = 1) {
  std::vector<int64_t> result;
  for (int64_t d = 1; d <= extent; ++d) {
    if (extent % d == 0 && d % step == 0) result.push_back(d);
  }
  return result;
}

constexpr std::pair<int, int> kThreads[] = {{1, 1}, {2, 1}, {1, 2}};

}  // namespace

TileChoices tile_choices(const Workload& workload, const HardwareConfig& hardware) {
  const Extents e = extents_of(workload, hardware);
  return {divisors(e.b), divisors(e.h), divisors(e.w), divisors(e.ci, e.ci_step), divisors(e.co, e.co_step)};
}

void for_each_legal(const Workload& workload, const HardwareConfig& hardware,
                    const std::function<void(const Schedule&)>& visit) {
  const TileChoices tiles = tile_choices(workload, hardware);
  Schedule s;
  for (const int64_t b : tiles.b) {
    for (const int64_t co : tiles.co) {
      for (const int64_t ci : tiles.ci) {
        for (const int64_t h : tiles.h) {
          for (const int64_t w : tiles.w) {
            for (const auto& [h_threads, oc_threads] : kThreads) {
              s = {b, h, w, ci, co, h_threads, oc_threads, LoopOrder::kSpatialOuter};
              if (broken_rule(workload, s, hardware) != Rule::kNone) continue;
              visit(s);
              s.order = LoopOrder::kChannelOuter;
              visit(s);
            }
          }
        }
      }
    }
  }
}

void for_each_cost(const Workload& workload, const HardwareConfig& hardware,
                   const std::function<bool(const Schedule&)>& admits,
                   const std::function<void(const Schedule&, const CycleCost&)>& visit) {
  constexpr size_t kAtOnce = 512;
  const EstimateContext context(workload, hardware);
  std::vector<Schedule> schedules;
  std::vector<CycleCost> costs(kAtOnce);
  const auto flush = [&] {
    context.costs(schedules, {costs.data(), schedules.size()});
    for (size_t i = 0; i < schedules.size(); ++i) visit(schedules[i], costs[i]);
    schedules.clear();
  };
  for_each_legal(workload, hardware, [&](const Schedule& s) {
    if (admits && !admits(s)) return;
    schedules.push_back(s);
    if (schedules.size() == kAtOnce) flush();
  });
  flush();
}

std::optional<Schedule> best_estimated(const Workload& workload, const HardwareConfig& hardware) {
  std::optional<Schedule> best;
  double best_cycles = std::numeric_limits<double>::infinity();
  for_each_cost(workload, hardware, {}, [&](const Schedule& s, const CycleCost& cost) {
    if (cost.estimate >= best_cycles) return;
    best_cycles = cost.estimate;
    best = s;
  });
  return best;
}

std::string why_none_legal(const Workload& workload, const HardwareConfig& hardware) {
  const TileChoices tiles = tile_choices(workload, hardware);
  const Schedule smallest{tiles.b.front(), tiles.h.front(), tiles.w.front(), tiles.ci.front(), tiles.co.front()};
  return why_illegal(workload, smallest, hardware);
}

}  // namespace arco
