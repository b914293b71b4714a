#include "arco/search/estimate_samples.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numeric>

#include "arco/schedule/candidates.h"
#include "arco/schedule/geometry.h"
#include "arco/schedule/legality.h"

namespace arco {

namespace {

template <typename T>
T pick(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
}
template <typename T>
const T& pick(Random& random, const std::vector<T>& values) {
  return values[random.below(values.size())];
}
bool chance(Random& random, uint64_t one_in) {
  return random.below(one_in) == 0;
}

void set_output(Workload& w) {
  w.oh = (w.h + w.pads[0] + w.pads[2] - (w.kh - 1) * w.dilation_h - 1) / w.stride_h + 1;
  w.ow = (w.w + w.pads[1] + w.pads[3] - (w.kw - 1) * w.dilation_w - 1) / w.stride_w + 1;
}

void random_window(Random& random, Workload& w) {
  w.kh = pick<int64_t>(random, {1, 1, 2, 3, 3, 3, 5, 7});
  w.kw = chance(random, 5) ? pick<int64_t>(random, {1, 3}) : w.kh;
  w.stride_h = w.stride_w = pick<int64_t>(random, {1, 1, 2});
  if (w.kind == WorkloadKind::kConv2d && chance(random, 12)) w.dilation_h = w.dilation_w = 2;
  const int64_t high = (w.kh - 1) / 2 * w.dilation_h;
  const int64_t wide = (w.kw - 1) / 2 * w.dilation_w;
  if (w.kind != WorkloadKind::kAveragePool && !chance(random, 5)) w.pads = {high, wide, high, wide};
  w.h = std::max(w.h, (w.kh - 1) * w.dilation_h + 1);
  w.w = std::max(w.w, (w.kw - 1) * w.dilation_w + 1);
}

NamedLayer conv(std::string name, int64_t size, int64_t ci, int64_t co, int64_t kernel, int64_t pad, int64_t stride,
                int uses) {
  Workload w;
  w.h = w.w = size;
  w.ci = ci;
  w.co = co;
  w.kh = w.kw = kernel;
  w.pads = {pad, pad, pad, pad};
  w.stride_h = w.stride_w = stride;
  w.has_bias = true;
  w.host_input = ci == 3;
  set_output(w);
  return {std::move(name), w, uses};
}

NamedLayer dense(std::string name, int64_t inputs, int64_t outputs, int64_t plane = 1) {
  NamedLayer layer = conv(std::move(name), 1, inputs, outputs, 1, 0, 1, 1);
  layer.workload.plane = plane;
  return layer;
}

NamedLayer max_pool(std::string name, int64_t size, int64_t channels, int64_t kernel, int64_t pad) {
  NamedLayer layer = conv(std::move(name), size, channels, channels, kernel, pad, 2, 1);
  layer.workload.kind = WorkloadKind::kMaxPool;
  layer.workload.has_bias = layer.workload.shift_out = false;
  return layer;
}

// With maxima of kernel x kernel results, two apart.
NamedLayer pooled(NamedLayer layer, int64_t kernel, int64_t pad) {
  layer.name += " + maxpool";
  Workload& w = layer.workload;
  PoolStage pool;
  pool.h = w.oh;
  pool.w = w.ow;
  pool.kh = pool.kw = kernel;
  pool.stride_h = pool.stride_w = 2;
  pool.pads = {pad, pad, pad, pad};
  w.oh = (w.oh + 2 * pad - kernel) / 2 + 1;
  w.ow = (w.ow + 2 * pad - kernel) / 2 + 1;
  w.pool = pool;
  return layer;
}

NamedLayer with_residual(NamedLayer layer) {
  layer.name += " + residual";
  layer.workload.has_residual = layer.workload.shift_residual = true;
  return layer;
}

std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> rank(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (size_t i = begin; i < end; ++i) rank[order[i]] = static_cast<double>(begin + end - 1) / 2;
    begin = end;
  }
  return rank;
}

}  // namespace

HardwareConfig random_hardware(Random& random) {
  for (;;) {
    HardwareConfig hw;
    hw.variant = chance(random, 2) ? IsaVariant::kVtaPlus : IsaVariant::kUp;
    const bool plus = hw.variant == IsaVariant::kVtaPlus;
    hw.log2_block_in = static_cast<int>(random.between(3, 6));
    hw.log2_block_out = plus ? static_cast<int>(random.between(3, 6)) : hw.log2_block_in;
    hw.log2_batch = plus && chance(random, 4) ? 1 : 0;
    hw.log2_uop_buffer = static_cast<int>(random.between(9, 15));
    hw.log2_inp_buffer = static_cast<int>(random.between(13, 17));
    hw.log2_wgt_buffer = static_cast<int>(random.between(14, 18));
    hw.log2_acc_buffer = static_cast<int>(random.between(14, 18));
    hw.bus_bits = pick(random, {64, 64, 128, 256, 512});
    hw.max_burst_beats = pick(random, {4, 16, 16, 256});
    if (hw.violations().empty()) return hw;
  }
}

namespace {

// Depthwise, or in groups of some channels.
void group(Random& random, Workload& w) {
  const int64_t channels = pick<int64_t>(random, {1, 1, 4, 16, 32});
  w.ci = w.co = std::max<int64_t>(w.ci, 16);
  w.groups = std::max<int64_t>(1, w.ci / channels);
}

// Pooling behind a convolution: the windows that networks have, or the whole plane.
void add_pool_stage(Random& random, Workload& w, bool averages_too) {
  PoolStage pool;
  pool.kind = averages_too && chance(random, 3) ? WorkloadKind::kAveragePool : WorkloadKind::kMaxPool;
  pool.h = w.oh;
  pool.w = w.ow;
  pool.kh = pool.kw = pick<int64_t>(random, {2, 2, 3, 3});
  pool.stride_h = pool.stride_w = pick<int64_t>(random, {1, 2, 2, 2});
  if (pool.is_max() && pool.kh == 3 && chance(random, 2)) pool.pads = {1, 1, 1, 1};
  if (!pool.is_max() && w.oh <= 16 && w.ow <= 16 && chance(random, 2)) {
    pool.kh = w.oh;
    pool.kw = w.ow;
    pool.stride_h = pool.stride_w = 1;
  }
  if (w.oh < pool.kh || w.ow < pool.kw) return;
  pool.symmetric_clamp = !pool.is_max() && chance(random, 2);
  w.oh = (w.oh + pool.pads[0] + pool.pads[2] - pool.kh) / pool.stride_h + 1;
  w.ow = (w.ow + pool.pads[1] + pool.pads[3] - pool.kw) / pool.stride_w + 1;
  w.pool = pool;
}

void add_addition_stage(Random& random, Workload& w) {
  AddStage add;
  add.scales = chance(random, 2);
  add.shift_out = add.scales || !chance(random, 6);
  add.shift_operand = !add.scales && chance(random, 2);
  add.symmetric_clamp = chance(random, 2);
  w.add = add;
}

}  // namespace

Workload random_workload(Random& random) {
  Workload w;
  w.kind =
      pick(random, {WorkloadKind::kConv2d, WorkloadKind::kConv2d, WorkloadKind::kConv2d, WorkloadKind::kConv2d,
                    WorkloadKind::kConv2d, WorkloadKind::kMaxPool, WorkloadKind::kAveragePool, WorkloadKind::kAdd});
  w.n = chance(random, 6) ? 2 : 1;
  w.ci = pick<int64_t>(random, {3, 16, 32, 64, 128, 256});
  w.co = pick<int64_t>(random, {16, 32, 64, 96, 128, 256});
  w.h = random.between(4, 40);
  w.w = chance(random, 2) ? w.h : random.between(4, 40);
  w.shift_out = !chance(random, 6);
  w.symmetric_clamp = chance(random, 2);
  if (w.kind == WorkloadKind::kConv2d) {
    w.has_bias = !chance(random, 5);
    w.has_residual = chance(random, 3);
    w.shift_residual = w.has_residual && chance(random, 2);
    w.host_input = chance(random, 10);
    w.channel_scales = chance(random, 5);
    w.has_bias = w.has_bias || w.channel_scales;
    if (chance(random, 10)) {
      w.h = w.w = 1;
      w.plane = pick<int64_t>(random, {1, 1, 49});
    } else {
      if (chance(random, 5)) group(random, w);
      random_window(random, w);
    }
  } else {
    w.co = w.ci;
    if (w.kind == WorkloadKind::kAdd) w.shift_residual = chance(random, 2);
    if (w.kind == WorkloadKind::kAdd && w.shift_out && !w.shift_residual) w.channel_scales = chance(random, 3);
    if (w.kind != WorkloadKind::kAdd) random_window(random, w);
  }
  set_output(w);
  if (w.kind != WorkloadKind::kConv2d) return w;
  const bool averages_too = !w.channel_scales;
  if (w.plane == 1 && chance(random, 4)) {
    add_pool_stage(random, w, averages_too);
  } else if (!w.has_residual && chance(random, 4)) {
    add_addition_stage(random, w);
  }
  return w;
}

std::optional<Schedule> random_schedule(Random& random, const Workload& w, const HardwareConfig& hw) {
  const TileChoices tiles = tile_choices(w, hw);
  constexpr int kAttempts = 50;
  constexpr int64_t kMostItems = 20000;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Schedule s;
    s.tile_b = pick(random, tiles.b);
    s.tile_h = pick(random, tiles.h);
    s.tile_w = pick(random, tiles.w);
    s.tile_ci = pick(random, tiles.ci);
    s.tile_co = pick(random, tiles.co);
    const uint64_t threads = random.below(5);
    s.h_threads = threads < 2 ? 2 : 1;
    s.oc_threads = threads == 2 || threads == 3 ? 2 : 1;
    s.order = chance(random, 2) ? LoopOrder::kSpatialOuter : LoopOrder::kChannelOuter;
    if (broken_rule(w, s, hw) != Rule::kNone) continue;
    const Geometry g = geometry_of(w, s, hw);
    if (g.output_tiles() * g.ci_tiles <= kMostItems) return s;
  }
  return std::nullopt;
}

std::vector<NamedLayer> resnet_convolutions(int depth) {
  const bool deep = depth == 34;
  return {conv("C2", 56, 64, 64, 3, 1, 1, deep ? 6 : 4),
          conv("C3", 56, 64, 128, 3, 1, 2, 1),
          conv("C4", 56, 64, 128, 1, 0, 2, 1),
          conv("C5", 28, 128, 128, 3, 1, 1, deep ? 7 : 3),
          conv("C6", 28, 128, 256, 3, 1, 2, 1),
          conv("C7", 28, 128, 256, 1, 0, 2, 1),
          conv("C8", 14, 256, 256, 3, 1, 1, deep ? 11 : 3),
          conv("C9", 14, 256, 512, 3, 1, 2, 1),
          conv("C10", 14, 256, 512, 1, 0, 2, 1),
          conv("C11", 7, 512, 512, 3, 1, 1, deep ? 5 : 3)};
}

std::vector<NamedLayer> zoo_layers() {
  std::vector<NamedLayer> layers = resnet_convolutions(18);
  constexpr int kBlocks = 2;  // residual sums in each stage
  for (const size_t i : {0, 3, 6, 9}) {
    layers.push_back(with_residual(layers[i]));
    layers.back().uses = kBlocks;
    layers[i].uses -= kBlocks;
  }
  layers.push_back(conv("resnet18 C1", 224, 3, 64, 7, 3, 2, 1));
  layers.push_back(max_pool("resnet18 maxpool", 112, 64, 3, 1));
  layers.push_back(dense("resnet18 dense", 512, 1000));
  layers.push_back(pooled(conv("resnet18 C1", 224, 3, 64, 7, 3, 2, 1), 3, 1));
  layers.push_back(conv("vgg16 conv1_1", 224, 3, 64, 3, 1, 1, 1));
  layers.push_back(conv("vgg16 conv1_2", 224, 64, 64, 3, 1, 1, 1));
  layers.push_back(max_pool("vgg16 maxpool1", 224, 64, 2, 0));
  layers.push_back(conv("vgg16 conv2_1", 112, 64, 128, 3, 1, 1, 1));
  layers.push_back(conv("vgg16 conv2_2", 112, 128, 128, 3, 1, 1, 1));
  layers.push_back(pooled(conv("vgg16 conv2_2", 112, 128, 128, 3, 1, 1, 1), 2, 0));
  layers.push_back(conv("vgg16 conv3_1", 56, 128, 256, 3, 1, 1, 1));
  layers.push_back(conv("vgg16 conv3_2", 56, 256, 256, 3, 1, 1, 2));
  layers.push_back(conv("vgg16 conv4_1", 28, 256, 512, 3, 1, 1, 1));
  layers.push_back(conv("vgg16 conv4_2", 28, 512, 512, 3, 1, 1, 2));
  layers.push_back(conv("vgg16 conv5", 14, 512, 512, 3, 1, 1, 3));
  layers.push_back(dense("vgg16 fc6", 512, 4096, 49));
  layers.push_back(dense("vgg16 fc7", 4096, 4096));
  layers.push_back(conv("alexnet conv1", 224, 3, 64, 11, 2, 4, 1));
  layers.push_back(conv("alexnet conv2", 27, 64, 192, 5, 2, 1, 1));
  layers.push_back(conv("alexnet conv3", 13, 192, 384, 3, 1, 1, 1));
  layers.push_back(conv("alexnet conv4", 13, 384, 256, 3, 1, 1, 1));
  layers.push_back(max_pool("alexnet maxpool", 55, 64, 3, 0));
  layers.push_back(dense("alexnet fc6", 256, 4096, 36));
  return layers;
}

std::vector<HardwareConfig> sample_chips() {
  HardwareConfig fast;
  fast.variant = IsaVariant::kVtaPlus;
  fast.log2_block_in = 5;
  fast.log2_block_out = 6;
  fast.log2_inp_buffer = fast.log2_acc_buffer = 16;
  fast.log2_wgt_buffer = 17;
  fast.log2_uop_buffer = 11;
  HardwareConfig wide = fast;
  wide.bus_bits = 256;
  HardwareConfig up32;
  up32.log2_block_in = up32.log2_block_out = 5;
  up32.bus_bits = 128;
  up32.max_burst_beats = 256;
  return {HardwareConfig{}, fast, wide, up32};
}

Accuracy accuracy_of(const std::vector<double>& estimates, const std::vector<double>& cycles) {
  Accuracy accuracy;
  const auto count = static_cast<double>(cycles.size());
  for (size_t i = 0; i < cycles.size(); ++i) {
    const double error = estimates[i] / cycles[i] - 1;
    accuracy.bias += error / count;
    accuracy.mean_absolute_error += std::abs(error) / count;
  }
  const std::vector<double> a = ranks(estimates);
  const std::vector<double> b = ranks(cycles);
  const double mean = (count - 1) / 2;
  double both = 0, only_a = 0, only_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    both += (a[i] - mean) * (b[i] - mean);
    only_a += (a[i] - mean) * (a[i] - mean);
    only_b += (b[i] - mean) * (b[i] - mean);
  }
  const double scale = std::sqrt(only_a * only_b);
  accuracy.rank_correlation = scale > 0 ? both / scale : 1;
  return accuracy;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace arco
