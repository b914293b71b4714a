// Places buffers in DRAM so that those alive at the same time never overlap.
#pragma once

#include <cstdint>
#include <vector>

namespace arco {

// Alive from step `first` to step `last`, both included.
struct BufferLife {
  uint64_t bytes = 0;
  int first = 0;
  int last = 0;
};

struct Placement {
  std::vector<uint64_t> addresses;  // of each buffer, multiples of `alignment`, from `base` on
  uint64_t end = 0;                 // first address behind all of them
};

// Largest buffers first, each at the lowest address free during its life.
Placement place_buffers(const std::vector<BufferLife>& buffers, uint64_t base, uint64_t alignment);

}  // namespace arco
