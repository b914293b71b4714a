// Dense networks with hand-written backward passes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arco/base/random.h"
#include "arco/marl/matrix.h"

namespace arco {

struct LayerSpec {
  int outputs = 0;
  bool with_tanh = true;
  float gain = 1.41421356f;  // of the orthogonal initialisation: sqrt 2 keeps the variance through hidden layers
  int groups = 1;            // group g of the outputs sees group g of the inputs only (block-diagonal weights)
  float input_scale = 1;     // multiplies what comes in (1 / temperature)

  bool operator==(const LayerSpec&) const = default;
};

// Hidden tanh layers of the given widths (gain sqrt 2), then a linear layer.
std::vector<LayerSpec> dense_layers(const std::vector<int>& hidden, int outputs, float output_gain);

// What forward leaves for backward: the output of every layer. Its memory is used again by the next call with as many
// samples.
struct Activations {
  std::vector<Matrix> layers;
  std::vector<Matrix> gradients;  // of the loss by those outputs: backward's own
  const Matrix& output() const { return layers.back(); }
};
// Samples side by side in memory: a matrix, or some of its columns.
using Samples = Eigen::Ref<const Matrix>;

// float32 parameters in one flat vector: per layer the weights [outputs x inputs], column-major, then the bias.
class Network {
 public:
  // Orthogonal weights, zero biases. Groups must divide inputs and outputs of their layer.
  Network(int inputs, std::vector<LayerSpec> layers, Random& random);

  int inputs() const { return inputs_; }
  int outputs() const { return layers_.back().outputs; }
  const std::vector<LayerSpec>& layers() const { return layers_; }
  std::span<float> parameters() { return parameters_; }
  std::span<const float> parameters() const { return parameters_; }

  // x [inputs x samples]; the result stays in `activations`, [outputs x samples].
  const Matrix& forward(const Samples& x, Activations& activations) const;

  // Adds the gradient of the loss by the parameters to `gradient`, given its gradient by the outputs.
  // `activations` must come from forward(x, ...) with the same parameters; it is overwritten.
  void backward(const Samples& x, Activations& activations, const Matrix& output_gradient,
                std::span<float> gradient) const;

 private:
  int layer_inputs(size_t layer) const { return layer == 0 ? inputs_ : layers_[layer - 1].outputs; }
  // What a layer reads; `scaled` holds it where the layer scales its input.
  const float* layer_input(size_t layer, const Samples& x, const Activations& activations, Matrix& scaled) const;
  void initialise(size_t layer, Random& random);
  void drop_foreign_groups(size_t layer, float* weights) const;

  int inputs_;
  std::vector<LayerSpec> layers_;
  std::vector<size_t> offsets_;  // of each layer in parameters_
  std::vector<float> parameters_;
};

}  // namespace arco
