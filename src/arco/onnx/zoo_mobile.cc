// MobileNet v1 (Howard 2017, table 1), MobileNet v2 and ShuffleNet v2 x1.0 after torchvision.models (mobilenetv2.py,
// shufflenetv2.py).
#include <fmt/format.h>

#include "arco/onnx/zoo_networks.h"

namespace arco {
namespace {

// Depthwise 3x3, then batch norm.
Activation depthwise(ModelBuilder& b, const std::string& conv, const std::string& norm, const Activation& x,
                     int64_t stride) {
  return b.batch_norm(norm, b.conv(conv, x, {x.channels, 3, stride, 1, x.channels}, false));
}

Activation conv_norm(ModelBuilder& b, const std::string& conv, const std::string& norm, const Activation& x,
                     const ConvShape& shape, double scale = 1) {
  return b.batch_norm(norm, b.conv(conv, x, shape, false), scale);
}

//  x --+-- (1x1 to `expansion` times the channels) -- depthwise 3x3/s -- 1x1 --+-- (add where the shape stays)
//      +-----------------------------------------------------------------------+
Activation inverted_residual(ModelBuilder& b, const std::string& name, const Activation& x, int64_t expansion,
                             int64_t channels, int64_t stride) {
  int layer = 0;
  Activation y = x;
  if (expansion != 1) {
    const std::string conv = fmt::format("{}.conv.{}", name, layer++);
    y = conv_norm(b, conv + ".0", conv + ".1", y, {x.channels * expansion, 1, 1, 0});
    y = b.relu6(conv + ".2", y);
  }
  const std::string middle = fmt::format("{}.conv.{}", name, layer++);
  y = b.relu6(middle + ".2", depthwise(b, middle + ".0", middle + ".1", y, stride));
  const bool adds = stride == 1 && x.channels == channels;
  y = conv_norm(b, fmt::format("{}.conv.{}", name, layer), fmt::format("{}.conv.{}", name, layer + 1), y,
                {channels, 1, 1, 0}, adds ? 0.5 : 1);
  return adds ? b.add(name + ".add", x, y) : y;
}

// Half of the channels pass, or both halves see all of them where the plane shrinks:
//   x -- split --+---------------------------------+-- concat -- shuffle
//                +-- 1x1 -- depthwise 3x3 -- 1x1 --+
Activation shuffle_unit(ModelBuilder& b, const std::string& name, const Activation& x, int64_t channels, bool shrinks) {
  const int64_t half = channels / 2;
  Activation left = x;
  Activation right = x;
  if (shrinks) {
    left = depthwise(b, name + ".branch1.0", name + ".branch1.1", x, 2);
    left = conv_norm(b, name + ".branch1.2", name + ".branch1.3", left, {half, 1, 1, 0});
    left = b.relu(name + ".branch1.4", left);
  } else {
    std::tie(left, right) = b.split(name + ".chunk", x);
  }
  right = conv_norm(b, name + ".branch2.0", name + ".branch2.1", right, {half, 1, 1, 0});
  right = b.relu(name + ".branch2.2", right);
  right = depthwise(b, name + ".branch2.3", name + ".branch2.4", right, shrinks ? 2 : 1);
  right = conv_norm(b, name + ".branch2.5", name + ".branch2.6", right, {half, 1, 1, 0});
  right = b.relu(name + ".branch2.7", right);
  return b.channel_shuffle(name + ".shuffle", b.concat(name + ".concat", {left, right}), 2);
}

}  // namespace

Activation mobilenet_v1(ModelBuilder& b, int64_t classes) {
  struct Block {
    int64_t channels, stride;
  };
  constexpr std::array<Block, 13> kBlocks{{{64, 1},
                                           {128, 2},
                                           {128, 1},
                                           {256, 2},
                                           {256, 1},
                                           {512, 2},
                                           {512, 1},
                                           {512, 1},
                                           {512, 1},
                                           {512, 1},
                                           {512, 1},
                                           {1024, 2},
                                           {1024, 1}}};
  Activation x = b.relu6("conv1_relu", conv_norm(b, "conv1", "conv1_bn", b.input(), {32, 3, 2, 1}));
  for (size_t i = 0; i < kBlocks.size(); ++i) {
    const std::string dw = fmt::format("conv_dw_{}", i + 1);
    const std::string pw = fmt::format("conv_pw_{}", i + 1);
    x = b.relu6(dw + "_relu", depthwise(b, dw, dw + "_bn", x, kBlocks[i].stride));
    x = b.relu6(pw + "_relu", conv_norm(b, pw, pw + "_bn", x, {kBlocks[i].channels, 1, 1, 0}));
  }
  x = b.flatten("flatten", b.global_average_pool("global_average_pooling", x));
  return b.gemm("predictions", b.dropout("dropout", x), classes);
}

Activation mobilenet_v2(ModelBuilder& b, int64_t classes) {
  struct Stage {
    int64_t expansion, channels;
    int blocks;
    int64_t stride;
  };
  constexpr std::array<Stage, 7> kStages{
      {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}}};
  int feature = 0;
  const auto name = [&] { return fmt::format("features.{}", feature++); };
  std::string layer = name();
  Activation x = b.relu6(layer + ".2", conv_norm(b, layer + ".0", layer + ".1", b.input(), {32, 3, 2, 1}));
  for (const Stage& stage : kStages) {
    for (int block = 0; block < stage.blocks; ++block) {
      x = inverted_residual(b, name(), x, stage.expansion, stage.channels, block == 0 ? stage.stride : 1);
    }
  }
  layer = name();
  x = b.relu6(layer + ".2", conv_norm(b, layer + ".0", layer + ".1", x, {1280, 1, 1, 0}));
  x = b.flatten("flatten", b.global_average_pool("avgpool", x));
  return b.gemm("classifier.1", b.dropout("classifier.0", x), classes);
}

Activation shufflenet_v2(ModelBuilder& b, int64_t classes) {
  struct Stage {
    int64_t channels;
    int units;
  };
  constexpr std::array<Stage, 3> kStages{{{116, 4}, {232, 8}, {464, 4}}};
  Activation x = b.relu("conv1.2", conv_norm(b, "conv1.0", "conv1.1", b.input(), {24, 3, 2, 1}));
  x = b.max_pool("maxpool", x, {3, 2, 1});
  for (size_t stage = 0; stage < kStages.size(); ++stage) {
    for (int unit = 0; unit < kStages[stage].units; ++unit) {
      x = shuffle_unit(b, fmt::format("stage{}.{}", stage + 2, unit), x, kStages[stage].channels, unit == 0);
    }
  }
  x = b.relu("conv5.2", conv_norm(b, "conv5.0", "conv5.1", x, {1024, 1, 1, 0}));
  return b.gemm("fc", b.plane_mean("mean", x), classes);
}

}  // namespace arco
