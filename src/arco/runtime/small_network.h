// A network of a few small layers for tests: convolutions with and without residual, pooling, a dense layer, and a
// softmax on the host.
#pragma once

#include "arco/base/random.h"
#include "arco/graph/graph.h"
#include "arco/quant/calibrate.h"
#include "arco/quant/quantize.h"

namespace arco {

class SmallNetwork {
 public:
  // Quantised; `clamp` is the activation of the first convolution. With options.keep_brought, tensors bring grids as
  // quantised models do: the activation from -128 on, the others around other zero points.
  static Graph make(uint64_t seed = 1, const Clamp& clamp = {0, std::numeric_limits<float>::infinity()},
                    const QuantizeOptions& options = {}) {
    return SmallNetwork(seed).build(clamp, options);
  }

 private:
  explicit SmallNetwork(uint64_t seed) : random_(seed), seed_(seed) {}

  Graph build(const Clamp& clamp, const QuantizeOptions& options) {
    graph_.name = "small";
    const TensorId image = tensor("image", {1, 3, 8, 8});
    graph_.inputs = {image};
    Conv wide;
    wide.pads = {1, 1, 1, 1};
    wide.clamp = clamp;
    const TensorId first = node("first/conv", wide, {image, weights({20, 3, 3, 3}), weights({20})});
    wide.clamp = {};
    const TensorId second = node("second", wide, {first, weights({20, 20, 3, 3}), weights({20}), first});
    Pool pool;
    pool.kernel = pool.strides = {2, 2};
    const TensorId pooled = node("pool", pool, {second});
    const TensorId scores = node("scores", Dense{}, {pooled, weights({10, 320}), weights({10})});
    graph_.outputs = {node("softmax", Softmax{}, {scores})};
    infer_shapes(graph_);
    const Ranges ranges = calibrate(graph_, noise_calibration(graph_, seed_));
    const auto bring = [&](TensorId id, TensorId of, int32_t zero) {
      const auto range = static_cast<double>(ranges.max_abs[static_cast<size_t>(of)]);
      graph_.tensor(id).grid = Grid{range / (127 - zero), zero};
    };
    if (options.keep_brought) {
      bring(image, image, -14);
      bring(first, first, -128);
      bring(second, second, 9);
      bring(pooled, second, 9);
      bring(scores, scores, -7);
    }
    return quantize(graph_, ranges, options);
  }

  TensorId tensor(const std::string& name, Shape shape) {
    Tensor made;
    made.name = name;
    made.shape = std::move(shape);
    return graph_.add_tensor(made);
  }
  TensorId weights(const Shape& shape) {
    Array values(DataType::kFloat32, shape);
    for (float& value : values.mutable_data<float>()) value = static_cast<float>(0.2 * random_.normal());
    return graph_.add_constant("w" + std::to_string(graph_.tensors.size()), values);
  }
  TensorId node(const std::string& name, Op op, std::vector<TensorId> inputs) {
    const TensorId output = tensor(name + ".y", {});
    graph_.nodes.push_back({name, std::move(op), std::move(inputs), {output}, {}});
    return output;
  }

  Graph graph_;
  Random random_;
  uint64_t seed_;
};

}  // namespace arco
