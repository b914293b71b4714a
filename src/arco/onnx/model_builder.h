// Builds ONNX models layer by layer, with seeded weights.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "arco/base/random.h"

namespace arco {

// An activation [N, C, H, W] (H = W = `size`; after flattening size is 1) on its way through the network. `power` is
// the expected mean square of its elements, from which weights and statistics downstream are scaled.
struct Activation {
  std::string name;
  int64_t channels = 0;
  int64_t size = 0;
  double power = 1;
};

struct ConvShape {
  int64_t outputs, kernel, stride, pad;
};

class ModelBuilder {
 public:
  ModelBuilder(const std::string& name, uint64_t seed, int64_t batch, int64_t image_size);

  Activation input() const { return input_; }
  // `name` becomes the node's name and the prefix of its tensors. Throw UserError when the window does not fit or the
  // model outgrows a protobuf file.
  Activation conv(const std::string& name, const Activation& x, const ConvShape& shape, bool bias);
  // gamma is uniform around `scale`.
  Activation batch_norm(const std::string& name, const Activation& x, double scale = 1);
  Activation relu(const std::string& name, const Activation& x);
  Activation add(const std::string& name, const Activation& a, const Activation& b);
  Activation max_pool(const std::string& name, const Activation& x, int64_t kernel, int64_t stride, int64_t pad);
  Activation global_average_pool(const std::string& name, const Activation& x);
  Activation flatten(const std::string& name, const Activation& x);
  Activation dropout(const std::string& name, const Activation& x);
  Activation gemm(const std::string& name, const Activation& x, int64_t outputs);

  // Declares the output, and gives the finished model away.
  onnx::ModelProto finish(const Activation& output);

 private:
  onnx::NodeProto* add_node(const char* op, const std::string& name, const std::vector<std::string>& inputs);
  // A float initializer filled by `sample`, which gets the tensor's own random stream.
  std::string add_weights(const std::string& name, const std::vector<int64_t>& dims,
                          const std::function<void(Random&, float*, size_t)>& fill);
  int64_t window(const std::string& name, const Activation& x, int64_t kernel, int64_t stride, int64_t pad) const;

  onnx::ModelProto model_;
  int64_t batch_;
  Activation input_;
  Random random_;
  uint64_t bytes_ = 0;
  uint64_t tensors_ = 0;
};

}  // namespace arco
