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

// The same buffers, the same placement. Usually `end` is the least possible, base + most_alive().
Placement place_buffers(const std::vector<BufferLife>& buffers, uint64_t base, uint64_t alignment);

// Bytes alive together in the fullest step, each buffer rounded up to the alignment: no placement needs less.
uint64_t most_alive(const std::vector<BufferLife>& buffers, uint64_t alignment);

}  // namespace arco
