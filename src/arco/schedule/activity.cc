// Least of all: every multiplication once with full vectors, every byte that matters moved once, one ALU step for every
// result.
//
//     GEMM steps   batch blocks * output pixels * kernel * input blocks * output blocks   (groups: multiplications
//     only) DRAM         input pixels that a window touches, weights, bias, residual; results
//
// A schedule differs from this mostly in what it reads again, which the closed form of its transfers knows.
#include "arco/schedule/activity.h"

#include <algorithm>

#include "arco/schedule/geometry.h"

namespace arco {
namespace {

// Rows (or columns) that windows touch at least.
int64_t touched(int64_t extent, int64_t outputs, int64_t kernel, int64_t stride, int64_t dilation, int64_t pads) {
  const int64_t fresh = dilation == 1 ? std::min(kernel, stride) : 1;  // that each window adds
  return std::clamp<int64_t>(outputs * fresh - pads, 1, extent);
}

uint64_t count(int64_t value) {
  return static_cast<uint64_t>(std::max<int64_t>(value, 0));
}

}  // namespace

ActivityCounts least_activity(const Workload& w, const HardwareConfig& hw) {
  const int64_t batches = ceil_div(w.n, hw.batch());
  const int64_t channels = ceil_div(w.co, hw.block_out());
  const int64_t results = batches * w.oh * w.ow * channels;
  // Results of a convolution that a pool stage touches: of this layer's GEMMs.
  const auto& p = w.pool;
  const int64_t sum_rows = p ? touched(p->h, w.oh, p->kh, p->stride_h, 1, p->pads[0] + p->pads[2]) : w.oh;
  const int64_t sum_columns = p ? touched(p->w, w.ow, p->kw, p->stride_w, 1, p->pads[1] + p->pads[3]) : w.ow;
  const int64_t sums = sum_rows * sum_columns;
  ActivityCounts counts;
  counts.alu_steps = count(results);
  counts.out_stored = count(results);
  const int64_t rows = touched(w.h, sum_rows, w.kh, w.stride_h, w.dilation_h, w.pads[0] + w.pads[2]);
  const int64_t columns = touched(w.w, sum_columns, w.kw, w.stride_w, w.dilation_w, w.pads[1] + w.pads[3]);
  int64_t read = w.n * w.ci * w.plane * rows * columns;
  if (w.kind == WorkloadKind::kConv2d) {
    const int64_t full = batches * sums * channels * w.kh * w.kw * ceil_div(w.ci * w.plane, hw.block_in());
    const int64_t grouped = ceil_div(w.macs() / (w.conv_oh() * w.conv_ow()) * sums, hw.macs_per_step());
    const int64_t steps = w.groups == 1 ? full : grouped;
    counts.gemm_steps = count(steps);
    read += w.ci / w.groups * w.plane * w.co * w.kh * w.kw;
    if (w.has_bias) read += w.co;
  }
  if (w.has_second_input()) read += w.n * w.co * sums;
  counts.dram_read_bytes = count(read);
  counts.dram_written_bytes = count(w.n * w.co * w.oh * w.ow);
  return counts;
}

double energy_bound(const Workload& workload, const HardwareConfig& hardware) {
  return energy_of(hardware, least_activity(workload, hardware)).total();
}

double energy_estimate(const Workload& workload, const HardwareConfig& hardware, double read_beats) {
  ActivityCounts counts = least_activity(workload, hardware);
  const auto read = static_cast<uint64_t>(std::max(read_beats, 0.0) * hardware.bus_bits / 8);
  counts.dram_read_bytes = std::max(counts.dram_read_bytes, read);
  return energy_of(hardware, counts).total();
}

}  // namespace arco
