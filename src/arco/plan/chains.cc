// A pooling that alone reads a convolution can work on the convolution's accumulators: the tensor between them never
// reaches DRAM. Here is what makes the result the same to the bit; whether it fits and pays is decided per accelerator.
//
// Maxima are taken before bias, rounding, shift and clamp. All four are monotone as long as nothing wraps, so the sums
// must be small enough for that, and the shift no left shift. The two clamps become one.
#include "arco/plan/chains.h"

#include <algorithm>
#include <limits>

#include "arco/schedule/geometry.h"

namespace arco {

namespace {

// The greatest absolute value that a sum of the convolution can have, rounding included.
int64_t greatest_sum(const Graph& graph, const AcceleratorLayer& conv) {
  constexpr int64_t kGreatestInt8 = 128;
  const Workload& w = conv.workload;
  int64_t sum = w.ci / w.groups * w.kh * w.kw * kGreatestInt8 * kGreatestInt8;
  if (conv.bias != kNoTensor) {
    if (!graph.tensor(conv.bias).constant) return std::numeric_limits<int64_t>::max();
    int64_t most = 0;
    for (const int32_t b : graph.tensor(conv.bias).constant->data<int32_t>())
      most = std::max(most, std::abs(int64_t{b}));
    sum += most;
  }
  if (conv.residual != kNoTensor) sum += kGreatestInt8 << conv.numbers.residual_shift;
  if (conv.numbers.shift > 0) sum += int64_t{1} << (conv.numbers.shift - 1);
  return sum;
}

// Every window reads some of what the convolution makes, along one axis.
bool windows_are_inside(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad) {
  return pad < kernel && (out - 1) * stride - pad < in;
}

bool sees_the_image(const Workload& pool) {
  return windows_are_inside(pool.h, pool.oh, pool.kh, pool.stride_h, pool.pads[0]) &&
         windows_are_inside(pool.w, pool.ow, pool.kw, pool.stride_w, pool.pads[1]);
}

class ChainFinder {
 public:
  ChainFinder(const Graph& graph, const std::vector<Step>& steps)
      : graph_(graph), steps_(steps), consumers_(graph.consumers()) {}

  std::vector<Chain> run() const {
    std::vector<Chain> chains;
    for (size_t i = 0; i < steps_.size(); ++i) {
      const auto* conv = std::get_if<AcceleratorLayer>(&steps_[i]);
      if (conv == nullptr || conv->workload.kind != WorkloadKind::kConv2d || conv->workload.plane != 1) continue;
      const int pooling = only_reader(conv->output);
      if (pooling < 0) continue;
      const auto* pool = std::get_if<AcceleratorLayer>(&steps_[static_cast<size_t>(pooling)]);
      if (pool != nullptr && joins(*conv, *pool))
        chains.push_back({static_cast<int>(i), pooling, joined(*conv, *pool)});
    }
    return chains;
  }

 private:
  // The step that reads a tensor, if it is one step alone and the tensor is no output of the network; -1 otherwise.
  int only_reader(TensorId tensor) const {
    const auto& readers = consumers_[static_cast<size_t>(tensor)];
    const bool is_output = std::find(graph_.outputs.begin(), graph_.outputs.end(), tensor) != graph_.outputs.end();
    if (readers.size() != 1 || is_output) return -1;
    for (size_t i = 0; i < steps_.size(); ++i) {
      const auto* layer = std::get_if<AcceleratorLayer>(&steps_[i]);
      if (layer != nullptr && layer->node == readers[0]) return static_cast<int>(i);
    }
    return -1;
  }

  bool joins(const AcceleratorLayer& conv, const AcceleratorLayer& pool) const {
    const Workload& p = pool.workload;
    const bool plain = pool.input == conv.output && p.dilation_h == 1 && p.dilation_w == 1 && p.kh * p.kw > 1;
    if (!plain || !sees_the_image(p) || conv.numbers.channels) return false;
    if (p.kind == WorkloadKind::kAveragePool) {
      return p.pads == std::array<int64_t, 4>{0, 0, 0, 0} && pool.numbers.shift > kImmediateShift &&
             pool.numbers.zeros.offset == 0;
    }
    if (p.kind != WorkloadKind::kMaxPool || pool.numbers.shift != 0 || conv.numbers.shift < 0) return false;
    const bool clamps_meet =
        std::max(conv.numbers.low, pool.numbers.low) <= std::min(conv.numbers.high, pool.numbers.high);
    return clamps_meet && greatest_sum(graph_, conv) <= std::numeric_limits<int32_t>::max();
  }

  static AcceleratorLayer joined(const AcceleratorLayer& conv, const AcceleratorLayer& pool) {
    const Workload& p = pool.workload;
    AcceleratorLayer layer = conv;
    layer.name = conv.name + " + " + pool.name;
    layer.pool_node = pool.node;
    layer.output = pool.output;
    Workload& w = layer.workload;
    w.oh = p.oh;
    w.ow = p.ow;
    w.pool = PoolStage{p.kind, p.h, p.w, p.kh, p.kw, p.stride_h, p.stride_w, p.pads, false};
    if (w.pool->is_max()) {
      layer.numbers.low = std::max(conv.numbers.low, pool.numbers.low);
      layer.numbers.high = std::min(conv.numbers.high, pool.numbers.high);
      w.symmetric_clamp = is_symmetric(layer.numbers);
    } else {
      layer.pool_numbers = pool.numbers;
      w.pool->symmetric_clamp = is_symmetric(pool.numbers);
    }
    return layer;
  }

  const Graph& graph_;
  const std::vector<Step>& steps_;
  const std::vector<std::vector<int>> consumers_;
};

}  // namespace

std::vector<Chain> find_chains(const Graph& quantized, const std::vector<Step>& steps) {
  return ChainFinder(quantized, steps).run();
}

}  // namespace arco
