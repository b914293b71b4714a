// Chips for a network of which none is better than another in every objective, each with a certificate.
#pragma once

#include <string>
#include <vector>

#include "arco/search/co_optimiser.h"

namespace arco {

struct FrontPoint {
  Design design;
  std::vector<double> costs;   // by objective (objective.h)
  std::vector<double> bounds;  // by objective: no design of the space that is as good in all others undercuts this
};

struct DesignFront {
  std::vector<Objective> objectives;
  std::vector<FrontPoint> points;  // ascending by the first objective
  size_t chips = 0;                // of the space, within the budget, that run every layer
  size_t promising = 0;            // of these, not dominated by the closed form
  bool complete = true;            // false: interrupted
};

// At most `most_points` of the promising chips get schedules; `options.layer_trials` measurements of each layer and
// objective that depends on schedules. Measurements are in `records`; those that are there already are not repeated.
// Without points no measured design kept the budget's energy. UserError if no chip is within the budget; RunError if
// interrupted before the first point.
DesignFront search_front(const std::vector<WeightedTask>& tasks, const std::vector<Objective>& objectives,
                         size_t most_points, const CoOptimiserOptions& options, RecordStore& records,
                         const ReportProgress& progress);

}  // namespace arco
