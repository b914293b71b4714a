#include "arco/hardware/cost_constants.h"

#include <array>
#include <bit>
#include <cstddef>

namespace arco {

std::vector<CostConstant> all_cost_constants() {
  constexpr size_t kCount = sizeof(CostConstants) / sizeof(CostConstant);
  const auto all = std::bit_cast<std::array<CostConstant, kCount>>(kCost);
  return {all.begin(), all.end()};
}

}  // namespace arco
