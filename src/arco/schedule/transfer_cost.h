// Cycles and bus beats of moving one tile between DRAM and a scratchpad, summed over all positions of the tile in the
// plane: borders are padded, rows lie differently in the words of the bus. Computed once per tile size.
#pragma once

#include <cstdint>
#include <limits>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/geometry.h"
#include "arco/schedule/two.h"

namespace arco {

// Timing constants of generation G2 (vta-isa 4.2 to 4.7), in cycles; sim/cycle.h has them for all generations.
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
constexpr double kIssue = 7;  // an instruction of the compute module beside its steps

// A LOAD of `beats` with nothing else on the channel.
constexpr double load_cycles(double beats, bool narrow) {
  return beats + ReadTiming::kDelay + (narrow ? ReadTiming::kNarrowFixed : ReadTiming::kWideFixed);
}

// A sum over the positions, per channel group unless said otherwise: one transfer for each group, or one for all groups
// ("merged") where the rows of the tile are contiguous in DRAM.
struct alignas(4 * sizeof(double)) PositionSum {
  Two cycles{};                 // all transfers, fixed_cycles apart
  Two beats{};                  // all transfers
  double fixed_cycles = 0;      // of the merged ones, whatever the groups
  double transfers = 0;         // separate ones
  double merged_transfers = 0;  // whatever the groups
  double merged_fixed = 0;      // cycles of a merged transfer, whatever the groups
  double rows = 0;              // rows moved
  double pad_alu = 0;           // ALU cycles of passing over the padding once
  double per_position = 1;      // 1 / positions
  // The cheapest position whose transfers are separate, or merged; infinite if there is none.
  double least_plane = std::numeric_limits<double>::infinity();
  double least_merged = std::numeric_limits<double>::infinity();
};

// Tiles of a plane that is padded where they reach beyond it.
struct PlaneTiles {
  int64_t rows = 1, columns = 1;  // of the plane in DRAM, pixels
  int64_t ratio = 1;              // elements a pixel
  int64_t h_tiles = 1, w_tiles = 1;
  int64_t tile_rows = 1, tile_columns = 1;  // with halo
  int64_t row_step = 1, column_step = 1;    // from tile to tile
  int64_t pad_top = 0, pad_left = 0;
};
// Input tiles of a convolution or pooling, and result (or residual) tiles, for tile_h x tile_w results.
PlaneTiles input_tiles(const Workload& workload, const HardwareConfig& hardware, int64_t tile_h, int64_t tile_w);
PlaneTiles output_tiles(const Workload& workload, const HardwareConfig& hardware, int64_t tile_h, int64_t tile_w);
// The convolution's results that a tile of pooled ones is made of; output_tiles() without a pool stage.
PlaneTiles sum_tiles(const Workload& workload, const HardwareConfig& hardware, int64_t tile_h, int64_t tile_w);

PositionSum load_sum(const PlaneTiles& tiles, int64_t element_bytes, const HardwareConfig& hardware);
PositionSum store_sum(const PlaneTiles& tiles, const HardwareConfig& hardware);

}  // namespace arco
