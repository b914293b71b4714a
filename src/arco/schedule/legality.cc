#include "arco/schedule/legality.h"

#include <fmt/format.h>

#include "arco/schedule/geometry.h"

namespace arco {

const char* to_string(Rule rule) {
  switch (rule) {
    case Rule::kNone:
      return "legal";
    case Rule::kTileDivides:
      return "tile-divides";
    case Rule::kThreads:
      return "threads";
    case Rule::kInpBuffer:
      return "inp-buffer";
    case Rule::kWgtBuffer:
      return "wgt-buffer";
    case Rule::kAccBuffer:
      return "acc-buffer";
    case Rule::kUopBuffer:
      return "uop-buffer";
    case Rule::kTransferSize:
      return "transfer-size";
    case Rule::kPadding:
      return "padding";
  }
  return "?";
}

namespace {

bool divides(int64_t tile, int64_t extent, int64_t step = 1) {
  return tile >= 1 && extent % tile == 0 && tile % step == 0;
}

bool tiles_divide(const Schedule& s, const Extents& e) {
  return divides(s.tile_b, e.b) && divides(s.tile_h, e.h) && divides(s.tile_w, e.w) &&
         divides(s.tile_ci, e.ci, e.ci_step) && divides(s.tile_co, e.co, e.co_step);
}

// An output channel tile holds whole bundles, or lies within one.
bool bundles_fit(const Schedule& s, const Geometry& g) {
  return g.bundle_co == 0 || s.tile_co % g.bundle_co == 0 || g.bundle_co % s.tile_co == 0;
}

bool threads_fit(const Schedule& s, const Geometry& g) {
  const auto one_or_two = [](int threads) { return threads == 1 || threads == 2; };
  return one_or_two(s.h_threads) && one_or_two(s.oc_threads) && g.threads <= 2 && g.h_tiles >= s.h_threads &&
         g.co_tiles >= s.oc_threads;
}

// A window axis: no tile may see padding alone, and none more than 15 elements of it on a side.
bool axis_padding_fits(int64_t in, int64_t tiles, int64_t tile_pixels, int64_t stride, int64_t window,
                       int64_t pad_begin, int64_t pad_end, int64_t elements_a_pixel) {
  if (pad_begin * elements_a_pixel > kMaxPad || pad_end * elements_a_pixel > kMaxPad) return false;
  const int64_t first_end = window - pad_begin;  // one past the last input pixel of the first tile
  const int64_t last_begin = (tiles - 1) * tile_pixels * stride - pad_begin;
  return first_end > 0 && last_begin < in;
}

// Sums beyond the convolution's output that pool windows reach, on each side: top, left, bottom, right.
std::array<int64_t, 4> pool_pads(const Workload& w) {
  const PoolStage& p = *w.pool;
  return {p.pads[0], p.pads[1], std::max<int64_t>(0, (w.oh - 1) * p.stride_h + p.kh - p.h - p.pads[0]),
          std::max<int64_t>(0, (w.ow - 1) * p.stride_w + p.kw - p.w - p.pads[1])};
}

bool padding_fits(const Workload& w, const Schedule& s, const Geometry& g) {
  const Window in = input_window(w);
  if (w.pool) {
    const std::array<int64_t, 4> pads = pool_pads(w);
    const PoolStage& p = *w.pool;
    if (!axis_padding_fits(p.h, g.h_tiles, s.tile_h, p.stride_h, g.conv_rows, pads[0], pads[2], 1)) return false;
    if (!axis_padding_fits(p.w, g.w_tiles, s.tile_w, p.stride_w, g.conv_cols, pads[1], pads[3], g.out_ratio))
      return false;
  }
  return axis_padding_fits(w.h, g.h_tiles, s.tile_h, in.stride_h, g.in_rows, in.pads[0], in.pads[2], 1) &&
         axis_padding_fits(w.w, g.w_tiles, s.tile_w, in.stride_w, g.in_cols, in.pads[1], in.pads[3], g.in_ratio);
}

bool transfers_fit(const Workload& w, const Schedule& s, const Geometry& g) {
  const auto fits = [](int64_t size) { return size <= kMaxTransferSize; };
  if (!fits(g.in_cols * g.in_ratio) || !fits(w.w * g.in_ratio) || !fits(g.in_rows)) return false;
  if (!fits(s.tile_w * g.out_ratio) || !fits(w.ow * g.out_ratio) || !fits(s.tile_h)) return false;
  if (w.pool && (!fits(g.conv_cols * g.out_ratio) || !fits(w.pool->w * g.out_ratio) || !fits(g.conv_rows)))
    return false;
  return w.kind != WorkloadKind::kConv2d || fits(s.tile_ci * w.kh * w.kw);
}

// Of the instructions that a pool stage adds.
int64_t pool_micro_ops(const Workload& w, const Schedule& s, const HardwareConfig& hw, const Geometry& g) {
  int64_t uops = std::max(window_loops(w, s, hw, g).uops, range_loops(conv_tile(s, g), hw).uops);
  const auto [top, left, bottom, right] = pool_pads(w);
  for (const int64_t rows : {top, bottom}) {
    if (rows > 0) uops = std::max(uops, strip_loops(s, hw, g, rows, g.conv_cols).uops);
  }
  for (const int64_t columns : {left, right}) {
    if (columns > 0) uops = std::max(uops, strip_loops(s, hw, g, g.conv_rows, columns).uops);
  }
  return uops;
}

int64_t micro_ops(const Workload& w, const Schedule& s, const HardwareConfig& hw, const Geometry& g) {
  int64_t uops = range_loops(s, hw).uops;
  if (w.pool) uops = std::max(uops, pool_micro_ops(w, s, hw, g));
  if (w.kind == WorkloadKind::kConv2d) {
    uops = std::max(uops, gemm_loops(w, s, hw, g).uops);
    const bool scales_sums = w.channel_scales && w.has_residual;  // the residual is scaled where it is added to
    if (w.has_bias) uops = std::max(uops, bias_loops(w, w.pools_maxima() ? s : conv_tile(s, g), hw, g).uops);
    if (scales_sums) uops = std::max(uops, bias_loops(w, conv_tile(s, g), hw, g).uops);
  } else {
    uops = std::max(uops, window_loops(w, s, hw, g).uops);
  }
  return uops;
}

}  // namespace

BufferNeeds buffer_needs(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const Geometry g = geometry_of(w, s, hw);
  return {g.inp_elements(), g.wgt_elements(), g.acc_elements(), micro_ops(w, s, hw, g)};
}

Rule broken_rule(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  if (!tiles_divide(s, extents_of(w, hw))) return Rule::kTileDivides;
  const Geometry g = geometry_of(w, s, hw);
  if (!bundles_fit(s, g)) return Rule::kTileDivides;
  if (!threads_fit(s, g)) return Rule::kThreads;
  if (g.inp_elements() > hw.inp_depth()) return Rule::kInpBuffer;
  if (g.wgt_elements() > hw.wgt_depth()) return Rule::kWgtBuffer;
  if (g.acc_elements() > hw.acc_depth()) return Rule::kAccBuffer;
  if (!padding_fits(w, s, g)) return Rule::kPadding;
  if (!transfers_fit(w, s, g)) return Rule::kTransferSize;
  if (micro_ops(w, s, hw, g) > hw.uop_depth()) return Rule::kUopBuffer;
  return Rule::kNone;
}

std::string why_illegal(const Workload& w, const Schedule& s, const HardwareConfig& hw) {
  const Rule rule = broken_rule(w, s, hw);
  if (rule == Rule::kNone) return "";
  const Extents e = extents_of(w, hw);
  if (rule == Rule::kTileDivides) {
    if (tiles_divide(s, e)) {
      return fmt::format("tile_co {} must hold whole bundles of {} channel groups' blocks, or divide one", s.tile_co,
                         bundles_of(w, hw).co);
    }
    return fmt::format(
        "tiles b{} h{} w{} ci{} co{} must divide the extents b{} h{} w{} ci{} co{}, with tile_ci a multiple of {} and "
        "tile_co of {}",
        s.tile_b, s.tile_h, s.tile_w, s.tile_ci, s.tile_co, e.b, e.h, e.w, e.ci, e.co, e.ci_step, e.co_step);
  }
  const Geometry g = geometry_of(w, s, hw);
  const std::array<int64_t, 4> pads = input_window(w).pads;
  const auto buffer = [](const char* name, int64_t elements, int64_t depth, int64_t bytes) {
    return fmt::format("{} buffer: {} bytes needed, {} available", name, elements * bytes, depth * bytes);
  };
  switch (rule) {
    case Rule::kThreads:
      return fmt::format(
          "h_threads {} and oc_threads {}: each must be 1 or 2, not both 2, and its axis needs as many "
          "tiles (rows: {}, output channels: {})",
          s.h_threads, s.oc_threads, g.h_tiles, g.co_tiles);
    case Rule::kInpBuffer:
      return buffer("INP", g.inp_elements(), hw.inp_depth(), hw.inp_element_bytes());
    case Rule::kWgtBuffer:
      return buffer("WGT", g.wgt_elements(), hw.wgt_depth(), hw.wgt_element_bytes());
    case Rule::kAccBuffer:
      return buffer("ACC", g.acc_elements(), hw.acc_depth(), hw.acc_element_bytes());
    case Rule::kUopBuffer:
      return buffer("UOP", micro_ops(w, s, hw, g), hw.uop_depth(), HardwareConfig::kUopElementBytes);
    case Rule::kPadding:
      return fmt::format(
          "padding {},{},{},{} with {} elements a pixel: at most {} elements on a side, and no tile may lie "
          "in the padding alone; take larger tiles",
          pads[0], pads[1], pads[2], pads[3], g.in_ratio, kMaxPad);
    default:
      return fmt::format("a row of {} input or {} output elements exceeds the transfer limit of {}; take smaller tiles",
                         std::max(g.in_cols, w.w) * g.in_ratio, std::max(s.tile_w, w.ow) * g.out_ratio,
                         kMaxTransferSize);
  }
}

}  // namespace arco
