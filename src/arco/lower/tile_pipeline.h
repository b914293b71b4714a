// Token discipline of the accumulator tiles, the same for every operator: compute may not touch a copy before the store
// of its former tile is done; store waits for compute (vta-isa 5.5).
#pragma once

#include <array>
#include <cstdint>

#include "arco/lower/emitter.h"
#include "arco/lower/tiles.h"

namespace arco {

class TilePipeline {
 public:
  TilePipeline(Emitter& emitter, int64_t slots) : emitter_(emitter), slots_(slots) {}

  // Starts the next tile; returns the slot of its accumulators. The next compute instruction waits until it is free.
  int64_t begin() {
    const int64_t slot = tiles_++ % slots_;
    int64_t& stored = last_store_[static_cast<size_t>(slot)];
    if (stored >= 0) {
      emitter_.signal(stored, Module::kCompute);
      emitter_.wait(Module::kCompute, Module::kStore);
    }
    stored = -1;
    return slot;
  }

  // Stores the finished tile of a slot: `box` of `tensor` from the accumulators at `base`.
  void end(int64_t slot, const TensorView& tensor, const Box& box, int64_t base) {
    emitter_.signal(emitter_.last(Module::kCompute), Module::kStore);
    emitter_.wait(Module::kStore, Module::kCompute);
    for_each_transfer(tensor, box, base, [&](const Transfer& transfer) { emitter_.store(transfer); });
    last_store_[static_cast<size_t>(slot)] = emitter_.last(Module::kStore);
  }

 private:
  Emitter& emitter_;
  int64_t slots_;
  int64_t tiles_ = 0;
  std::array<int64_t, 2> last_store_{-1, -1};
};

}  // namespace arco
