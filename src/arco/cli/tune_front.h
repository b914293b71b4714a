// `arco tune --pareto`: the front of several objectives, a design file for each point.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "arco/cli/console.h"
#include "arco/search/pareto_search.h"

namespace arco {

// Two or three different objectives. UserError for others, all problems at once.
std::vector<Objective> parse_front_objectives(const std::vector<std::string>& names);

// Searches the front, writes design-1.json ... and front.json into the folder, prints the table.
void tune_front(const std::vector<WeightedTask>& tasks, const std::vector<Objective>& objectives, size_t most_points,
                const CoOptimiserOptions& options, const std::filesystem::path& folder, Console& console);

// "front" as people read it; `files` names the design of each point.
std::string front_text(const DesignFront& front, const std::vector<std::string>& files);

}  // namespace arco
