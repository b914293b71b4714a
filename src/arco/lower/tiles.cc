#include "arco/lower/tiles.h"

#include <algorithm>

namespace arco {

void for_each_group(const Schedule& s, const Geometry& g,
                    const std::function<void(const TileIndex* tiles, int count)>& body) {
  const int64_t h_groups = ceil_div(g.h_tiles, s.h_threads);
  const int64_t co_groups = ceil_div(g.co_tiles, s.oc_threads);
  const int64_t spatial = g.b_tiles * h_groups * g.w_tiles;
  const auto visit = [&](int64_t position, int64_t co_group) {
    const int64_t h_group = position / g.w_tiles % h_groups;
    const TileIndex first{position / g.w_tiles / h_groups, h_group * s.h_threads, position % g.w_tiles,
                          co_group * s.oc_threads};
    std::array<TileIndex, 2> tiles{first, first};
    int count = 1;
    if (s.h_threads == 2 && first.h + 1 < g.h_tiles) tiles[count++].h += 1;
    if (s.oc_threads == 2 && first.co + 1 < g.co_tiles) tiles[count++].co += 1;
    body(tiles.data(), count);
  };
  if (s.order == LoopOrder::kSpatialOuter) {
    for (int64_t position = 0; position < spatial; ++position) {
      for (int64_t co = 0; co < co_groups; ++co) visit(position, co);
    }
  } else {
    for (int64_t co = 0; co < co_groups; ++co) {
      for (int64_t position = 0; position < spatial; ++position) visit(position, co);
    }
  }
}

namespace {

// The part of [begin, begin + count) inside [0, size), and the padding on both sides.
struct Clipped {
  int64_t begin, count, pad_before, pad_after;
};
Clipped clip(int64_t begin, int64_t count, int64_t size) {
  const int64_t before = std::max<int64_t>(0, -begin);
  const int64_t after = std::max<int64_t>(0, begin + count - size);
  return {begin + before, count - before - after, before, after};
}

bool fits(int64_t size) {
  return size <= kMaxTransferSize;
}

}  // namespace

void for_each_transfer(const TensorView& t, const Box& box, int64_t sram,
                       const std::function<void(const Transfer&)>& emit) {
  const Clipped rows = clip(box.row, box.row_count, t.rows);
  const Clipped columns = clip(box.column, box.column_count, t.columns);
  const int64_t row_elements = t.columns * t.ratio;
  const int64_t plane = t.rows * row_elements;
  const int64_t tile_plane = box.row_count * box.column_count * t.ratio;
  const bool padded = rows.pad_before + rows.pad_after + columns.pad_before + columns.pad_after > 0;
  // Full rows are contiguous: one row of the transfer holds them all, and its rows may then walk over channel groups;
  // whole planes are contiguous across groups, too.
  const bool full_rows = !padded && columns.count == t.columns && fits(rows.count * row_elements);
  const bool whole_planes = full_rows && rows.count == t.rows && fits(box.group_count * plane);
  const bool walk_groups = full_rows && !whole_planes && fits(plane) && fits(box.group_count) && box.group_count > 1;
  for (int64_t b = 0; b < box.b_count; ++b) {
    const int64_t step = whole_planes || walk_groups ? box.group_count : 1;
    for (int64_t group = 0; group < box.group_count; group += step) {
      Transfer out;
      out.sram = sram + (b * box.group_count + group) * tile_plane;
      out.dram = t.base + ((box.b + b) * t.groups + box.group + group) * plane + rows.begin * row_elements +
                 columns.begin * t.ratio;
      if (whole_planes) {
        out.columns = out.stride = box.group_count * plane;
      } else if (walk_groups) {
        out.rows = box.group_count;
        out.columns = rows.count * row_elements;
        out.stride = plane;
      } else if (full_rows) {
        out.columns = out.stride = rows.count * row_elements;
      } else {
        out.rows = rows.count;
        out.columns = columns.count * t.ratio;
        out.stride = row_elements;
        out.pads = {rows.pad_before, columns.pad_before * t.ratio, rows.pad_after, columns.pad_after * t.ratio};
      }
      emit(out);
    }
  }
}

Slots::Use Slots::use(int64_t key, int64_t item) {
  for (int slot = 0; slot < count_; ++slot) {
    if (key_[slot] == key) {
      user_[slot] = item;
      return {slot, false, -1};
    }
  }
  const int slot = count_ == 2 && user_[1] < user_[0] ? 1 : 0;
  const Use use{slot, true, user_[slot]};
  key_[slot] = key;
  user_[slot] = item;
  return use;
}

}  // namespace arco
