// AlexNet and VGG after torchvision.models (alexnet.py, vgg.py), layer names included. Their adaptive average pooling
// (6x6, 7x7) does nothing at image size 224 and is left out.
#include <fmt/format.h>

#include <array>

#include "arco/onnx/zoo_networks.h"

namespace arco {
namespace {

Activation classifier_hidden(ModelBuilder& b, int index, Activation x) {
  constexpr int64_t kHidden = 4096;
  x = b.gemm(fmt::format("classifier.{}", index), x, kHidden);
  return b.relu(fmt::format("classifier.{}", index + 1), x);
}

}  // namespace

Activation alexnet(ModelBuilder& b, int64_t classes) {
  int layer = 0;
  const auto name = [&] { return fmt::format("features.{}", layer++); };
  const auto conv_relu = [&](const Activation& in, const ConvShape& shape) {
    const Activation y = b.conv(name(), in, shape, true);
    return b.relu(name(), y);
  };
  Activation x = conv_relu(b.input(), {64, 11, 4, 2});
  x = b.max_pool(name(), x, {3, 2, 0});
  x = conv_relu(x, {192, 5, 1, 2});
  x = b.max_pool(name(), x, {3, 2, 0});
  x = conv_relu(x, {384, 3, 1, 1});
  x = conv_relu(x, {256, 3, 1, 1});
  x = conv_relu(x, {256, 3, 1, 1});
  x = b.max_pool(name(), x, {3, 2, 0});
  x = b.flatten("flatten", x);
  x = classifier_hidden(b, 1, b.dropout("classifier.0", x));
  x = classifier_hidden(b, 4, b.dropout("classifier.3", x));
  return b.gemm("classifier.6", x, classes);
}

// `blocks`: convolutions before each of the five poolings.
Activation vgg(ModelBuilder& b, int64_t classes, const std::array<int, 5>& blocks) {
  constexpr std::array<int64_t, 5> kChannels{64, 128, 256, 512, 512};
  int layer = 0;
  const auto name = [&] { return fmt::format("features.{}", layer++); };
  Activation x = b.input();
  for (size_t block = 0; block < blocks.size(); ++block) {
    for (int i = 0; i < blocks[block]; ++i) {
      x = b.conv(name(), x, {kChannels[block], 3, 1, 1}, true);
      x = b.relu(name(), x);
    }
    x = b.max_pool(name(), x, {2, 2, 0});
  }
  x = b.flatten("flatten", x);
  x = b.dropout("classifier.2", classifier_hidden(b, 0, x));
  x = b.dropout("classifier.5", classifier_hidden(b, 3, x));
  return b.gemm("classifier.6", x, classes);
}

}  // namespace arco
