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
#include <limits>
#include <numeric>

namespace arco {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Blocks of `block` bytes that `length` bytes touch when they begin at a multiple of `step` bytes: the mean over all
// such places, or the least.
double touched(int64_t length, int64_t step, int64_t block, Rounding rounding) {
  const int64_t whole = length / block;
  const int64_t rest = length % block;
  step = std::gcd(step, block);
  if (step == block || rounding == Rounding::kLeast) return static_cast<double>(whole + (rest > 0 ? 1 : 0));
  const double places = static_cast<double>(block / step);
  if (rest == 0) return static_cast<double>(whole) + (places - 1) / places;
  const double in_one = static_cast<double>((block - rest) / step + 1);
  return static_cast<double>(whole) + 1 + (places - in_one) / places;
}

// Tiles that are clipped alike along an axis.
struct Clip {
  int64_t count = 0;  // tiles
  int64_t inside = 0, before = 0, after = 0;
  bool operator==(const Clip& other) const {
    return inside == other.inside && before == other.before && after == other.after;
  }
};

struct Clips {
  std::array<Clip, 40> classes;
  int size = 0;
};

Clips clips_of(int64_t tiles, int64_t tile, int64_t step, int64_t pad, int64_t extent) {
  Clips clips;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t begin = i * step - pad;
    Clip clip;
    clip.before = std::max<int64_t>(0, -begin);
    clip.after = std::max<int64_t>(0, begin + tile - extent);
    clip.inside = tile - clip.before - clip.after;
    const auto end = clips.classes.begin() + clips.size;
    auto found = std::find(clips.classes.begin(), end, clip);
    // Padding is at most 15 pixels a side, so there are at most 31 classes.
    if (found == end) {
      if (clips.size == static_cast<int>(clips.classes.size())) break;
      *found = clip;
      ++clips.size;
    }
    ++found->count;
  }
  return clips;
}

// ALU instructions that lower the padded strips of one plane (lower/pool.cc).
double strips(const Clip& rows, const Clip& columns, int64_t ratio) {
  const auto height = static_cast<double>(rows.before + rows.inside + rows.after);
  const auto width = static_cast<double>((columns.before + columns.inside + columns.after) * ratio);
  double cycles = 0;
  for (const int64_t pad : {rows.before, rows.after}) cycles += pad > 0 ? static_cast<double>(pad) * width + 7 : 0;
  for (const int64_t pad : {columns.before, columns.after}) {
    cycles += pad > 0 ? static_cast<double>(pad * ratio) * height + 7 : 0;
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

}  // namespace

double load_cycles(double beats, bool narrow) {
  return beats + ReadTiming::kDelay + (narrow ? ReadTiming::kNarrowFixed : ReadTiming::kWideFixed);
}

double PositionSum::least(double groups) const {
  const double plane = plane_count > 0 ? groups * least_plane : kInfinity;
  const double merged = merged_count > 0 ? merged_fixed + groups * least_merged : kInfinity;
  return std::min(plane, merged);
}

PlaneTiles input_tiles(const Workload& w, const HardwareConfig& hw, int64_t tile_h, int64_t tile_w) {
  const ActivationLayout in = input_layout(w, hw);
  PlaneTiles tiles;
  tiles.rows = w.h;
  tiles.columns = w.w;
  tiles.ratio = in.block / in.element;
  tiles.h_tiles = w.oh / tile_h;
  tiles.w_tiles = w.ow / tile_w;
  tiles.tile_rows = (tile_h - 1) * w.stride_h + (w.kh - 1) * w.dilation_h + 1;
  tiles.tile_columns = (tile_w - 1) * w.stride_w + (w.kw - 1) * w.dilation_w + 1;
  tiles.row_step = tile_h * w.stride_h;
  tiles.column_step = tile_w * w.stride_w;
  tiles.pad_top = w.pads[0];
  tiles.pad_left = w.pads[1];
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

PositionSum load_sum(const PlaneTiles& t, int64_t element_bytes, const HardwareConfig& hw, Rounding rounding) {
  const int64_t bus = hw.bus_bits / 8;
  const bool narrow = element_bytes > bus;
  const double padding_fixed = narrow ? ReadTiming::kNarrowPadding : ReadTiming::kWidePadding;
  const int64_t pixel = t.ratio * element_bytes;
  const int64_t step = std::gcd(std::gcd(t.columns, t.column_step), t.pad_left) * pixel;
  const Clips rows = clips_of(t.h_tiles, t.tile_rows, t.row_step, t.pad_top, t.rows);
  const Clips columns = clips_of(t.w_tiles, t.tile_columns, t.column_step, t.pad_left, t.columns);
  PositionSum sum;
  sum.merged_fixed = load_cycles(0, narrow);
  sum.least_plane = sum.least_merged = kInfinity;
  for (int i = 0; i < rows.size; ++i) {
    const Clip& r = rows.classes[i];
    for (int j = 0; j < columns.size; ++j) {
      const Clip& c = columns.classes[j];
      const auto count = static_cast<double>(r.count * c.count);
      const auto height = static_cast<double>(r.inside);
      const bool padded = r.before + r.after + c.before + c.after > 0;
      if (!padded && c.inside == t.columns) {
        const double beats = rounding == Rounding::kMean
                                 ? touched(r.inside * t.columns * pixel, step, bus, rounding)
                                 : height * static_cast<double>(t.columns * pixel) / static_cast<double>(bus);
        sum.merged_cycles += count * beats;
        sum.merged_count += count;
        sum.beats += count * beats;
        sum.least_merged = std::min(sum.least_merged, beats);
        continue;
      }
      const double row_beats = touched(c.inside * pixel, step, bus, rounding);
      const double beats = height * row_beats;
      const auto all = static_cast<double>((r.before + r.inside + r.after) * (c.before + c.inside + c.after) * t.ratio);
      const double pads = all - height * static_cast<double>(c.inside * t.ratio);
      double cycles = load_cycles(beats, narrow) + static_cast<double>(r.before);
      if (rounding == Rounding::kMean) cycles += single_beat_excess(height, row_beats);
      if (pads > 0) cycles = std::max(cycles, beats + pads + padding_fixed);
      sum.plane_cycles += count * cycles;
      sum.plane_count += count;
      sum.beats += count * beats;
      sum.least_plane = std::min(sum.least_plane, cycles);
      sum.pad_alu += count * strips(r, c, t.ratio);
    }
  }
  return sum;
}

PositionSum store_sum(const PlaneTiles& t, const HardwareConfig& hw, Rounding rounding) {
  const int64_t element_bytes = hw.out_element_bytes();
  const int64_t bus = hw.bus_bits / 8;
  const int64_t burst = bus * hw.max_burst_beats;
  const bool full_rows = t.tile_columns == t.columns;
  const int64_t pixel = t.ratio * element_bytes;
  const int64_t row_elements = t.tile_columns * t.ratio * (full_rows ? t.tile_rows : 1);
  const int64_t length = row_elements * element_bytes;
  const int64_t step = std::gcd(t.columns, t.column_step) * pixel;
  const bool whole = full_rows && t.tile_rows == t.rows;
  const auto per = [](int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); };
  // Whole planes of several groups are one row: no rounding between them.
  const double beats = whole ? per(length, bus) : touched(length, step, bus, rounding);
  const double bursts = whole ? per(length, burst) : touched(length, step, burst, rounding);
  const bool narrow = element_bytes > bus && element_bytes < burst;
  const double bubbles = narrow ? static_cast<double>(row_elements) - bursts : 0;
  const double row = beats + bubbles + WriteTiming::kBurst * bursts;
  const auto positions = static_cast<double>(t.h_tiles * t.w_tiles);
  const double rows = full_rows ? 1 : static_cast<double>(t.tile_rows);
  PositionSum sum;
  sum.beats = positions * rows * beats;
  sum.bursts = positions * rows * bursts;
  sum.merged_fixed = WriteTiming::kStart;
  if (full_rows) {
    sum.merged_count = positions;
    sum.merged_cycles = positions * row;
    sum.least_merged = row;
  } else {
    sum.plane_count = positions;
    sum.plane_cycles = positions * (WriteTiming::kStart + rows * row);
    sum.least_plane = WriteTiming::kStart + rows * row;
  }
  return sum;
}

}  // namespace arco
