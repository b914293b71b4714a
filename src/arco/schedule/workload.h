// One operation for the accelerator with its shape: what AutoTVM calls a task.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace arco {

// kConv2d covers dense layers too: a dense layer is a 1x1 convolution on a 1x1 plane.
enum class WorkloadKind : uint8_t { kConv2d, kMaxPool, kAveragePool, kAdd };
const char* to_string(WorkloadKind kind);

// Pooling of a convolution's results while they are in the accumulators.
struct PoolStage {
  WorkloadKind kind = WorkloadKind::kMaxPool;  // or kAveragePool
  int64_t h = 1, w = 1;                        // what it reads: the convolution's own output
  int64_t kh = 1, kw = 1;
  int64_t stride_h = 1, stride_w = 1;
  std::array<int64_t, 4> pads{0, 0, 0, 0};  // top, left, bottom, right; none for averages
  bool symmetric_clamp = false;             // averages: of the mean; the workload's flag is the convolution's

  bool operator==(const PoolStage&) const = default;
  bool is_max() const { return kind == WorkloadKind::kMaxPool; }
};

// Addition of another tensor to a convolution's results while they are in the accumulators. The flags are those of a
// kAdd workload; what comes before it are the convolution's own.
struct AddStage {
  bool shift_operand = false;  // one of both is shifted left
  bool shift_out = true;
  bool symmetric_clamp = false;
  bool scales = false;  // both are multiplied by a number, their sum is shifted twice

  bool operator==(const AddStage&) const = default;
};

// Sizes in elements of the logical tensors, before any padding to blocks.
struct Workload {
  WorkloadKind kind = WorkloadKind::kConv2d;
  int64_t n = 1;
  int64_t ci = 1, h = 1, w = 1;    // input
  int64_t co = 1, oh = 1, ow = 1;  // output, pooled if there is a pool stage
  int64_t kh = 1, kw = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  std::array<int64_t, 4> pads{0, 0, 0, 0};  // top, left, bottom, right
  int64_t groups = 1;                       // conv: output channels of group g see the input channels of group g only
  bool has_bias = false;                    // conv
  bool has_residual = false;                // conv
  // The epilogue's shape decides its ALU instructions, so it is part of the task.
  bool shift_residual = false;   // residual is shifted left before the sum (kAdd: one operand is)
  bool shift_out = true;         // requantisation shifts
  bool symmetric_clamp = false;  // output range is [-high, high]: one CLP on vta++ instead of MAX and MIN
  // conv: accumulators (and residual) are multiplied by a number for each output channel. These come as further rows of
  // the bias, so has_bias holds too. shift_out is the shift before the product; one after it there is always.
  // kAdd: both operands are multiplied by a number, their sum is shifted twice.
  bool channel_scales = false;
  // A dense layer that reads a flattened image: its pixels. ci counts the image's channels, h = w = 1.
  int64_t plane = 1;
  // The host writes the input (network input, result of a host layer), so it comes packed for this layer alone.
  bool host_input = false;
  // conv: pooled before it is stored. Maxima are taken of the sums, before bias and requantisation, which are monotone;
  // averages of the requantised results.
  std::optional<PoolStage> pool;
  // conv: added to another tensor before it is stored. Not with a residual or a pool stage.
  std::optional<AddStage> add;

  bool operator==(const Workload&) const = default;

  // The convolution's own output.
  int64_t conv_oh() const { return pool ? pool->h : oh; }
  int64_t conv_ow() const { return pool ? pool->w : ow; }
  bool pools_maxima() const { return pool && pool->is_max(); }
  bool pools_averages() const { return pool && !pool->is_max(); }
  // A second tensor is loaded into the accumulators: residual or operand of an addition.
  bool has_second_input() const { return has_residual || add || kind == WorkloadKind::kAdd; }
  // Accumulator elements of constants for each block of output channels: bias, multipliers, those of the residual.
  int64_t bias_rows() const {
    if (channel_scales && kind == WorkloadKind::kConv2d) return has_residual ? 3 : 2;
    return has_bias ? 1 : 0;
  }

  int64_t macs() const;  // multiplications of the operation as defined (padding to blocks not counted)
  // "conv2d n1 64x56x56 -> 128x28x28 k3x3 s2x2 p1,1,1,1 +bias +residual"; equal workloads have equal texts.
  std::string to_string() const;
};

}  // namespace arco
