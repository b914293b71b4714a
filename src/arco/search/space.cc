// Mixed radix, first knob least significant: index = sum_j choice[j] * prod_{i<j} options_i.
#include "arco/search/space.h"

#include <limits>

#include "arco/base/error.h"

namespace arco {

const char* to_string(Agent agent) {
  switch (agent) {
    case Agent::kHardware:
      return "hardware";
    case Agent::kScheduling:
      return "scheduling";
    case Agent::kMapping:
      return "mapping";
  }
  return "unknown";
}

uint64_t SearchSpace::size() const {
  uint64_t product = 1;
  for (const Knob& knob : knobs_) {
    const uint64_t options = knob.values.size();
    ARCO_CHECK(options >= 1, "knob {} has no options", knob.name);
    // Signed 64 bits, so that records and logs can hold every index.
    ARCO_CHECK(product <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / options,
               "the space has more than 2^63 configurations");
    product *= options;
  }
  return product;
}

uint64_t SearchSpace::encode(const Choice& choice) const {
  ARCO_CHECK(choice.size() == knobs_.size(), "{} positions for {} knobs", choice.size(), knobs_.size());
  uint64_t index = 0;
  for (size_t j = knobs_.size(); j-- > 0;) {
    const uint64_t options = knobs_[j].values.size();
    ARCO_CHECK(choice[j] >= 0 && static_cast<uint64_t>(choice[j]) < options, "position {} of knob {} is outside 0..{}",
               choice[j], knobs_[j].name, options - 1);
    index = index * options + static_cast<uint64_t>(choice[j]);
  }
  return index;
}

Choice SearchSpace::decode(uint64_t index) const {
  Choice choice(knobs_.size());
  uint64_t rest = index;
  for (size_t j = 0; j < knobs_.size(); ++j) {
    const uint64_t options = knobs_[j].values.size();
    choice[j] = static_cast<int>(rest % options);
    rest /= options;
  }
  ARCO_CHECK(rest == 0, "index {} is outside the space of {}", index, size());
  return choice;
}

}  // namespace arco
