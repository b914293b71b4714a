// The names of the zoo, and the model of each. Topologies: zoo_plain.cc, zoo_residual.cc, zoo_branching.cc,
// zoo_mobile.cc, zoo_images.cc.
#include "arco/onnx/zoo.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/onnx/zoo_networks.h"

namespace arco {
namespace {

struct Network {
  std::function<Activation(ModelBuilder&, int64_t classes)> build;
  int64_t classes = 1000;  // 0: it does not classify
  int64_t channels = 3;    // of the image
};

const std::map<std::string, Network>& networks() {
  const auto make_vgg = [](std::array<int, 5> blocks) {
    return Network{[blocks](ModelBuilder& b, int64_t classes) { return vgg(b, classes, blocks); }};
  };
  const auto make_resnet = [](std::array<int, 4> blocks, bool has_bottlenecks) {
    return Network{[=](ModelBuilder& b, int64_t classes) { return resnet(b, classes, blocks, has_bottlenecks); }};
  };
  const auto make_squeezenet = [](SqueezeNetVersion version) {
    return Network{[version](ModelBuilder& b, int64_t classes) { return squeezenet(b, classes, version); }};
  };
  static const std::map<std::string, Network> all{
      {"alexnet", {alexnet}},
      {"densenet121", {densenet121}},
      {"espcn", {[](ModelBuilder& b, int64_t) { return espcn(b); }, 0, 1}},
      {"googlenet", {googlenet}},
      {"mobilenetv1", {mobilenet_v1}},
      {"mobilenetv2", {mobilenet_v2}},
      {"resnet18", make_resnet({2, 2, 2, 2}, false)},
      {"resnet34", make_resnet({3, 4, 6, 3}, false)},
      {"resnet50", make_resnet({3, 4, 6, 3}, true)},
      {"shufflenetv2", {shufflenet_v2}},
      {"squeezenet10", make_squeezenet(SqueezeNetVersion::k10)},
      {"squeezenet11", make_squeezenet(SqueezeNetVersion::k11)},
      {"unet", {unet, 2}},
      {"vgg11", make_vgg({1, 1, 2, 2, 2})},
      {"vgg13", make_vgg({2, 2, 2, 2, 2})},
      {"vgg16", make_vgg({2, 2, 3, 3, 3})},
      {"vgg19", make_vgg({2, 2, 4, 4, 4})},
  };
  return all;
}

// "ResNet-18" and "resnet_18" mean "resnet18"; "SqueezeNet 1.0" means "squeezenet10".
const std::pair<const std::string, Network>& find_network(const std::string& name) {
  std::string plain;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (plain == "inceptionv1") plain = "googlenet";
  const auto found = networks().find(plain);
  if (found != networks().end()) return *found;
  const std::string near = nearest_word(plain, zoo_names());
  fail_user("there is no network '{}'{}; choose one of {}", name,
            near.empty() ? "" : fmt::format(", did you mean '{}'?", near), fmt::join(zoo_names(), ", "));
}

void check_options(const ZooOptions& options, const std::string& name, const Network& network) {
  constexpr int64_t kMost = 1 << 16;
  ErrorList errors("zoo");
  const auto check = [&](const char* what, int64_t value) {
    if (value < 1 || value > kMost) errors.add("{} must be between 1 and {}, but is {}", what, kMost, value);
  };
  check("the image size", options.image_size);
  check("the batch", options.batch);
  if (options.classes != 0) check("the number of classes", options.classes);
  if (options.classes != 0 && network.classes == 0) errors.add("{} has no classes to choose the number of", name);
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
  check_options(options, plain_name, network);
  ModelBuilder builder(plain_name, options.seed, options.batch, options.image_size, network.channels);
  const Activation output = network.build(builder, options.classes != 0 ? options.classes : network.classes);
  const onnx::ModelProto model = builder.finish(output);
  // Streamed, so that no second copy is in memory.
  write_file(path, [&](std::ostream& out) { return model.SerializeToOstream(&out); });
}

}  // namespace arco
