// Topologies after torchvision.models (alexnet.py, vgg.py, resnet.py), layer names included. The adaptive average
// pooling of AlexNet (6x6) and VGG (7x7) does nothing at image size 224 and is left out.
#include "arco/onnx/zoo.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/onnx/model_builder.h"

namespace arco {
namespace {

Activation classifier_hidden(ModelBuilder& b, int index, Activation x) {
  constexpr int64_t kHidden = 4096;
  x = b.gemm(fmt::format("classifier.{}", index), x, kHidden);
  return b.relu(fmt::format("classifier.{}", index + 1), x);
}

Activation alexnet(ModelBuilder& b, int64_t classes) {
  int layer = 0;
  const auto name = [&] { return fmt::format("features.{}", layer++); };
  const auto conv_relu = [&](const Activation& in, const ConvShape& shape) {
    const Activation y = b.conv(name(), in, shape, true);
    return b.relu(name(), y);
  };
  Activation x = conv_relu(b.input(), {64, 11, 4, 2});
  x = b.max_pool(name(), x, 3, 2, 0);
  x = conv_relu(x, {192, 5, 1, 2});
  x = b.max_pool(name(), x, 3, 2, 0);
  x = conv_relu(x, {384, 3, 1, 1});
  x = conv_relu(x, {256, 3, 1, 1});
  x = conv_relu(x, {256, 3, 1, 1});
  x = b.max_pool(name(), x, 3, 2, 0);
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
    x = b.max_pool(name(), x, 2, 2, 0);
  }
  x = b.flatten("flatten", x);
  x = b.dropout("classifier.2", classifier_hidden(b, 0, x));
  x = b.dropout("classifier.5", classifier_hidden(b, 3, x));
  return b.gemm("classifier.6", x, classes);
}

//  x --+-- conv1 3x3/s -- bn1 -- relu -- conv2 3x3 -- bn2 --+-- add -- relu
//      +-- (1x1/s -- bn where the shape changes) -----------+
Activation basic_block(ModelBuilder& b, const std::string& name, const Activation& x, int64_t channels,
                       int64_t stride) {
  // The residual branch adds less than the shortcut carries, as in trained networks.
  constexpr double kBranchScale = 0.5;
  Activation y = b.conv(name + ".conv1", x, {channels, 3, stride, 1}, false);
  y = b.relu(name + ".relu1", b.batch_norm(name + ".bn1", y));
  y = b.conv(name + ".conv2", y, {channels, 3, 1, 1}, false);
  y = b.batch_norm(name + ".bn2", y, kBranchScale);
  Activation shortcut = x;
  if (stride != 1 || x.channels != channels) {
    shortcut = b.conv(name + ".downsample.0", x, {channels, 1, stride, 0}, false);
    shortcut = b.batch_norm(name + ".downsample.1", shortcut);
  }
  return b.relu(name + ".relu2", b.add(name + ".add", y, shortcut));
}

Activation resnet(ModelBuilder& b, int64_t classes, const std::array<int, 4>& blocks) {
  Activation x = b.conv("conv1", b.input(), {64, 7, 2, 3}, false);
  x = b.relu("relu", b.batch_norm("bn1", x));
  x = b.max_pool("maxpool", x, 3, 2, 1);
  for (size_t stage = 0; stage < blocks.size(); ++stage) {
    const int64_t channels = int64_t{64} << stage;
    for (int block = 0; block < blocks[stage]; ++block) {
      const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      x = basic_block(b, fmt::format("layer{}.{}", stage + 1, block), x, channels, stride);
    }
  }
  x = b.flatten("flatten", b.global_average_pool("avgpool", x));
  return b.gemm("fc", x, classes);
}

using Network = std::function<Activation(ModelBuilder&, int64_t classes)>;

const std::map<std::string, Network>& networks() {
  const auto make_vgg = [](std::array<int, 5> blocks) {
    return [blocks](ModelBuilder& b, int64_t classes) { return vgg(b, classes, blocks); };
  };
  const auto make_resnet = [](std::array<int, 4> blocks) {
    return [blocks](ModelBuilder& b, int64_t classes) { return resnet(b, classes, blocks); };
  };
  static const std::map<std::string, Network> all{
      {"alexnet", alexnet},
      {"resnet18", make_resnet({2, 2, 2, 2})},
      {"resnet34", make_resnet({3, 4, 6, 3})},
      {"vgg11", make_vgg({1, 1, 2, 2, 2})},
      {"vgg13", make_vgg({2, 2, 2, 2, 2})},
      {"vgg16", make_vgg({2, 2, 3, 3, 3})},
      {"vgg19", make_vgg({2, 2, 4, 4, 4})},
  };
  return all;
}

// "ResNet-18" and "resnet_18" mean "resnet18".
const std::pair<const std::string, Network>& find_network(const std::string& name) {
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_' && c != ' ') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const auto found = networks().find(plain);
  if (found != networks().end()) return *found;
  const std::string near = nearest_word(plain, zoo_names());
  fail_user("there is no network '{}'{}; choose one of {}", name,
            near.empty() ? "" : fmt::format(", did you mean '{}'?", near), fmt::join(zoo_names(), ", "));
}

void check_options(const ZooOptions& options) {
  constexpr int64_t kMost = 1 << 16;
  ErrorList errors("zoo");
  const auto check = [&](const char* what, int64_t value) {
    if (value < 1 || value > kMost) errors.add("{} must be between 1 and {}, but is {}", what, kMost, value);
  };
  check("the image size", options.image_size);
  check("the batch", options.batch);
  check("the number of classes", options.classes);
  errors.throw_if_any();
}

}  // namespace

std::vector<std::string> zoo_names() {
  std::vector<std::string> names;
  for (const auto& [name, network] : networks()) names.push_back(name);
  return names;
}

void write_zoo_model(const std::string& name, const std::filesystem::path& path, const ZooOptions& options) {
  const auto& [plain_name, network] = find_network(name);
  check_options(options);
  ModelBuilder builder(plain_name, options.seed, options.batch, options.image_size);
  const Activation output = network(builder, options.classes);
  const onnx::ModelProto model = builder.finish(output);
  // Streamed, so that no second copy is in memory.
  write_file(path, [&](std::ostream& out) { return model.SerializeToOstream(&out); });
}

}  // namespace arco
