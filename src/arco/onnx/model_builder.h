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
  bool is_flat = false;  // [N, C]
};

struct ConvShape {
  int64_t outputs, kernel, stride, pad;
  int64_t groups = 1;
};

struct PoolShape {
  int64_t kernel, stride, pad;
  bool ceil_mode = false;  // a last window may hang over the edge
};

class ModelBuilder {
 public:
  ModelBuilder(const std::string& name, uint64_t seed, int64_t batch, int64_t image_size, int64_t channels = 3);

  Activation input() const { return input_; }
  // `name` becomes the node's name and the prefix of its tensors. Throw UserError when the window does not fit or the
  // model outgrows a protobuf file.
  Activation conv(const std::string& name, const Activation& x, const ConvShape& shape, bool bias);
  // gamma is uniform around `scale`.
  Activation batch_norm(const std::string& name, const Activation& x, double scale = 1);
  Activation relu(const std::string& name, const Activation& x);
  Activation relu6(const std::string& name, const Activation& x);
  Activation tanh(const std::string& name, const Activation& x);
  Activation add(const std::string& name, const Activation& a, const Activation& b);
  Activation concat(const std::string& name, const std::vector<Activation>& parts);
  // Equal halves of the channels.
  std::pair<Activation, Activation> split(const std::string& name, const Activation& x);
  Activation max_pool(const std::string& name, const Activation& x, const PoolShape& shape);
  Activation average_pool(const std::string& name, const Activation& x, const PoolShape& shape);
  Activation global_average_pool(const std::string& name, const Activation& x);
  // The mean of each plane, flat.
  Activation plane_mean(const std::string& name, const Activation& x);
  Activation local_response_norm(const std::string& name, const Activation& x, int64_t size, float alpha, float beta);
  // [N, g, C/g, H, W] becomes [N, C/g, g, H, W]: every group of the next layer sees channels of all groups.
  Activation channel_shuffle(const std::string& name, const Activation& x, int64_t groups);
  // The plane grows by `block`, the channels shrink by its square.
  Activation depth_to_space(const std::string& name, const Activation& x, int64_t block);
  // Transposed, with kernel and stride 2, and bias.
  Activation up_conv(const std::string& name, const Activation& x, int64_t outputs);
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
  std::string add_he_weights(const std::string& name, const std::vector<int64_t>& dims, int64_t fan_in);
  std::string add_bias(const std::string& name, int64_t channels);
  std::string add_integers(const std::string& name, const std::vector<int64_t>& values);
  Activation pool(const char* op, const std::string& name, const Activation& x, const PoolShape& shape);
  int64_t window(const std::string& name, const Activation& x, const PoolShape& shape) const;

  onnx::ModelProto model_;
  int64_t batch_;
  Activation input_;
  Random random_;
  uint64_t bytes_ = 0;
  uint64_t tensors_ = 0;
};

}  // namespace arco
