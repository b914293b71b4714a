// A pooling or an addition that alone reads a convolution can work on the convolution's accumulators: the tensor
// between them never reaches DRAM. Here is what makes the result the same to the bit; whether it fits and pays is
// decided per accelerator.
//
// Averages and additions are taken of the requantised results, as they are apart. Maxima are taken before bias,
// rounding, shifts, multiplier and clamp. All of them are monotone as long as nothing wraps, so the sums must be small
// enough for that, and the shift no left shift. The two clamps become one.
#include "arco/plan/chains.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "arco/quant/channel_scales.h"
#include "arco/schedule/geometry.h"

namespace arco {

namespace {

constexpr int64_t kGreatestInt8 = 128;

// The greatest absolute value that the sum of output channel c can have on any input, rounding included.
int64_t greatest_sum(const Graph& graph, const AcceleratorLayer& conv, size_t c) {
  const Requantize& numbers = conv.numbers;
  const auto weights = graph.tensor(conv.weight).constant->data<int8_t>();
  const size_t length = weights.size() / static_cast<size_t>(conv.workload.co);
  int64_t sum = 0;
  for (const int8_t w : weights.subspan(c * length, length)) sum += std::abs(int64_t{w}) * kGreatestInt8;
  if (conv.bias != kNoTensor) sum += std::abs(int64_t{graph.tensor(conv.bias).constant->data<int32_t>()[c]});
  if (conv.residual != kNoTensor) {
    const int64_t multiplier = numbers.channels ? numbers.channels->residual_multipliers[c] : 1;
    sum += (kGreatestInt8 * multiplier) << numbers.residual_shift;
  }
  if (numbers.channels) {
    sum += std::abs(
        channel_offset(numbers.shift, numbers.channels->shift, numbers.channels->multipliers[c], numbers.zeros.output));
  } else if (numbers.shift > 0) {
    sum += int64_t{1} << (numbers.shift - 1);
  }
  return sum;
}

// No input makes a sum or, with a multiplier, its product wrap.
bool never_wraps(const Graph& graph, const AcceleratorLayer& conv) {
  if (conv.bias != kNoTensor && !graph.tensor(conv.bias).constant) return false;
  constexpr int64_t kLimit = std::numeric_limits<int32_t>::max();
  for (size_t c = 0; c < static_cast<size_t>(conv.workload.co); ++c) {
    const int64_t sum = greatest_sum(graph, conv, c);
    if (sum > kLimit) return false;
    const auto& channels = conv.numbers.channels;
    if (channels && ((sum >> conv.numbers.shift) + 1) * channels->multipliers[c] > kLimit) return false;
  }
  return true;
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
      if (conv == nullptr || conv->workload.kind != WorkloadKind::kConv2d) continue;
      const int follower = only_reader(conv->output);
      const auto* next = follower < 0 ? nullptr : std::get_if<AcceleratorLayer>(&steps_[static_cast<size_t>(follower)]);
      if (next == nullptr || !joins(*conv, *next)) continue;
      add(chains, {static_cast<int>(i), follower, joined(*conv, *next)});
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

  static void add(std::vector<Chain>& chains, Chain chain) {
    const auto rival = std::ranges::find(chains, chain.follower, &Chain::follower);
    if (rival == chains.end()) {
      chains.push_back(std::move(chain));
    } else if (rival->layer.workload.macs() < chain.layer.workload.macs()) {
      *rival = std::move(chain);
    }
  }

  bool joins(const AcceleratorLayer& conv, const AcceleratorLayer& next) const {
    switch (next.workload.kind) {
      case WorkloadKind::kMaxPool:
        return sees_sums(conv, next) && joins_maximum(conv, next);
      case WorkloadKind::kAveragePool:
        return sees_sums(conv, next) && joins_average(conv, next);
      case WorkloadKind::kAdd:
        return conv.residual == kNoTensor && (next.input == conv.output) != (next.residual == conv.output);
      default:
        return false;
    }
  }

  static bool sees_sums(const AcceleratorLayer& conv, const AcceleratorLayer& pool) {
    const Workload& p = pool.workload;
    return pool.input == conv.output && conv.workload.plane == 1 && p.dilation_h == 1 && p.dilation_w == 1 &&
           p.kh * p.kw > 1 && sees_the_image(p);
  }

  bool joins_maximum(const AcceleratorLayer& conv, const AcceleratorLayer& pool) const {
    const bool clamps_meet =
        std::max(conv.numbers.low, pool.numbers.low) <= std::min(conv.numbers.high, pool.numbers.high);
    return pool.numbers.shift == 0 && conv.numbers.shift >= 0 && clamps_meet && never_wraps(graph_, conv);
  }

  static bool joins_average(const AcceleratorLayer& conv, const AcceleratorLayer& pool) {
    return !conv.numbers.channels && pool.workload.pads == std::array<int64_t, 4>{0, 0, 0, 0} &&
           pool.numbers.shift > kImmediateShift && pool.numbers.zeros.offset == 0;
  }

  static AcceleratorLayer joined(const AcceleratorLayer& conv, const AcceleratorLayer& next) {
    AcceleratorLayer layer = conv;
    layer.name = conv.name + " + " + next.name;
    layer.stage_node = next.node;
    layer.output = next.output;
    if (next.workload.kind == WorkloadKind::kAdd) {
      set_addition(layer, conv, next);
    } else {
      set_pooling(layer, conv, next);
    }
    return layer;
  }

  static void set_pooling(AcceleratorLayer& layer, const AcceleratorLayer& conv, const AcceleratorLayer& pool) {
    const Workload& p = pool.workload;
    Workload& w = layer.workload;
    w.oh = p.oh;
    w.ow = p.ow;
    w.pool = PoolStage{p.kind, p.h, p.w, p.kh, p.kw, p.stride_h, p.stride_w, p.pads, false};
    if (w.pool->is_max()) {
      layer.numbers.low = std::max(conv.numbers.low, pool.numbers.low);
      layer.numbers.high = std::min(conv.numbers.high, pool.numbers.high);
      w.symmetric_clamp = is_symmetric(layer.numbers);
    } else {
      layer.stage_numbers = pool.numbers;
      w.pool->symmetric_clamp = is_symmetric(pool.numbers);
    }
  }

  // The convolution's results become the first operand.
  static void set_addition(AcceleratorLayer& layer, const AcceleratorLayer& conv, const AcceleratorLayer& sum) {
    layer.stage_numbers = sum.numbers;
    layer.residual = sum.residual;
    if (sum.residual == conv.output) {
      layer.residual = sum.input;
      Requantize& numbers = layer.stage_numbers;
      std::swap(numbers.add_shifts[0], numbers.add_shifts[1]);
      if (numbers.add_scales) std::swap(numbers.add_scales->multipliers[0], numbers.add_scales->multipliers[1]);
    }
    const Workload& a = sum.workload;
    layer.workload.add = AddStage{a.shift_residual, a.shift_out, a.symmetric_clamp, a.channel_scales};
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
