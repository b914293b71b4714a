// The topologies of the zoo. Each adds its layers to a model and gives its output.
#pragma once

#include <array>

#include "arco/onnx/model_builder.h"

namespace arco {

// zoo_plain.cc
Activation alexnet(ModelBuilder& b, int64_t classes);
// `blocks`: convolutions before each of the five poolings.
Activation vgg(ModelBuilder& b, int64_t classes, const std::array<int, 5>& blocks);

// zoo_residual.cc; `blocks`: residual blocks of each stage.
Activation resnet(ModelBuilder& b, int64_t classes, const std::array<int, 4>& blocks, bool has_bottlenecks);
Activation densenet121(ModelBuilder& b, int64_t classes);

// zoo_branching.cc
enum class SqueezeNetVersion { k10, k11 };
Activation squeezenet(ModelBuilder& b, int64_t classes, SqueezeNetVersion version);
Activation googlenet(ModelBuilder& b, int64_t classes);

// zoo_mobile.cc
Activation mobilenet_v1(ModelBuilder& b, int64_t classes);
Activation mobilenet_v2(ModelBuilder& b, int64_t classes);
Activation shufflenet_v2(ModelBuilder& b, int64_t classes);

// zoo_images.cc: from images to images.
Activation espcn(ModelBuilder& b);
Activation unet(ModelBuilder& b, int64_t classes);

}  // namespace arco
