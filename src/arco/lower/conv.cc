// Convolution and dense layers. One output tile per virtual thread and group:
//
//   for each group of tiles (one per thread)
//     for each input channel tile k, for each thread
//       compute: before the first k, load the bias; start the accumulators with it, with the residual, or with zero
//       load:    input and weight tile, unless they are still there
//       compute: GEMM
//       compute: after the last k, bias, shift, [multipliers, shift,] clamp;  store: the tile
//
// With a pool stage the sums have accumulators of their own behind the tile's results. Maxima come before the bias,
// averages after the clamp. With an addition stage the other operand lies there; it is loaded like a residual.
//
// A pair (tile, k) is an item. The load of an item waits for the GEMM that last used the copies it overwrites, which
// with two threads is the one before the previous item: transfer and arithmetic overlap. A thread finishes its tile
// before the other one's last GEMM and starts the next after the other one's first, so that a store has a GEMM and an
// epilogue of the other thread to hide behind.
#include <vector>

#include "arco/base/error.h"
#include "arco/lower/epilogue.h"
#include "arco/lower/pool_stage.h"
#include "arco/lower/tile_pipeline.h"

namespace arco {

namespace {

// Rows of the bias tile of a layer with a scale for each channel (packing.h): its block c starts at c * bias_rows().
constexpr int64_t kMultiplierRow = 1;
constexpr int64_t kResidualMultiplierRow = 2;

class ConvLowering {
 public:
  explicit ConvLowering(const LayerContext& layer)
      : l_(layer),
        g_(layer.geometry),
        gemm_(gemm_loops(layer.workload, layer.schedule, layer.hardware, g_)),
        sums_(range_loops(conv_tile(layer.schedule, g_), layer.hardware)),
        range_(range_loops(requantized_tile(), layer.hardware)),
        bias_(bias_loops(layer.workload, requantized_tile(), layer.hardware, g_)),
        bias_of_sums_(bias_loops(layer.workload, conv_tile(layer.schedule, g_), layer.hardware, g_)),
        inputs_(g_.inp_slots),
        weights_(g_.wgt_slots),
        biases_(g_.bias_slots),
        tiles_(layer.emitter, g_.acc_slots) {}

  void run() {
    for_each_group(l_.schedule, g_, [&](const TileIndex* tiles, int count) { group(tiles, count); });
  }

 private:
  struct OpenTile {
    TileIndex at;
    int64_t slot = 0;
    int64_t acc = 0;   // first accumulator of the results
    int64_t sums = 0;  // first accumulator of what the GEMM adds up: the same without a pool stage
    int64_t bias = 0;  // first bias entry
    bool bias_added = false;
  };

  void group(const TileIndex* tiles, int count) {
    OpenTile open[2];
    for (int64_t k = 0; k < g_.ci_tiles; ++k) {
      for (int t = 0; t < count; ++t) {
        const Operands operands = bring(tiles[t], k);
        if (k == 0) open[t] = begin(tiles[t]);
        multiply(open[t], operands);
        if (k == g_.ci_tiles - 1) end(open[t]);
      }
    }
  }

  OpenTile begin(const TileIndex& at) {
    OpenTile tile;
    tile.at = at;
    tile.slot = tiles_.begin();
    tile.acc = tile.slot * (g_.acc_tile + g_.acc_input);
    tile.sums = l_.workload.pool ? tile.acc + g_.acc_tile : tile.acc;
    if (l_.workload.has_bias) tile.bias = bias(at.co);
    if (l_.workload.has_second_input()) load_second_input(at, l_.workload.add ? addend(tile) : tile.sums);
    if (l_.workload.has_residual) {
      if (l_.workload.channel_scales) {
        l_.emitter.alu(AluOp::kMul, bias_of_sums_, {tile.sums, tile.bias + kResidualMultiplierRow, 0});
      }
      emit_left_shift(l_.emitter, sums_, tile.sums, l_.numbers.residual_shift);
    } else if (l_.workload.has_bias && l_.hardware.variant == IsaVariant::kVtaPlus && !l_.workload.pools_maxima()) {
      l_.emitter.alu(AluOp::kMov, bias_of_sums_, {tile.sums, tile.bias, 0});
      tile.bias_added = true;
    } else {
      l_.emitter.gemm(sums_, {tile.sums, 0, 0}, true);
    }
    return tile;
  }

  void load_second_input(const TileIndex& at, int64_t sram) {
    for_each_transfer(l_.residual_view(), l_.residual_box(at), sram,
                      [&](const Transfer& transfer) { l_.emitter.load(MemoryType::kAcc8, transfer); });
    accumulator_load_ = l_.emitter.last(Module::kCompute);
  }
  // The other operand of an addition stage.
  int64_t addend(const OpenTile& tile) const { return tile.acc + g_.acc_tile; }

  // Where an item's tiles lie, and whether they had to be loaded.
  struct Operands {
    int64_t input = 0, weight = 0;  // first elements
    bool loaded = false;
  };

  Operands bring(const TileIndex& at, int64_t k) {
    const int64_t item = static_cast<int64_t>(gemms_.size());
    const int64_t position = (at.b * g_.h_tiles + at.h) * g_.w_tiles + at.w;
    const Slots::Use input =
        inputs_.use(g_.bundle_co > 0 ? position * g_.co_tiles + at.co : position * g_.ci_tiles + k, item);
    const Slots::Use weight = weights_.use(at.co * g_.ci_tiles + k, item);
    const Operands operands{input.slot * g_.inp_tile, weight.slot * g_.wgt_tile, input.load || weight.load};
    if (operands.loaded) wait_for_gemm(std::max(input.last_user, weight.last_user));
    if (input.load) load_input(at, k, operands.input);
    if (weight.load) load_weight(at, k, operands.weight);
    if (operands.loaded) l_.emitter.signal(l_.emitter.last(Module::kLoad), Module::kCompute);
    return operands;
  }

  void multiply(const OpenTile& tile, const Operands& operands) {
    if (operands.loaded) l_.emitter.wait(Module::kCompute, Module::kLoad);
    l_.emitter.gemm(gemm_, {tile.sums, operands.input, operands.weight});
    gemms_.push_back(l_.emitter.last(Module::kCompute));
  }

  // Tokens carry no names, so the load module waits for compute instructions in their order, for each at most once. It
  // lets a bias or residual that comes after the GEMM go first: on the shared channel they would starve behind the
  // operands of a later item, and the compute module with them.
  void wait_for_gemm(int64_t item) {
    if (item < 0) return;
    const int64_t gemm = gemms_[static_cast<size_t>(item)];
    const int64_t instruction = std::max(gemm, accumulator_load_);
    if (instruction <= waited_) return;
    l_.emitter.signal(instruction, Module::kLoad);
    l_.emitter.wait(Module::kLoad, Module::kCompute);
    waited_ = instruction;
  }

  void load_input(const TileIndex& at, int64_t k, int64_t sram) {
    const Workload& w = l_.workload;
    const Schedule& s = l_.schedule;
    const Window window = input_window(w);
    TensorView view;
    view.base = l_.base_of(SegmentKind::kInput, l_.hardware.inp_element_bytes());
    view.groups = g_.ci_blocks / g_.in_ratio;
    view.rows = w.h;
    view.columns = w.w;
    view.ratio = g_.in_ratio;
    Box box;
    box.b = at.b * s.tile_b;
    box.b_count = s.tile_b;
    box.group = g_.first_input_block(at.co, k, s.tile_co, s.tile_ci) / g_.in_ratio;
    box.group_count = g_.tile_bundles * s.tile_ci / g_.in_ratio;
    box.row = at.h * s.tile_h * window.stride_h - window.pads[0];
    box.row_count = g_.in_rows;
    box.column = at.w * s.tile_w * window.stride_w - window.pads[1];
    box.column_count = g_.in_cols;
    for_each_transfer(view, box, sram, [&](Transfer t) {
      t.pad_is_min = l_.numbers.zeros.pad != 0 && t.pads != std::array<int64_t, 4>{};
      l_.emitter.load(MemoryType::kInp, t);
    });
  }

  void load_weight(const TileIndex& at, int64_t k, int64_t sram) {
    const Schedule& s = l_.schedule;
    const int64_t kernel = l_.workload.kh * l_.workload.kw;
    const int64_t row = g_.wgt_blocks * kernel;  // elements of one output channel block
    Transfer t;
    t.sram = sram;
    t.dram = l_.base_of(SegmentKind::kWeight, l_.hardware.wgt_element_bytes()) + at.co * s.tile_co * row +
             k * s.tile_ci * kernel;
    t.columns = s.tile_ci * kernel;
    t.stride = row;
    if (row <= kMaxTransferSize) {
      t.rows = s.tile_co;
      l_.emitter.load(MemoryType::kWgt, t);
      return;
    }
    for (int64_t co = 0; co < s.tile_co; ++co, t.dram += row, t.sram += t.columns) {
      l_.emitter.load(MemoryType::kWgt, t);
    }
  }

  // First bias entry of an output channel tile, loaded if it is not there.
  int64_t bias(int64_t co) {
    const Slots::Use use = biases_.use(co, ++bias_uses_);
    const int64_t sram = g_.acc_slots * (g_.acc_tile + g_.acc_input) + use.slot * g_.bias_tile;
    if (use.load) {
      Transfer t;
      t.sram = sram;
      t.dram = l_.base_of(SegmentKind::kBias, l_.hardware.acc_element_bytes()) + co * g_.bias_tile;
      t.columns = t.stride = g_.bias_tile;
      l_.emitter.load(MemoryType::kAcc, t);
      accumulator_load_ = l_.emitter.last(Module::kCompute);
    }
    return sram;
  }

  void end(OpenTile& tile) {
    const Workload& w = l_.workload;
    const int64_t requantized = w.pools_averages() ? tile.sums : tile.acc;
    if (w.pools_maxima()) emit_pool_stage(l_, tile.at, tile.acc, tile.sums);
    if (w.has_bias && !tile.bias_added) l_.emitter.alu(AluOp::kAdd, bias_, {requantized, tile.bias, 0});
    if (!w.has_bias && l_.numbers.shift > 0) {
      l_.emitter.alu_immediate(AluOp::kAdd, range_, requantized, rounding_of(l_.numbers.shift));
    }
    Requantize numbers = l_.numbers;
    if (w.channel_scales) {
      if (numbers.shift > 0) l_.emitter.alu_immediate(AluOp::kShr, range_, requantized, numbers.shift);
      l_.emitter.alu(AluOp::kMul, bias_, {requantized, tile.bias + kMultiplierRow, 0});
      numbers.shift = numbers.channels->shift;
    }
    emit_requantize(l_.emitter, l_.hardware, numbers, range_, requantized);
    if (w.pools_averages()) emit_pool_stage(l_, tile.at, tile.acc, tile.sums);
    if (w.add) emit_addition(l_.emitter, l_.hardware, l_.stage_numbers, range_, tile.acc, addend(tile));
    tiles_.end(tile.slot, l_.output_view(), l_.output_box(tile.at), tile.acc);
  }

  // Maxima are requantised, averages are taken of requantised sums.
  Schedule requantized_tile() const { return l_.workload.pools_maxima() ? l_.schedule : conv_tile(l_.schedule, g_); }

  const LayerContext& l_;
  const Geometry& g_;
  const LoopPlan gemm_, sums_, range_;
  const LoopPlan bias_, bias_of_sums_;  // onto what is requantised; onto the sums
  Slots inputs_, weights_, biases_;
  TilePipeline tiles_;
  std::vector<int64_t> gemms_;  // instruction of each item
  int64_t waited_ = -1;
  int64_t accumulator_load_ = -1;  // the compute instruction that last loaded accumulators
  int64_t bias_uses_ = 0;
};

}  // namespace

void lower_conv(const LayerContext& layer) {
  ConvLowering(layer).run();
}

}  // namespace arco
