// A LOAD alone on the channel takes D + 7 (or 6) cycles and its beats (vta-isa 4.3); a STORE 1 + sum over bursts of
// beats + bubbles + 4 (4.5). Rows that do not begin at a bus word touch one more on average; a row of n elements of
// several beats in u bursts has n - u bubbles.
//
// Tiles along an axis fall into few classes by how they are clipped, so the sum over the plane is a sum over pairs of
// classes.
#include "arco/schedule/transfer_cost.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>

namespace arco {

namespace {

double real(int64_t value) {
  return static_cast<double>(value);
}

// Blocks of `block` bytes that `length` bytes touch when they begin at a multiple of `step` bytes: the least, and the
// mean over all such places.
Two touched(int64_t length, int64_t step, int64_t block) {
  const double whole = real(length / block);
  const int64_t rest = length % block;
  const double least = whole + (rest > 0 ? 1 : 0);
  step = std::gcd(step, block);
  if (step == block) return both(least);
  const double places = real(block / step);
  if (rest == 0) return Two{least, whole + (places - 1) / places};
  const double in_one = real((block - rest) / step + 1);
  return Two{least, whole + 1 + (places - in_one) / places};
}

// Tiles that are clipped alike along an axis.
struct Clip {
  int64_t count = 0;  // tiles
  int64_t inside = 0, before = 0, after = 0;
  int64_t padding() const { return before + after; }
  bool alike(const Clip& other) const {
    return inside == other.inside && before == other.before && after == other.after;
  }
};

struct Clips {
  // Padding is at most 15 pixels a side, so there are at most 31 classes.
  std::array<Clip, 32> classes;
  int size = 0;
  std::span<const Clip> all() const { return {classes.data(), static_cast<size_t>(size)}; }
};

Clips clips_of(int64_t tiles, int64_t tile, int64_t step, int64_t pad, int64_t extent) {
  Clips clips;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t begin = i * step - pad;
    Clip clip;
    clip.before = std::max<int64_t>(0, -begin);
    clip.after = std::max<int64_t>(0, begin + tile - extent);
    clip.inside = tile - clip.before - clip.after;
    int at = clips.size - 1;  // most are like the one before
    while (at >= 0 && !clips.classes[at].alike(clip)) --at;
    if (at < 0) {
      if (clips.size == static_cast<int>(clips.classes.size())) break;
      at = clips.size++;
      clips.classes[at] = clip;
    }
    ++clips.classes[at].count;
  }
  return clips;
}

// An ALU instruction for each padded strip of one plane (lower/pool.cc, lower/pool_stage.cc).
double strips(const Clip& rows, const Clip& columns, int64_t ratio) {
  const double height = real(rows.inside + rows.padding());
  const double width = real((columns.inside + columns.padding()) * ratio);
  double cycles = 0;
  for (const int64_t pad : {rows.before, rows.after}) cycles += pad > 0 ? real(pad) * width + kIssue : 0;
  for (const int64_t pad : {columns.before, columns.after}) {
    cycles += pad > 0 ? real(pad * ratio) * height + kIssue : 0;
  }
  return cycles;
}

// Rows of a single beat get through only about once in three cycles when many follow each other: the 16 outstanding
// requests are used up after about eight, and each such round costs 18 cycles (delay 16).
double single_beat_excess(double rows, double row_beats) {
  constexpr double kRound = 8;
  constexpr double kCost = 18;
  return row_beats < 1.5 && rows > 9 ? kCost * std::floor((rows - 2) / kRound) * (2 - std::max(1.0, row_beats)) : 0;
}

class LoadSum {
 public:
  LoadSum(const PlaneTiles& tiles, int64_t element_bytes, const HardwareConfig& hw)
      : t_(tiles), bus_(hw.bus_bits / 8), pixel_(tiles.ratio * element_bytes), narrow_(element_bytes > bus_) {
    step_ = std::gcd(std::gcd(t_.columns, t_.column_step), t_.pad_left) * pixel_;
    sum_.merged_fixed = load_cycles(0, narrow_);
    sum_.per_position = 1 / real(t_.h_tiles * t_.w_tiles);
  }

  PositionSum run() {
    const Clips rows = clips_of(t_.h_tiles, t_.tile_rows, t_.row_step, t_.pad_top, t_.rows);
    const Clips columns = clips_of(t_.w_tiles, t_.tile_columns, t_.column_step, t_.pad_left, t_.columns);
    for (const Clip& c : columns.all()) {
      const Two row_beats = touched(c.inside * pixel_, step_, bus_);
      for (const Clip& r : rows.all()) {
        if (r.padding() + c.padding() == 0 && c.inside == t_.columns) {
          merged(r, real(r.count * c.count));
        } else {
          plane(r, c, row_beats, real(r.count * c.count));
        }
      }
    }
    return sum_;
  }

 private:
  void merged(const Clip& r, double count) {
    Two beats = touched(r.inside * t_.columns * pixel_, step_, bus_);
    beats[kLeast] = real(r.inside * t_.columns * pixel_) / real(bus_);  // several groups may share a word
    sum_.cycles += count * beats;
    sum_.fixed_cycles += count * sum_.merged_fixed;
    sum_.merged_transfers += count;
    sum_.beats += count * beats;
    sum_.rows += count;
    sum_.least_merged = std::min(sum_.least_merged, beats[kLeast]);
  }

  void plane(const Clip& r, const Clip& c, Two row_beats, double count) {
    const double height = real(r.inside);
    const Two beats = height * row_beats;
    const int64_t all = (r.inside + r.padding()) * (c.inside + c.padding()) * t_.ratio;
    const double pads = real(all - r.inside * c.inside * t_.ratio);
    Two cycles = beats + (load_cycles(0, narrow_) + real(r.before));
    cycles[kMean] += single_beat_excess(height, row_beats[kMean]);
    const double padding = pads + (narrow_ ? ReadTiming::kNarrowPadding : ReadTiming::kWidePadding);
    if (pads > 0) cycles = max(cycles, beats + padding);
    sum_.cycles += count * cycles;
    sum_.transfers += count;
    sum_.beats += count * beats;
    sum_.rows += count * height;
    sum_.least_plane = std::min(sum_.least_plane, cycles[kLeast]);
    sum_.pad_alu += count * strips(r, c, t_.ratio);
  }

  const PlaneTiles& t_;
  int64_t bus_, pixel_, step_ = 1;
  bool narrow_;
  PositionSum sum_;
};

}  // namespace

PlaneTiles input_tiles(const Workload& w, const HardwareConfig& hw, int64_t tile_h, int64_t tile_w) {
  const ActivationLayout in = input_layout(w, hw);
  const Window window = input_window(w);
  PlaneTiles tiles;
  tiles.rows = w.h;
  tiles.columns = w.w;
  tiles.ratio = in.block / in.element;
  tiles.h_tiles = w.oh / tile_h;
  tiles.w_tiles = w.ow / tile_w;
  tiles.tile_rows = (tile_h - 1) * window.stride_h + window.rows;
  tiles.tile_columns = (tile_w - 1) * window.stride_w + window.columns;
  tiles.row_step = tile_h * window.stride_h;
  tiles.column_step = tile_w * window.stride_w;
  tiles.pad_top = window.pads[0];
  tiles.pad_left = window.pads[1];
  return tiles;
}

PlaneTiles output_tiles(const Workload& w, const HardwareConfig& hw, int64_t tile_h, int64_t tile_w) {
  const ActivationLayout out = output_layout(hw);
  PlaneTiles tiles;
  tiles.rows = w.oh;
  tiles.columns = w.ow;
  tiles.ratio = out.block / out.element;
  tiles.h_tiles = w.oh / tile_h;
  tiles.w_tiles = w.ow / tile_w;
  tiles.tile_rows = tiles.row_step = tile_h;
  tiles.tile_columns = tiles.column_step = tile_w;
  return tiles;
}

PlaneTiles sum_tiles(const Workload& w, const HardwareConfig& hw, int64_t tile_h, int64_t tile_w) {
  PlaneTiles tiles = output_tiles(w, hw, tile_h, tile_w);
  if (!w.pool) return tiles;
  tiles.rows = w.pool->h;
  tiles.columns = w.pool->w;
  tiles.tile_rows = (tile_h - 1) * w.pool->stride_h + w.pool->kh;
  tiles.tile_columns = (tile_w - 1) * w.pool->stride_w + w.pool->kw;
  tiles.row_step = tile_h * w.pool->stride_h;
  tiles.column_step = tile_w * w.pool->stride_w;
  tiles.pad_top = w.pool->pads[0];
  tiles.pad_left = w.pool->pads[1];
  return tiles;
}

PositionSum load_sum(const PlaneTiles& tiles, int64_t element_bytes, const HardwareConfig& hw) {
  return LoadSum(tiles, element_bytes, hw).run();
}

PositionSum store_sum(const PlaneTiles& t, const HardwareConfig& hw) {
  const int64_t element_bytes = hw.out_element_bytes();
  const int64_t bus = hw.bus_bits / 8;
  const int64_t burst = bus * hw.max_burst_beats;
  const bool full_rows = t.tile_columns == t.columns;
  const int64_t pixel = t.ratio * element_bytes;
  const int64_t row_elements = t.tile_columns * t.ratio * (full_rows ? t.tile_rows : 1);
  const int64_t length = row_elements * element_bytes;
  const int64_t step = std::gcd(t.columns, t.column_step) * pixel;
  // Whole planes of several groups are one row: no rounding between them.
  const bool whole = full_rows && t.tile_rows == t.rows;
  const Two beats = whole ? both(real(length) / real(bus)) : touched(length, step, bus);
  const Two bursts = whole ? both(real(length) / real(burst)) : touched(length, step, burst);
  const bool bubbles = element_bytes > bus && element_bytes < burst;
  Two row = beats + WriteTiming::kBurst * bursts;
  if (bubbles) row += real(row_elements) - bursts;
  const double positions = real(t.h_tiles * t.w_tiles);
  PositionSum sum;
  sum.per_position = 1 / positions;
  sum.merged_fixed = WriteTiming::kStart;
  if (full_rows) {
    sum.merged_transfers = positions;
    sum.cycles = positions * row;
    sum.fixed_cycles = positions * sum.merged_fixed;
    sum.least_merged = row[kLeast];
  } else {
    const Two cycles = WriteTiming::kStart + real(t.tile_rows) * row;
    sum.transfers = positions;
    sum.cycles = positions * cycles;
    sum.least_plane = cycles[kLeast];
  }
  return sum;
}

}  // namespace arco
