#include "arco/schedule/schedule.h"

#include <fmt/format.h>

namespace arco {

std::string Schedule::to_string() const {
  return fmt::format("b{} h{} w{} ci{} co{} ht{} ct{} {}", tile_b, tile_h, tile_w, tile_ci, tile_co, h_threads,
                     oc_threads, order == LoopOrder::kSpatialOuter ? "spatial-outer" : "channel-outer");
}

}  // namespace arco
