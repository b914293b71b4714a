#include "arco/search/ablation.h"

#include <fmt/ranges.h>

#include "arco/base/error.h"

namespace arco {

const std::vector<Ablation>& ablations() {
  static const std::vector<Ablation> all = {
      {"no-confidence-sampling", "measure the agents' best by the surrogate", {{"confidence_sampling", false}}},
      {"single-agent", "one actor for all knobs", {{"single_agent", true}}},
      {"independent-critics", "each critic sees its agent's observation only", {{"independent_critics", true}}},
      {"software-only", "schedules on the default VTA", nlohmann::json::object()},
      {"paper-reward", "reward the fitness itself, not its gain", {{"paper_reward", true}}},
  };
  return all;
}

void apply_ablation(const std::string& name, TunerChoice& choice) {
  std::vector<std::string> names;
  for (const Ablation& ablation : ablations()) names.push_back(ablation.name);
  for (const Ablation& ablation : ablations()) {
    if (ablation.name != name) continue;
    if (!choice.name.starts_with("arco")) {
      fail_user("--ablation {} takes a part of ARCO away; it does not go with --tuner {}", name, choice.name);
    }
    if (!choice.options.is_object()) choice.options = nlohmann::json::object();
    for (const auto& [key, value] : ablation.options.items()) {
      if (!choice.options.contains(key)) choice.options[key] = value;
    }
    return;
  }
  const std::string nearest = nearest_word(name, names);
  fail_user("there is no ablation \"{}\"{}; ablations are {}", name,
            nearest.empty() ? "" : fmt::format(", did you mean \"{}\"?", nearest), fmt::join(names, ", "));
}

}  // namespace arco
