// Sizes that follow from a workload, a schedule and an accelerator: layouts in DRAM, tiles in the scratchpads, loop
// counts. Legality, estimate and lowering all read them from here.
#pragma once

#include <array>
#include <cstdint>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/loop_nest.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"

namespace arco {

// An int8 tensor in DRAM: [N/batch][C/block][H][W][block/element][batch][element]. For batch 1 the element does not
// matter: a pixel is `block` consecutive channels.
struct ActivationLayout {
  int64_t batch = 1;
  int64_t block = 16;
  int64_t element = 16;
  // True when both orders place every scalar at the same byte.
  bool same_bytes(const ActivationLayout& other) const {
    return batch == other.batch && block == other.block && (batch == 1 || element == other.element);
  }
  int64_t bytes(int64_t n, int64_t c, int64_t h, int64_t w) const;
};

// What the layer reads and writes. Tensors between layers are blocked by the larger of BLOCK_IN and BLOCK_OUT, the
// smaller side then moves several elements a pixel. Where that would need more than 15 elements of padding beside a
// row, and where the host writes the tensor anyway, the input is blocked by its own element.
ActivationLayout input_layout(const Workload& workload, const HardwareConfig& hardware);
ActivationLayout output_layout(const HardwareConfig& hardware);

constexpr int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}
// Limits of instruction fields (vta-isa 2.3, 2.4).
constexpr int64_t kMaxTransferSize = (1 << 16) - 1;
constexpr int64_t kMaxPad = 15;
// The largest right shift whose rounding constant is an immediate.
constexpr int kImmediateShift = 15;

// What one result of a layer sees of the input, in pixels: the window of the convolution or pooling; with a pool stage
// the windows of all convolutions that it takes.
struct Window {
  int64_t rows = 1, columns = 1;
  int64_t stride_h = 1, stride_w = 1;
  std::array<int64_t, 4> pads{0, 0, 0, 0};  // top, left, bottom, right
};
Window input_window(const Workload& workload);

// A grouped convolution on blocks of channels: the fewest groups whose input and output channels both fill whole blocks
// of the layouts are a bundle. Bundles are independent of each other; inside of one the convolution is dense, with zero
// weights between its groups. `count` is 1 for convolutions of one group, and where the channels of all bundles do not
// make up the blocks of the tensors exactly.
struct Bundles {
  int64_t count = 1;
  int64_t ci = 0, co = 0;  // channel blocks (elements) of one bundle; of all channels if count is 1
};
Bundles bundles_of(const Workload& workload, const HardwareConfig& hardware);

struct Geometry {
  // Blocks in DRAM. Input elements a pixel (in_ratio) and output elements a pixel (out_ratio) are 1 unless
  // BLOCK_IN != BLOCK_OUT.
  int64_t batch_blocks = 1;
  int64_t ci_blocks = 1;  // of the input element; for pooling and addition the element is BLOCK_OUT wide
  int64_t co_blocks = 1;
  int64_t wgt_blocks = 1;  // input channel blocks that an output channel block has weights for
  int64_t in_ratio = 1;
  int64_t out_ratio = 1;
  // Tiles along each axis.
  int64_t b_tiles = 1, h_tiles = 1, w_tiles = 1, ci_tiles = 1, co_tiles = 1;
  // With bundles: output blocks of a bundle (else 0), and bundles in a tile. Every output channel tile has input tiles
  // of its own then, of tile_bundles * tile_ci blocks.
  int64_t bundle_co = 0;
  int64_t tile_bundles = 1;
  // One input tile in pixels, halo included; and the convolution's results in a tile, more than tile_h x tile_w only if
  // they are pooled.
  int64_t in_rows = 1, in_cols = 1;
  int64_t conv_rows = 1, conv_cols = 1;
  // Elements of one tile in each buffer; acc_tile holds the results, acc_input what they are made of: what pooling and
  // addition load, the sums that a pool stage reads, the other operand of an addition stage.
  int64_t inp_tile = 0, wgt_tile = 0, acc_tile = 0, acc_input = 0, bias_tile = 0;
  // Copies of each tile that take turns.
  int threads = 1;
  int64_t inp_slots = 1, wgt_slots = 1, acc_slots = 1, bias_slots = 1;

  // The first input channel block of an output channel tile and step `k` over the input channels.
  int64_t first_input_block(int64_t co_tile, int64_t k, int64_t tile_co, int64_t tile_ci) const {
    return bundle_co > 0 ? co_tile * tile_co / bundle_co * wgt_blocks : k * tile_ci;
  }
  int64_t output_tiles() const { return b_tiles * h_tiles * w_tiles * co_tiles; }
  int64_t inp_elements() const { return inp_slots * inp_tile; }
  int64_t wgt_elements() const { return wgt_slots * wgt_tile; }
  int64_t acc_elements() const { return acc_slots * (acc_tile + acc_input) + bias_slots * bias_tile; }
};

Geometry geometry_of(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware);

// Axes that the schedule's tiles must divide: batch blocks, output rows and columns, input and output channel blocks.
struct Extents {
  int64_t b = 1, h = 1, w = 1, ci = 1, co = 1;
  int64_t ci_step = 1, co_step = 1;  // tile_ci and tile_co are multiples of these
};
Extents extents_of(const Workload& workload, const HardwareConfig& hardware);

// The schedule with the convolution's results for its tiles: what the loops below take to work on them where they are
// pooled, and the schedule itself where they are not.
Schedule conv_tile(const Schedule& schedule, const Geometry& geometry);

// The loops of one GEMM over a tile, and of one ALU operation between the accumulator tile and `src` laid out as the
// input tile of pooling, or as the sums that a pool stage reads (strides of the window).
LoopLimits gemm_limits(const HardwareConfig& hardware);
LoopLimits alu_limits(const HardwareConfig& hardware);
LoopPlan gemm_loops(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware,
                    const Geometry& geometry);
LoopPlan window_loops(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware,
                      const Geometry& geometry);
// Broadcasting one element per output channel block (bias) over the tile: src is the bias index, in steps of
// bias_rows().
LoopPlan bias_loops(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware,
                    const Geometry& geometry);
// Every entry of the accumulator tile, src = dst.
LoopPlan range_loops(const Schedule& schedule, const HardwareConfig& hardware);
// rows x columns of every plane of the sums that a pool stage reads, src = dst.
LoopPlan strip_loops(const Schedule& schedule, const HardwareConfig& hardware, const Geometry& geometry, int64_t rows,
                     int64_t columns);

}  // namespace arco
