// What a search found, as people read it.
#pragma once

#include <string>

#include "arco/cli/console.h"
#include "arco/search/design.h"
#include "arco/search/layer_designs.h"

namespace arco {

void print_design(const Design& design, Console& console);
void print_layer_designs(const LayerDesigns& designs, Console& console);

// A network that was not tuned for, on a chip made for others. `own_bound`: what no chip of the space undercuts for
// this network, as the objective counts; 0: unknown.
void print_holdout(const std::string& model, const Design& design, double own_bound, Console& console);

// A warning for each task that the host has to run.
void warn_host_tasks(const std::vector<DesignHostTask>& tasks, Console& console);

}  // namespace arco
