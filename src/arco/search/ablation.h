// The ARCO tuner with one of its parts taken away, by name.
#pragma once

#include <string>
#include <vector>

#include "arco/search/recorded_search.h"

namespace arco {

struct Ablation {
  std::string name;
  std::string summary;
  nlohmann::json options;  // of the tuner "arco"; empty where the space is what changes
};

// no-confidence-sampling, single-agent, independent-critics, software-only, paper-reward.
const std::vector<Ablation>& ablations();

// Adds the ablation's options; those that the user gave stay. UserError for an unknown name, or a tuner that is not
// ARCO. "software-only" changes no option: the caller fixes the hardware.
void apply_ablation(const std::string& name, TunerChoice& choice);

}  // namespace arco
