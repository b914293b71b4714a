// y_l = act(W_l (s_l y_{l-1}) + b_l). Backward, from the last layer down, with d = dL/dz_l:
//   dL/dW_l = s_l d y_{l-1}^T,  dL/db_l = sum of d,  dL/dy_{l-1} = s_l W_l^T d,  through tanh: d *= 1 - y^2.
// Orthogonal initialisation: Saxe, McClelland, Ganguli (2014).
#include "arco/marl/network.h"

#include <Eigen/QR>

#include "arco/base/error.h"
#include "arco/marl/kernels.h"

namespace arco {

std::vector<LayerSpec> dense_layers(const std::vector<int>& hidden, int outputs, float output_gain) {
  std::vector<LayerSpec> layers;
  for (const int width : hidden) layers.push_back({.outputs = width});
  layers.push_back({.outputs = outputs, .with_tanh = false, .gain = output_gain});
  return layers;
}

Network::Network(int inputs, std::vector<LayerSpec> layers, Random& random)
    : inputs_(inputs), layers_(std::move(layers)) {
  ARCO_CHECK(inputs_ > 0 && !layers_.empty(), "a network needs inputs and layers");
  size_t size = 0;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const LayerSpec& layer = layers_[l];
    ARCO_CHECK(layer.outputs > 0 && layer.groups > 0 && layer.outputs % layer.groups == 0 &&
                   layer_inputs(l) % layer.groups == 0,
               "layer {}: {} groups for {} x {}", l, layer.groups, layer.outputs, layer_inputs(l));
    offsets_.push_back(size);
    size += static_cast<size_t>(layer.outputs) * (layer_inputs(l) + 1);
  }
  parameters_.assign(size, 0.0f);
  for (size_t l = 0; l < layers_.size(); ++l) initialise(l, random);
}

// The Q of a Gaussian matrix, its columns' signs made those of R's diagonal, is uniform among orthogonal matrices.
void Network::initialise(size_t layer, Random& random) {
  const LayerSpec& spec = layers_[layer];
  const int rows = spec.outputs / spec.groups;
  const int columns = layer_inputs(layer) / spec.groups;
  const int tall = std::max(rows, columns), wide = std::min(rows, columns);
  Eigen::Map<Matrix> weights(parameters_.data() + offsets_[layer], spec.outputs, layer_inputs(layer));
  for (int group = 0; group < spec.groups; ++group) {
    Eigen::MatrixXd gaussian(tall, wide);
    for (int c = 0; c < wide; ++c) {
      for (int r = 0; r < tall; ++r) gaussian(r, c) = random.normal();
    }
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(gaussian);
    Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(tall, wide);
    for (int c = 0; c < wide; ++c) {
      if (qr.matrixQR()(c, c) < 0) q.col(c) *= -1;
    }
    if (rows < columns) q.transposeInPlace();
    weights.block(group * rows, group * columns, rows, columns) = (spec.gain * q).cast<float>();
  }
}

const Matrix& Network::forward(const Samples& x, Activations& activations) const {
  ARCO_CHECK(x.rows() == inputs_ && x.outerStride() == x.rows(), "{} inputs given, {} expected", x.rows(), inputs_);
  activations.layers.resize(layers_.size());
  Matrix scaled;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const float* input = layer_input(l, x, activations, scaled);
    const size_t rows = layers_[l].outputs, columns = layer_inputs(l);
    const float* weights = parameters_.data() + offsets_[l];
    Matrix& output = activations.layers[l];
    output.resize(rows, x.cols());
    dense_forward(weights, weights + rows * columns, rows, columns, input, x.cols(), layers_[l].with_tanh,
                  output.data());
  }
  return activations.output();
}

void Network::backward(const Samples& x, Activations& activations, const Matrix& output_gradient,
                       std::span<float> gradient) const {
  ARCO_CHECK(gradient.size() == parameters_.size(), "gradient of {} for {} parameters", gradient.size(),
             parameters_.size());
  std::vector<Matrix>& gradients = activations.gradients;
  gradients.resize(layers_.size());
  gradients.back() = output_gradient;
  Matrix scaled;
  for (size_t l = layers_.size(); l-- > 0;) {
    const LayerSpec& layer = layers_[l];
    const size_t rows = layer.outputs, columns = layer_inputs(l), samples = x.cols();
    float* above = gradients[l].data();
    if (layer.with_tanh) tanh_backward(activations.layers[l].data(), rows * samples, above);
    const float* input = layer_input(l, x, activations, scaled);
    float* weights_gradient = gradient.data() + offsets_[l];
    dense_backward_weights(rows, columns, input, above, samples, weights_gradient, weights_gradient + rows * columns);
    drop_foreign_groups(l, weights_gradient);
    if (l == 0) return;
    Matrix& below = gradients[l - 1];
    below.resize(columns, samples);
    dense_backward_input(parameters_.data() + offsets_[l], rows, columns, above, samples, below.data());
    if (layer.input_scale != 1) below *= layer.input_scale;
  }
}

const float* Network::layer_input(size_t layer, const Samples& x, const Activations& activations,
                                  Matrix& scaled) const {
  const float scale = layers_[layer].input_scale;
  if (scale == 1) return layer == 0 ? x.data() : activations.layers[layer - 1].data();
  if (layer == 0) {
    scaled = scale * x;
  } else {
    scaled = scale * activations.layers[layer - 1];
  }
  return scaled.data();
}

// Weights between groups are zero and stay so, because their gradient is.
void Network::drop_foreign_groups(size_t layer, float* weights) const {
  const LayerSpec& spec = layers_[layer];
  if (spec.groups == 1) return;
  const int rows = spec.outputs / spec.groups;
  const int columns = layer_inputs(layer) / spec.groups;
  Eigen::Map<Matrix> matrix(weights, spec.outputs, layer_inputs(layer));
  for (int c = 0; c < matrix.cols(); ++c) {
    const int group = c / columns;
    matrix.col(c).head(group * rows).setZero();
    matrix.col(c).tail(spec.outputs - (group + 1) * rows).setZero();
  }
}

}  // namespace arco
