// Index formulas, r = elements a pixel (in_ratio or out_ratio):
//   INP tile   [tile_b][bundles][tile_ci/r][in_rows][in_cols][r]
//   WGT tile   [tile_co][tile_ci][KH][KW]
//   ACC tile   [tile_b][tile_co/r][tile_h][tile_w][r]
//   sums that a pool stage reads   [tile_b][tile_co/r][conv_rows][conv_cols][r]
#include "arco/schedule/geometry.h"

#include <algorithm>
#include <numeric>

namespace arco {

int64_t ActivationLayout::bytes(int64_t n, int64_t c, int64_t h, int64_t w) const {
  return ceil_div(n, batch) * batch * ceil_div(c, block) * block * h * w;
}

namespace {
int64_t larger_block(const HardwareConfig& hardware) {
  return std::max(hardware.block_in(), hardware.block_out());
}
}  // namespace

Window input_window(const Workload& w) {
  Window window{(w.kh - 1) * w.dilation_h + 1, (w.kw - 1) * w.dilation_w + 1, w.stride_h, w.stride_w, w.pads};
  if (!w.pool) return window;
  const PoolStage& pool = *w.pool;
  window.rows += (pool.kh - 1) * w.stride_h;
  window.columns += (pool.kw - 1) * w.stride_w;
  window.stride_h *= pool.stride_h;
  window.stride_w *= pool.stride_w;
  window.pads[0] += pool.pads[0] * w.stride_h;
  window.pads[1] += pool.pads[1] * w.stride_w;
  window.pads[2] = std::max<int64_t>(0, (w.oh - 1) * window.stride_h + window.rows - w.h - window.pads[0]);
  window.pads[3] = std::max<int64_t>(0, (w.ow - 1) * window.stride_w + window.columns - w.w - window.pads[1]);
  return window;
}

ActivationLayout input_layout(const Workload& workload, const HardwareConfig& hardware) {
  const int64_t element = workload.kind == WorkloadKind::kConv2d ? hardware.block_in() : hardware.block_out();
  const int64_t block = larger_block(hardware);
  const Window window = input_window(workload);
  const int64_t pad = std::max(window.pads[1], window.pads[3]);
  const bool own_block = workload.host_input || pad * (block / element) > kMaxPad;
  return {hardware.batch(), own_block ? element : block, element};
}

ActivationLayout output_layout(const HardwareConfig& hardware) {
  return {hardware.batch(), larger_block(hardware), hardware.block_out()};
}

Bundles bundles_of(const Workload& w, const HardwareConfig& hardware) {
  const ActivationLayout in = input_layout(w, hardware);
  const ActivationLayout out = output_layout(hardware);
  const int64_t ci = ceil_div(w.ci, in.block) * in.block;
  const int64_t co = ceil_div(w.co, out.block) * out.block;
  Bundles bundles{1, ci / in.element, co / out.element};
  if (w.groups == 1) return bundles;
  const int64_t group_ci = w.ci / w.groups;
  const int64_t group_co = w.co / w.groups;
  // Blocks are powers of two, so the larger of the two multiples is one of both.
  const int64_t groups = std::max(in.block / std::gcd(in.block, group_ci), out.block / std::gcd(out.block, group_co));
  const int64_t count = ceil_div(w.groups, groups);
  if (count * groups * group_ci != ci || count * groups * group_co != co) return bundles;
  return {count, bundles.ci / count, bundles.co / count};
}

Extents extents_of(const Workload& workload, const HardwareConfig& hardware) {
  const ActivationLayout in = input_layout(workload, hardware);
  const ActivationLayout out = output_layout(hardware);
  Extents extents;
  extents.b = ceil_div(workload.n, hardware.batch());
  extents.h = workload.oh;
  extents.w = workload.ow;
  extents.co_step = out.block / out.element;
  extents.co = ceil_div(workload.co, out.block) * extents.co_step;
  if (workload.kind == WorkloadKind::kConv2d) {
    extents.ci_step = in.block / in.element;
    extents.ci = ceil_div(workload.ci, in.block) * extents.ci_step * workload.plane;
    const Bundles bundles = bundles_of(workload, hardware);
    // A tile holds all input channels of its bundles.
    if (bundles.count > 1) extents.ci = extents.ci_step = bundles.ci;
  }
  return extents;
}

namespace {

void set_tiles(const Workload& workload, const Schedule& s, Geometry& g) {
  const int64_t channels = s.tile_b * s.tile_co;
  g.acc_tile = channels * s.tile_h * s.tile_w;
  g.threads = s.h_threads * s.oc_threads;
  if (workload.kind == WorkloadKind::kConv2d) {
    g.inp_tile = s.tile_b * g.tile_bundles * s.tile_ci * g.in_rows * g.in_cols;
    g.wgt_tile = s.tile_co * s.tile_ci * workload.kh * workload.kw;
    g.bias_tile = s.tile_co * workload.bias_rows();
    g.acc_input = workload.pool || workload.add ? channels * g.conv_rows * g.conv_cols : 0;
  } else {
    g.acc_input = channels * g.in_rows * g.in_cols;
    g.bias_tile = workload.kind == WorkloadKind::kAveragePool ? 1 : 0;  // the rounding constant
  }
}

// A buffer that never changes its content needs one copy, whatever the threads.
void set_slots(bool conv, Geometry& g) {
  const int64_t threads = g.threads;
  const int64_t channel_tiles = g.bundle_co > 0 ? g.co_tiles : g.ci_tiles;
  g.inp_slots = std::min(threads, g.b_tiles * g.h_tiles * g.w_tiles * channel_tiles);
  g.wgt_slots = std::min(threads, g.co_tiles * g.ci_tiles);
  g.acc_slots = std::min(threads, g.output_tiles());
  g.bias_slots = conv ? std::min(threads, g.co_tiles) : 1;
}

}  // namespace

Geometry geometry_of(const Workload& workload, const Schedule& s, const HardwareConfig& hardware) {
  const Extents extents = extents_of(workload, hardware);
  const ActivationLayout in = input_layout(workload, hardware);
  Geometry g;
  g.batch_blocks = extents.b;
  g.co_blocks = extents.co;
  g.out_ratio = extents.co_step;
  g.in_ratio = in.block / in.element;
  g.ci_blocks = ceil_div(workload.ci, in.block) * g.in_ratio * workload.plane;
  g.wgt_blocks = extents.ci;
  g.b_tiles = extents.b / s.tile_b;
  g.h_tiles = extents.h / s.tile_h;
  g.w_tiles = extents.w / s.tile_w;
  g.co_tiles = extents.co / s.tile_co;
  g.ci_tiles = extents.ci / s.tile_ci;
  const Window window = input_window(workload);
  g.in_rows = (s.tile_h - 1) * window.stride_h + window.rows;
  g.in_cols = (s.tile_w - 1) * window.stride_w + window.columns;
  const PoolStage one_to_one;
  const PoolStage& pool = workload.pool ? *workload.pool : one_to_one;
  g.conv_rows = (s.tile_h - 1) * pool.stride_h + pool.kh;
  g.conv_cols = (s.tile_w - 1) * pool.stride_w + pool.kw;
  if (const Bundles bundles = bundles_of(workload, hardware); bundles.count > 1) {
    g.bundle_co = bundles.co;
    g.tile_bundles = std::max<int64_t>(1, s.tile_co / bundles.co);
  }
  set_tiles(workload, s, g);
  set_slots(workload.kind == WorkloadKind::kConv2d, g);
  return g;
}

LoopLimits gemm_limits(const HardwareConfig& hardware) {
  LoopLimits limits;
  limits.dst = hardware.acc_depth() - 1;
  limits.src = hardware.inp_depth() - 1;
  limits.wgt = hardware.wgt_depth() - 1;
  return limits;
}

LoopLimits alu_limits(const HardwareConfig& hardware) {
  LoopLimits limits;
  limits.dst = limits.src = std::min<int64_t>(hardware.acc_depth(), 1 << 11) - 1;
  return limits;
}

Schedule conv_tile(const Schedule& schedule, const Geometry& g) {
  Schedule tile = schedule;
  tile.tile_h = g.conv_rows;
  tile.tile_w = g.conv_cols;
  return tile;
}

LoopPlan gemm_loops(const Workload& w, const Schedule& s, const HardwareConfig& hardware, const Geometry& g) {
  const int64_t kernel = w.kh * w.kw;
  const int64_t ri = g.in_ratio;
  const int64_t ro = g.out_ratio;
  const int64_t in_plane = g.in_rows * g.in_cols * ri;
  const int64_t out_plane = g.conv_rows * g.conv_cols * ro;
  const int64_t bundles = g.tile_bundles;
  const int64_t co_groups = s.tile_co / ro / bundles;  // pixels' worth of output channels in a bundle
  const int64_t ci_groups = s.tile_ci / ri;
  const AffineLoop loops[] = {
      {bundles, co_groups * out_plane, ci_groups * in_plane, co_groups * ro * s.tile_ci * kernel},
      {ci_groups, 0, in_plane, ri * kernel},                                           // input channel groups
      {ri, 0, 1, kernel},                                                              // input elements of a pixel
      {w.kh, 0, w.dilation_h * g.in_cols * ri, w.kw},                                  // kernel rows
      {w.kw, 0, w.dilation_w * ri, 1},                                                 // kernel columns
      {s.tile_b, bundles * co_groups * out_plane, bundles * ci_groups * in_plane, 0},  // batch blocks
      {co_groups, out_plane, 0, ro * s.tile_ci * kernel},                              // output channel groups
      {g.conv_rows, g.conv_cols * ro, w.stride_h * g.in_cols * ri, 0},                 // rows
      {g.conv_cols, ro, w.stride_w * ri, 0},                                           // columns
      {ro, 1, 0, s.tile_ci * kernel},                                                  // output elements of a pixel
  };
  return plan_loops(loops, std::size(loops), gemm_limits(hardware));
}

LoopPlan window_loops(const Workload& w, const Schedule& s, const HardwareConfig& hardware, const Geometry& g) {
  const int64_t r = g.out_ratio;
  if (w.pool) {
    const AffineLoop loops[] = {
        {s.tile_b * s.tile_co / r, s.tile_h * s.tile_w * r, g.conv_rows * g.conv_cols * r, 0},
        {s.tile_h, s.tile_w * r, w.pool->stride_h * g.conv_cols * r, 0},
        {s.tile_w, r, w.pool->stride_w * r, 0},
        {r, 1, 1, 0},
    };
    return plan_loops(loops, std::size(loops), alu_limits(hardware));
  }
  const int64_t in_plane = g.in_rows * g.in_cols;
  // Input and output interleave the blocks of a pixel alike, or the input does not (in_ratio 1).
  const bool alike = g.in_ratio == r;
  const AffineLoop loops[] = {
      {s.tile_b * s.tile_co / r, s.tile_h * s.tile_w * r, in_plane * r, 0},
      {s.tile_h, s.tile_w * r, w.stride_h * g.in_cols * g.in_ratio, 0},
      {s.tile_w, r, w.stride_w * g.in_ratio, 0},
      {r, 1, alike ? 1 : in_plane, 0},
  };
  return plan_loops(loops, std::size(loops), alu_limits(hardware));
}

LoopPlan bias_loops(const Workload& w, const Schedule& s, const HardwareConfig& hardware, const Geometry& g) {
  const int64_t r = g.out_ratio;
  const int64_t rows = w.bias_rows();
  const int64_t plane = s.tile_h * s.tile_w * r;
  const AffineLoop loops[] = {
      {s.tile_b, s.tile_co / r * plane, 0, 0},
      {s.tile_co / r, plane, r * rows, 0},
      {s.tile_h * s.tile_w, r, 0, 0},
      {r, 1, rows, 0},
  };
  return plan_loops(loops, std::size(loops), alu_limits(hardware));
}

LoopPlan range_loops(const Schedule& s, const HardwareConfig& hardware) {
  const AffineLoop loops[] = {
      {s.tile_b * s.tile_co, s.tile_h * s.tile_w, s.tile_h * s.tile_w, 0},
      {s.tile_h, s.tile_w, s.tile_w, 0},
      {s.tile_w, 1, 1, 0},
  };
  return plan_loops(loops, std::size(loops), alu_limits(hardware));
}

LoopPlan strip_loops(const Schedule& s, const HardwareConfig& hardware, const Geometry& g, int64_t rows,
                     int64_t columns) {
  const int64_t r = g.out_ratio;
  const int64_t plane = g.conv_rows * g.conv_cols * r;
  const AffineLoop loops[] = {
      {s.tile_b * s.tile_co / r, plane, plane, 0},
      {rows, g.conv_cols * r, g.conv_cols * r, 0},
      {columns * r, 1, 1, 0},
  };
  return plan_loops(loops, std::size(loops), alu_limits(hardware));
}

}  // namespace arco
