// ResNet and DenseNet after torchvision.models (resnet.py, densenet.py), layer names included.
#include <fmt/format.h>

#include "arco/onnx/zoo_networks.h"

namespace arco {
namespace {

// A residual branch adds less than the shortcut carries, as in trained networks.
constexpr double kBranchScale = 0.5;

Activation shortcut_of(ModelBuilder& b, const std::string& name, const Activation& x, int64_t channels,
                       int64_t stride) {
  if (stride == 1 && x.channels == channels) return x;
  const Activation y = b.conv(name + ".downsample.0", x, {channels, 1, stride, 0}, false);
  return b.batch_norm(name + ".downsample.1", y);
}

//  x --+-- conv1 3x3/s -- bn1 -- relu -- conv2 3x3 -- bn2 --+-- add -- relu
//      +-- (1x1/s -- bn where the shape changes) -----------+
Activation basic_block(ModelBuilder& b, const std::string& name, const Activation& x, int64_t channels,
                       int64_t stride) {
  Activation y = b.conv(name + ".conv1", x, {channels, 3, stride, 1}, false);
  y = b.relu(name + ".relu1", b.batch_norm(name + ".bn1", y));
  y = b.conv(name + ".conv2", y, {channels, 3, 1, 1}, false);
  y = b.batch_norm(name + ".bn2", y, kBranchScale);
  return b.relu(name + ".relu2", b.add(name + ".add", y, shortcut_of(b, name, x, channels, stride)));
}

// The same with 1x1 -- 3x3/s -- 1x1, the last to four times the channels.
Activation bottleneck(ModelBuilder& b, const std::string& name, const Activation& x, int64_t channels, int64_t stride) {
  Activation y = b.conv(name + ".conv1", x, {channels, 1, 1, 0}, false);
  y = b.relu(name + ".relu1", b.batch_norm(name + ".bn1", y));
  y = b.conv(name + ".conv2", y, {channels, 3, stride, 1}, false);
  y = b.relu(name + ".relu2", b.batch_norm(name + ".bn2", y));
  y = b.conv(name + ".conv3", y, {4 * channels, 1, 1, 0}, false);
  y = b.batch_norm(name + ".bn3", y, kBranchScale);
  return b.relu(name + ".relu3", b.add(name + ".add", y, shortcut_of(b, name, x, 4 * channels, stride)));
}

Activation dense_layer(ModelBuilder& b, const std::string& name, const Activation& x, int64_t growth) {
  Activation y = b.relu(name + ".relu1", b.batch_norm(name + ".norm1", x));
  y = b.conv(name + ".conv1", y, {4 * growth, 1, 1, 0}, false);
  y = b.relu(name + ".relu2", b.batch_norm(name + ".norm2", y));
  y = b.conv(name + ".conv2", y, {growth, 3, 1, 1}, false);
  return b.concat(name + ".concat", {x, y});
}

Activation transition(ModelBuilder& b, const std::string& name, const Activation& x) {
  Activation y = b.relu(name + ".relu", b.batch_norm(name + ".norm", x));
  y = b.conv(name + ".conv", y, {x.channels / 2, 1, 1, 0}, false);
  return b.average_pool(name + ".pool", y, {2, 2, 0});
}

}  // namespace

Activation resnet(ModelBuilder& b, int64_t classes, const std::array<int, 4>& blocks, bool has_bottlenecks) {
  Activation x = b.conv("conv1", b.input(), {64, 7, 2, 3}, false);
  x = b.relu("relu", b.batch_norm("bn1", x));
  x = b.max_pool("maxpool", x, {3, 2, 1});
  for (size_t stage = 0; stage < blocks.size(); ++stage) {
    const int64_t channels = int64_t{64} << stage;
    for (int block = 0; block < blocks[stage]; ++block) {
      const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      const std::string name = fmt::format("layer{}.{}", stage + 1, block);
      x = has_bottlenecks ? bottleneck(b, name, x, channels, stride) : basic_block(b, name, x, channels, stride);
    }
  }
  x = b.flatten("flatten", b.global_average_pool("avgpool", x));
  return b.gemm("fc", x, classes);
}

Activation densenet121(ModelBuilder& b, int64_t classes) {
  constexpr std::array<int, 4> kLayers{6, 12, 24, 16};
  constexpr int64_t kGrowth = 32;
  Activation x = b.conv("features.conv0", b.input(), {64, 7, 2, 3}, false);
  x = b.relu("features.relu0", b.batch_norm("features.norm0", x));
  x = b.max_pool("features.pool0", x, {3, 2, 1});
  for (size_t block = 0; block < kLayers.size(); ++block) {
    for (int layer = 0; layer < kLayers[block]; ++layer) {
      x = dense_layer(b, fmt::format("features.denseblock{}.denselayer{}", block + 1, layer + 1), x, kGrowth);
    }
    if (block + 1 < kLayers.size()) x = transition(b, fmt::format("features.transition{}", block + 1), x);
  }
  x = b.relu("relu", b.batch_norm("features.norm5", x));
  x = b.flatten("flatten", b.global_average_pool("avgpool", x));
  return b.gemm("classifier", x, classes);
}

}  // namespace arco
