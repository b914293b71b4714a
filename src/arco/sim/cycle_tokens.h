// Token queues of the cycle simulator, and which module waits for whom.
#pragma once

#include <array>
#include <cstdint>

#include "arco/isa/instruction.h"

namespace arco::cycle {

// A queue of tokens, each with the cycle from which it can be taken. Modules are simulated ahead of one another, so a
// queue that looks full may have been emptied in time: the history of taking tells.
class TokenQueue {
 public:
  static constexpr uint64_t kCapacity = 255;

  bool empty() const { return pushed_ == popped_; }
  bool full(uint64_t limit) const { return pushed_ - popped_ >= limit; }
  uint64_t front() const { return available_[popped_ % kSlots]; }
  void pop(uint64_t cycle) { taken_[popped_++ % kSlots] = cycle; }
  // False when the hardware's counter would have been at its limit: the token is lost. Call only while !full(limit).
  bool push(uint64_t cycle, uint64_t limit) {
    const bool fits = pushed_ < limit || taken_[(pushed_ - limit) % kSlots] <= cycle;
    available_[pushed_++ % kSlots] = cycle;
    return fits;
  }

 private:
  static constexpr uint64_t kSlots = 256;
  std::array<uint64_t, kSlots> available_{};
  std::array<uint64_t, kSlots> taken_{};
  uint64_t pushed_ = 0, popped_ = 0;
};

enum QueueId : int { kLoadToCompute, kComputeToLoad, kComputeToStore, kStoreToCompute, kNoQueue };

// By module: where its pops come from and its pushes go to.
struct Neighbours {
  QueueId pop_prev, pop_next, push_prev, push_next;
};
constexpr std::array<Neighbours, 3> kNeighbours{{
    {kNoQueue, kComputeToLoad, kNoQueue, kLoadToCompute},
    {kLoadToCompute, kStoreToCompute, kComputeToLoad, kComputeToStore},
    {kComputeToStore, kNoQueue, kStoreToCompute, kNoQueue},
}};

}  // namespace arco::cycle
