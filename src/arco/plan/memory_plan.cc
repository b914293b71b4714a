#include "arco/plan/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace arco {

Placement place_buffers(const std::vector<BufferLife>& buffers, uint64_t base, uint64_t alignment) {
  Placement placement{std::vector<uint64_t>(buffers.size(), base), base};
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  const auto rounded = [&](uint64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; };
  std::vector<size_t> placed;
  for (const size_t current : order) {
    std::vector<size_t> rivals;
    for (const size_t other : placed) {
      if (buffers[other].first <= buffers[current].last && buffers[current].first <= buffers[other].last) {
        rivals.push_back(other);
      }
    }
    std::sort(rivals.begin(), rivals.end(),
              [&](size_t a, size_t b) { return placement.addresses[a] < placement.addresses[b]; });
    uint64_t address = base;
    for (const size_t rival : rivals) {
      if (address + rounded(buffers[current].bytes) <= placement.addresses[rival]) break;
      address = std::max(address, placement.addresses[rival] + rounded(buffers[rival].bytes));
    }
    placement.addresses[current] = address;
    placement.end = std::max(placement.end, address + rounded(buffers[current].bytes));
    placed.push_back(current);
  }
  return placement;
}

}  // namespace arco
