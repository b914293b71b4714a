// How a workload runs on a given accelerator: tile sizes, virtual threads and loop order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/workload.h"

namespace arco {

// Order of the outer loops over tiles. kSpatialOuter: output rows outside, channels inside (inputs stay in the
// scratchpad). kChannelOuter: output channels outside (weights stay).
enum class LoopOrder : uint8_t { kSpatialOuter, kChannelOuter };

// Tile sizes: tile_b in blocks of BATCH, tile_h and tile_w in output pixels, tile_ci and tile_co in blocks of BLOCK_IN
// and BLOCK_OUT. Each divides its extent. Threads: 1 or 2; two threads double-buffer along that axis.
struct Schedule {
  int64_t tile_b = 1;
  int64_t tile_h = 1;
  int64_t tile_w = 1;
  int64_t tile_ci = 1;
  int64_t tile_co = 1;
  int h_threads = 1;
  int oc_threads = 1;
  LoopOrder order = LoopOrder::kSpatialOuter;

  bool operator==(const Schedule&) const = default;
  std::string to_string() const;  // "b1 h7 w14 ci1 co4 ht2 ct1 channel-outer"
};

}  // namespace arco
