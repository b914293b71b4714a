// What to measure before anything is known.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "arco/base/random.h"
#include "arco/search/legal_points.h"
#include "arco/search/space.h"

namespace arco {

struct InitialDesign {
  size_t by_bound = 5;  // configurations with the least bounds
  bool random = false;  // nothing but random ones
};

// Up to `count` different legal configurations: the best by bound, the default, then a Latin hypercube (every knob's
// range is covered evenly). `listed` may be null: then bounds are compared over a sample. `draw` gives a random legal
// configuration, or nothing if there is none.
std::vector<uint64_t> initial_configurations(const SearchSpace& space, const LegalPoints* listed,
                                             const InitialDesign& design, size_t count,
                                             const std::function<std::optional<uint64_t>()>& draw, Random& random);

}  // namespace arco
