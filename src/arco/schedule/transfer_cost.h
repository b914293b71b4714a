// Cycles and bus beats of moving one tile between DRAM and a scratchpad, summed over all positions of the tile in the
// plane: borders are padded, rows lie differently in the words of the bus. Built once per tile size.
#pragma once

#include <cstdint>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/geometry.h"

namespace arco {

// Timing constants of generation G2 (vta-isa 4.2 to 4.7), in cycles; sim/cycle.h has the same for all generations.
struct ReadTiming {
  static constexpr double kDelay = 16;         // memory delay of a read that finds the channel idle
  static constexpr double kNarrowFixed = 7;    // a LOAD beside delay and beats, elements wider than the bus
  static constexpr double kWideFixed = 6;      // the same, other elements
  static constexpr double kNarrowPadding = 3;  // with P pad entries a LOAD takes at least beats + P + this
  static constexpr double kWidePadding = 2;
};
struct WriteTiming {
  static constexpr double kStart = 1;  // of a STORE
  static constexpr double kBurst = 4;  // of a burst beside its beats and bubbles
};

// A LOAD of `beats` with nothing else on the channel.
double load_cycles(double beats, bool narrow);

// What a sum over positions is, per channel group: one transfer for each group, or one for all groups ("merged") where
// the rows of the tile are contiguous in DRAM.
struct PositionSum {
  double plane_cycles = 0;  // transfers of their own: cycles and number, per group
  double plane_count = 0;
  double merged_cycles = 0;  // merged: cycles per group beside those of a transfer
  double merged_count = 0;
  double merged_fixed = 0;  // of one merged transfer
  double beats = 0;         // per group
  double bursts = 0;        // per group, at least
  double pad_alu = 0;       // ALU cycles of lowering the padding, per group
  // The cheapest position.
  double least_plane = 0;
  double least_merged = 0;

  double cycles(double groups) const { return groups * (plane_cycles + merged_cycles) + merged_count * merged_fixed; }
  double transfers(double groups) const { return groups * plane_count + merged_count; }
  double least(double groups) const;
};

// `mean`: rows that begin anywhere in a bus word cost what they cost on average; otherwise a lower bound.
enum class Rounding : uint8_t { kLeast, kMean };

// Tiles of a plane that is padded where they reach beyond it.
struct PlaneTiles {
  int64_t rows = 1, columns = 1;  // of the plane in DRAM, pixels
  int64_t ratio = 1;              // elements a pixel
  int64_t h_tiles = 1, w_tiles = 1;
  int64_t tile_rows = 1, tile_columns = 1;  // with halo
  int64_t row_step = 1, column_step = 1;    // from tile to tile
  int64_t pad_top = 0, pad_left = 0;
};
// Input tiles of a convolution or pooling for tiles of tile_h x tile_w results.
PlaneTiles input_tiles(const Workload& workload, const HardwareConfig& hardware, int64_t tile_h, int64_t tile_w);
// Result (or residual) tiles.
PlaneTiles output_tiles(const Workload& workload, const HardwareConfig& hardware, int64_t tile_h, int64_t tile_w);

PositionSum load_sum(const PlaneTiles& tiles, int64_t element_bytes, const HardwareConfig& hardware, Rounding rounding);
PositionSum store_sum(const PlaneTiles& tiles, const HardwareConfig& hardware, Rounding rounding);

}  // namespace arco
