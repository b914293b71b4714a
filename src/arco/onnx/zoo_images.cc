// ESPCN (Shi 2016: efficient sub-pixel convolution, for one channel, three times larger) and U-Net (Ronneberger 2015,
// with padded convolutions as is usual now, so that the output is as large as the input).
#include <fmt/format.h>

#include "arco/base/error.h"
#include "arco/onnx/zoo_networks.h"

namespace arco {
namespace {

Activation double_conv(ModelBuilder& b, const std::string& name, Activation x, int64_t channels) {
  for (int i = 0; i < 2; ++i) {
    x = b.conv(fmt::format("{}.conv{}", name, i + 1), x, {channels, 3, 1, 1}, true);
    x = b.relu(fmt::format("{}.relu{}", name, i + 1), x);
  }
  return x;
}

}  // namespace

Activation espcn(ModelBuilder& b) {
  constexpr int64_t kScale = 3;
  Activation x = b.tanh("tanh1", b.conv("conv1", b.input(), {64, 5, 1, 2}, true));
  x = b.tanh("tanh2", b.conv("conv2", x, {32, 3, 1, 1}, true));
  x = b.conv("conv3", x, {kScale * kScale, 3, 1, 1}, true);
  return b.depth_to_space("pixel_shuffle", x, kScale);
}

Activation unet(ModelBuilder& b, int64_t classes) {
  constexpr size_t kLevels = 4;
  const int64_t size = b.input().size;
  if (size % (1 << kLevels) != 0) fail_user("the image size of unet must be a multiple of 16, but is {}", size);
  std::vector<Activation> skips;
  Activation x = double_conv(b, "down1", b.input(), 64);
  for (size_t level = 1; level <= kLevels; ++level) {
    skips.push_back(x);
    x = b.max_pool(fmt::format("pool{}", level), x, {2, 2, 0});
    x = double_conv(b, fmt::format("down{}", level + 1), x, int64_t{64} << level);
  }
  for (size_t level = kLevels; level >= 1; --level) {
    const Activation& skip = skips[level - 1];
    x = b.up_conv(fmt::format("up{}.conv", level), x, skip.channels);
    x = b.concat(fmt::format("up{}.concat", level), {skip, x});
    x = double_conv(b, fmt::format("up{}", level), x, skip.channels);
  }
  return b.conv("out", x, {classes, 1, 1, 0}, true);
}

}  // namespace arco
