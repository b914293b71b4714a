// Well-known networks as ONNX files: true topology (most after torchvision), seeded weights instead of trained ones.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace arco {

struct ZooOptions {
  uint64_t seed = 0;
  int64_t image_size = 224;  // pixels, square; the classifiers of AlexNet and VGG adapt to it
  int64_t batch = 1;
  int64_t classes = 0;  // 0: as published, 1000 for classifiers of images
};

// "alexnet", "resnet18", ... in alphabetical order.
std::vector<std::string> zoo_names();

// Input "input" [batch, 3, image_size, image_size], output "output" [batch, classes] (logits); unet gives
// [batch, classes, image_size, image_size], espcn makes of one channel one that is three times larger. Weights are
// He-normal, batch-norm statistics those that such weights would have seen, within a random factor.
// `name` may be written "ResNet-18". Throws UserError for an unknown name and sizes that the network cannot have,
// RunError if the file cannot be written.
void write_zoo_model(const std::string& name, const std::filesystem::path& path, const ZooOptions& options = {});

}  // namespace arco
