#include "arco/schedule/workload.h"

#include <fmt/format.h>

namespace arco {

const char* to_string(WorkloadKind kind) {
  switch (kind) {
    case WorkloadKind::kConv2d:
      return "conv2d";
    case WorkloadKind::kMaxPool:
      return "maxpool";
    case WorkloadKind::kAveragePool:
      return "avgpool";
    case WorkloadKind::kAdd:
      return "add";
  }
  return "?";
}

int64_t Workload::macs() const {
  return kind == WorkloadKind::kConv2d ? n * ci / groups * plane * co * conv_oh() * conv_ow() * kh * kw : 0;
}

std::string Workload::to_string() const {
  std::string text =
      fmt::format("{} n{} {}x{}x{} -> {}x{}x{}", arco::to_string(kind), n, ci, h, w, co, conv_oh(), conv_ow());
  if (plane != 1) text += fmt::format(" plane{}", plane);
  if (kind != WorkloadKind::kAdd) {
    text += fmt::format(" k{}x{} s{}x{} p{},{},{},{}", kh, kw, stride_h, stride_w, pads[0], pads[1], pads[2], pads[3]);
  }
  if (dilation_h != 1 || dilation_w != 1) text += fmt::format(" d{}x{}", dilation_h, dilation_w);
  if (groups != 1) text += fmt::format(" g{}", groups);
  if (has_bias) text += " +bias";
  if (has_residual) text += " +residual";
  if (shift_residual) text += " +preshift";
  if (!shift_out) text += " unshifted";
  if (symmetric_clamp) text += " symmetric";
  if (channel_scales) text += kind == WorkloadKind::kAdd ? " multiplied" : " per-channel";
  if (host_input) text += " host-input";
  if (pool) {
    const auto& p = pool->pads;
    text += fmt::format(" then {} -> {}x{}x{} k{}x{} s{}x{} p{},{},{},{}", arco::to_string(pool->kind), co, oh, ow,
                        pool->kh, pool->kw, pool->stride_h, pool->stride_w, p[0], p[1], p[2], p[3]);
    if (pool->symmetric_clamp) text += " symmetric";
  }
  if (add) {
    text += " then add";
    if (add->shift_operand) text += " +preshift";
    if (!add->shift_out) text += " unshifted";
    if (add->symmetric_clamp) text += " symmetric";
    if (add->scales) text += " multiplied";
  }
  return text;
}

}  // namespace arco
