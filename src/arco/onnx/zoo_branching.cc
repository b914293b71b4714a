// SqueezeNet after torchvision.models (squeezenet.py); Inception v1 as its authors published it (bvlc_googlenet), with
// local response normalisation and 5x5 convolutions. Layer names are those of the sources. Poolings let their last
// window hang over the edge.
#include <fmt/format.h>

#include "arco/onnx/zoo_networks.h"

namespace arco {
namespace {

Activation conv_relu(ModelBuilder& b, const std::string& name, const std::string& activation, const Activation& x,
                     const ConvShape& shape) {
  return b.relu(activation, b.conv(name, x, shape, true));
}

//  x -- squeeze 1x1 --+-- expand 1x1 --+-- concat
//                     +-- expand 3x3 --+
Activation fire(ModelBuilder& b, const std::string& name, const Activation& x, int64_t squeeze, int64_t expand) {
  const Activation s = conv_relu(b, name + ".squeeze", name + ".squeeze_activation", x, {squeeze, 1, 1, 0});
  const Activation e1 = conv_relu(b, name + ".expand1x1", name + ".expand1x1_activation", s, {expand, 1, 1, 0});
  const Activation e3 = conv_relu(b, name + ".expand3x3", name + ".expand3x3_activation", s, {expand, 3, 1, 1});
  return b.concat(name + ".concat", {e1, e3});
}

// Channels of the four branches of an Inception module.
struct Branches {
  int64_t one, three_reduce, three, five_reduce, five, pool;
};

Activation inception(ModelBuilder& b, const std::string& name, const Activation& x, const Branches& c) {
  const auto conv = [&](const char* suffix, const Activation& in, int64_t channels, int64_t kernel) {
    const std::string layer = fmt::format("{}/{}", name, suffix);
    return conv_relu(b, layer, layer + ".relu", in, {channels, kernel, 1, kernel / 2});
  };
  const Activation one = conv("1x1", x, c.one, 1);
  const Activation three = conv("3x3", conv("3x3_reduce", x, c.three_reduce, 1), c.three, 3);
  const Activation five = conv("5x5", conv("5x5_reduce", x, c.five_reduce, 1), c.five, 5);
  const Activation pool = conv("pool_proj", b.max_pool(name + "/pool", x, {3, 1, 1}), c.pool, 1);
  return b.concat(name + "/output", {one, three, five, pool});
}

}  // namespace

Activation squeezenet(ModelBuilder& b, int64_t classes, SqueezeNetVersion version) {
  int layer = 0;
  const auto name = [&] { return fmt::format("features.{}", layer++); };
  const auto pool = [&](const Activation& x) { return b.max_pool(name(), x, {3, 2, 0, true}); };
  const auto fires = [&](Activation x, std::initializer_list<std::pair<int64_t, int64_t>> channels) {
    for (const auto& [squeeze, expand] : channels) x = fire(b, name(), x, squeeze, expand);
    return x;
  };
  const bool first = version == SqueezeNetVersion::k10;
  Activation x = b.conv(name(), b.input(), first ? ConvShape{96, 7, 2, 0} : ConvShape{64, 3, 2, 0}, true);
  x = pool(b.relu(name(), x));
  if (first) {
    x = pool(fires(x, {{16, 64}, {16, 64}, {32, 128}}));
    x = pool(fires(x, {{32, 128}, {48, 192}, {48, 192}, {64, 256}}));
    x = fires(x, {{64, 256}});
  } else {
    x = pool(fires(x, {{16, 64}, {16, 64}}));
    x = pool(fires(x, {{32, 128}, {32, 128}}));
    x = fires(x, {{48, 192}, {48, 192}, {64, 256}, {64, 256}});
  }
  x = b.dropout("classifier.0", x);
  x = conv_relu(b, "classifier.1", "classifier.2", x, {classes, 1, 1, 0});
  return b.flatten("flatten", b.global_average_pool("classifier.3", x));
}

Activation googlenet(ModelBuilder& b, int64_t classes) {
  const auto pool = [&](const char* name, const Activation& x) { return b.max_pool(name, x, {3, 2, 0, true}); };
  const auto norm = [&](const char* name, const Activation& x) {
    return b.local_response_norm(name, x, 5, 1e-4F, 0.75F);
  };
  Activation x = conv_relu(b, "conv1/7x7_s2", "conv1/relu_7x7", b.input(), {64, 7, 2, 3});
  x = norm("pool1/norm1", pool("pool1/3x3_s2", x));
  x = conv_relu(b, "conv2/3x3_reduce", "conv2/relu_3x3_reduce", x, {64, 1, 1, 0});
  x = conv_relu(b, "conv2/3x3", "conv2/relu_3x3", x, {192, 3, 1, 1});
  x = pool("pool2/3x3_s2", norm("conv2/norm2", x));
  x = inception(b, "inception_3a", x, {64, 96, 128, 16, 32, 32});
  x = inception(b, "inception_3b", x, {128, 128, 192, 32, 96, 64});
  x = pool("pool3/3x3_s2", x);
  x = inception(b, "inception_4a", x, {192, 96, 208, 16, 48, 64});
  x = inception(b, "inception_4b", x, {160, 112, 224, 24, 64, 64});
  x = inception(b, "inception_4c", x, {128, 128, 256, 24, 64, 64});
  x = inception(b, "inception_4d", x, {112, 144, 288, 32, 64, 64});
  x = inception(b, "inception_4e", x, {256, 160, 320, 32, 128, 128});
  x = pool("pool4/3x3_s2", x);
  x = inception(b, "inception_5a", x, {256, 160, 320, 32, 128, 128});
  x = inception(b, "inception_5b", x, {384, 192, 384, 48, 128, 128});
  x = b.dropout("pool5/drop", b.flatten("flatten", b.global_average_pool("pool5", x)));
  return b.gemm("loss3/classifier", x, classes);
}

}  // namespace arco
