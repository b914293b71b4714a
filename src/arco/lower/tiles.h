// What every lowering shares: the walk over tiles, transfers between DRAM tensors and tiles, slots that take turns.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "arco/lower/emitter.h"
#include "arco/schedule/geometry.h"

namespace arco {

// Position of an output tile, in tiles.
struct TileIndex {
  int64_t b = 0;
  int64_t h = 0;
  int64_t w = 0;
  int64_t co = 0;
};

// The tiles in the schedule's loop order, in groups of one tile per virtual thread.
void for_each_group(const Schedule& schedule, const Geometry& geometry,
                    const std::function<void(const TileIndex* tiles, int count)>& body);

// A blocked int8 tensor in DRAM seen in elements: [b][group][rows][columns][ratio].
struct TensorView {
  int64_t base = 0;    // element index of its first element
  int64_t groups = 1;  // C / block
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t ratio = 1;  // elements a pixel
};

// A box of a tensor: batch blocks, channel groups, rows and columns, in pixels; row and column ranges may lie partly
// outside, which is padding.
struct Box {
  int64_t b = 0, b_count = 1;
  int64_t group = 0, group_count = 1;
  int64_t row = 0, row_count = 1;
  int64_t column = 0, column_count = 1;
};

// Calls `emit` with the fewest 2-D transfers between the box and a dense tile [b][group][row][column][ratio] at `sram`.
void for_each_transfer(const TensorView& tensor, const Box& box, int64_t sram,
                       const std::function<void(const Transfer&)>& emit);

// Up to two copies of a tile that hold keys; the copy used last is never the one given away.
class Slots {
 public:
  explicit Slots(int64_t count) : count_(static_cast<int>(count)) {}
  struct Use {
    int slot = 0;
    bool load = false;       // the content must be brought first
    int64_t last_user = -1;  // then: the item that used the copy last, -1 if none
  };
  // `item` uses the content `key`.
  Use use(int64_t key, int64_t item);

 private:
  int count_;
  std::array<int64_t, 2> key_{-1, -1};
  std::array<int64_t, 2> user_{-1, -1};
};

}  // namespace arco
