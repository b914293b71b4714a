#include <nlohmann/json.hpp>

#include "arco/fuzz/fuzz_targets.h"
#include "arco/search/design.h"

namespace arco {

void fuzz_design(std::span<const uint8_t> bytes) {
  const Design design = parse_design({bytes.begin(), bytes.end()}, "fuzz.json");
  ARCO_CHECK(parse_design(to_json(design).dump(), "again.json") == design, "a design changes when written");
}

}  // namespace arco
