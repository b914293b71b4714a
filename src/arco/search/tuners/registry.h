// Tuners by name, as the command line and the records know them.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "arco/search/tuner.h"

namespace arco {

struct TunerInfo {
  std::string name;
  std::string summary;      // one line for help texts
  nlohmann::json defaults;  // every option with its default
};

// In the order in which help texts list them.
std::vector<TunerInfo> tuner_infos();

// All options of a tuner with the overrides (an object, or null) applied: what a run records. UserError with the
// nearest name for an unknown tuner, and with every unknown or wrong option.
nlohmann::json resolve_options(const std::string& name, const nlohmann::json& overrides);

// The space must outlive the tuner. Same errors as resolve_options.
std::unique_ptr<Tuner> make_tuner(const std::string& name, const SearchSpace& space, const nlohmann::json& overrides,
                                  uint64_t seed);

}  // namespace arco
