// First fit: buffers in some order, each at the lowest address free during its whole life. The order decides how good
// that is (finding the best one is NP-hard: dynamic storage allocation). A few orders that are good at different
// networks are tried: large buffers first (skip connections of networks that get narrower), long lives first (skips
// over many small layers), large areas of bytes times steps first. What sticks out of the best one is then placed first
// and the rest again, a few times. Everything ends as soon as the bytes alive in the fullest step are reached.
#include "arco/plan/memory_plan.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace arco {

namespace {

class FirstFit {
 public:
  // Bytes of the buffers are multiples of the alignment.
  FirstFit(const std::vector<BufferLife>& buffers, uint64_t base) : buffers_(buffers), base_(base) {}

  Placement place(const std::vector<size_t>& order) const {
    Placement placement{std::vector<uint64_t>(buffers_.size(), base_), base_};
    std::vector<size_t> placed;  // by address
    for (const size_t current : order) {
      const uint64_t address = lowest_free(current, placed, placement);
      placement.addresses[current] = address;
      placement.end = std::max(placement.end, address + buffers_[current].bytes);
      placed.insert(std::upper_bound(placed.begin(), placed.end(), address,
                                     [&](uint64_t at, size_t other) { return at < placement.addresses[other]; }),
                    current);
    }
    return placement;
  }

 private:
  uint64_t lowest_free(size_t current, const std::vector<size_t>& placed, const Placement& placement) const {
    const BufferLife& life = buffers_[current];
    uint64_t address = base_;
    for (const size_t other : placed) {
      const BufferLife& rival = buffers_[other];
      if (rival.first > life.last || life.first > rival.last) continue;
      if (address + life.bytes <= placement.addresses[other]) break;
      address = std::max(address, placement.addresses[other] + rival.bytes);
    }
    return address;
  }

  const std::vector<BufferLife>& buffers_;
  uint64_t base_;
};

std::vector<BufferLife> rounded(std::vector<BufferLife> buffers, uint64_t alignment) {
  for (BufferLife& buffer : buffers) buffer.bytes = (buffer.bytes + alignment - 1) / alignment * alignment;
  return buffers;
}

// The first buffer that ends where all end.
size_t highest(const std::vector<BufferLife>& buffers, const Placement& placement) {
  size_t i = 0;
  while (placement.addresses[i] + buffers[i].bytes != placement.end) ++i;
  return i;
}

}  // namespace

uint64_t most_alive(const std::vector<BufferLife>& buffers, uint64_t alignment) {
  std::map<int, int64_t> changes;  // of the bytes alive, by step
  for (const BufferLife& buffer : rounded(buffers, alignment)) {
    changes[buffer.first] += static_cast<int64_t>(buffer.bytes);
    changes[buffer.last + 1] -= static_cast<int64_t>(buffer.bytes);
  }
  int64_t alive = 0;
  int64_t most = 0;
  for (const auto& [step, change] : changes) most = std::max(most, alive += change);
  return static_cast<uint64_t>(most);
}

Placement place_buffers(const std::vector<BufferLife>& unaligned, uint64_t base, uint64_t alignment) {
  constexpr int kRetries = 32;
  const std::vector<BufferLife> buffers = rounded(unaligned, alignment);
  const uint64_t least = base + most_alive(buffers, alignment);
  const FirstFit first_fit(buffers, base);
  const auto steps = [](const BufferLife& b) { return static_cast<uint64_t>(b.last - b.first + 1); };
  const auto by = [&](const auto& weight) {
    std::vector<size_t> order(buffers.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return weight(buffers[a]) > weight(buffers[b]); });
    return order;
  };
  std::vector<size_t> order = by([](const BufferLife& b) { return b.bytes; });
  Placement best = first_fit.place(order);
  for (const auto& other : {by(steps), by([&](const BufferLife& b) { return b.bytes * steps(b); })}) {
    if (best.end == least) return best;
    Placement placement = first_fit.place(other);
    if (placement.end >= best.end) continue;
    best = std::move(placement);
    order = other;
  }
  Placement last = best;
  for (int retry = 0; retry < kRetries && best.end > least; ++retry) {
    const auto out = std::find(order.begin(), order.end(), highest(buffers, last));
    std::rotate(order.begin(), out, out + 1);
    last = first_fit.place(order);
    if (last.end < best.end) best = last;
  }
  return best;
}

}  // namespace arco
