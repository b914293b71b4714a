// Dense layers against the plain triple loop, initialisation, and gradients against finite differences.
#include "arco/marl/network.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>

#include "arco/base/error.h"
#include "arco/marl/adam.h"
#include "arco/marl/kernels.h"

namespace arco {
namespace {

Matrix random_matrix(int rows, int columns, Random& random) {
  Matrix matrix(rows, columns);
  for (Eigen::Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = static_cast<float>(random.normal());
  return matrix;
}

TEST(Kernels, EqualThePlainProductForAnySize) {
  const auto check = [] {
    const int outputs = *rc::gen::inRange(1, 40), inputs = *rc::gen::inRange(1, 40),
              samples = *rc::gen::inRange(1, 120);
    Random random(*rc::gen::inRange<uint64_t>(0, 1000));
    const Matrix w = random_matrix(outputs, inputs, random), x = random_matrix(inputs, samples, random);
    const Matrix bias = random_matrix(outputs, 1, random), dy = random_matrix(outputs, samples, random);
    Matrix y(outputs, samples), dx(inputs, samples), dw = Matrix::Ones(outputs, inputs), db = Matrix::Ones(outputs, 1);
    dense_forward(w.data(), bias.data(), outputs, inputs, x.data(), samples, true, y.data());
    dense_backward_input(w.data(), outputs, inputs, dy.data(), samples, dx.data());
    dense_backward_weights(outputs, inputs, x.data(), dy.data(), samples, dw.data(), db.data());
    const Matrix expected = ((w * x).colwise() + bias.col(0)).array().tanh();
    RC_ASSERT((y - expected).cwiseAbs().maxCoeff() < 1e-4f);
    RC_ASSERT((dx - w.transpose() * dy).cwiseAbs().maxCoeff() < 1e-3f);
    RC_ASSERT((dw - Matrix::Ones(outputs, inputs) - dy * x.transpose()).cwiseAbs().maxCoeff() < 1e-3f);
    RC_ASSERT((db - Matrix::Ones(outputs, 1) - Matrix(dy.rowwise().sum())).cwiseAbs().maxCoeff() < 1e-3f);
  };
  EXPECT_TRUE(rc::check("dense kernels", check));
}

TEST(Network, StartsOrthogonalWithZeroBiases) {
  Random random(3);
  const Network network(10, dense_layers({16}, 4, 0.01f), random);
  const Eigen::Map<const Matrix> hidden(network.parameters().data(), 16, 10);
  EXPECT_LT((hidden.transpose() * hidden - 2 * Matrix::Identity(10, 10)).cwiseAbs().maxCoeff(), 1e-5f);
  const Eigen::Map<const Matrix> head(network.parameters().data() + 16 * 11, 4, 16);
  EXPECT_LT((head * head.transpose() - 1e-4f * Matrix::Identity(4, 4)).cwiseAbs().maxCoeff(), 1e-8f);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(network.parameters()[160 + i], 0.0f);
}

TEST(Network, RefusesGroupsThatDoNotDivide) {
  Random random(1);
  EXPECT_THROW(Network(5, {{.outputs = 4, .groups = 2}}, random), InternalError);
}

// loss = sum of c * y for fixed random c.
void check_gradient(Network network, int samples, uint64_t seed) {
  Random random(seed);
  for (float& parameter : network.parameters()) {
    if (parameter != 0) parameter += 0.1f * static_cast<float>(random.normal());
  }
  const Matrix x = random_matrix(network.inputs(), samples, random);
  const Matrix c = random_matrix(network.outputs(), samples, random);
  Activations activations;
  const auto loss = [&] { return network.forward(x, activations).cast<double>().cwiseProduct(c.cast<double>()).sum(); };
  loss();
  std::vector<float> gradient(network.parameters().size());
  network.backward(x, activations, c, gradient);
  const float h = 4e-3f;
  for (size_t i = 0; i < gradient.size(); ++i) {
    float& parameter = network.parameters()[i];
    const float kept = parameter;
    if (gradient[i] == 0) continue;  // a weight between groups; tested on its own
    parameter = kept + h;
    const double above = loss();
    parameter = kept - h;
    const double below = loss();
    parameter = kept;
    EXPECT_NEAR(gradient[i], (above - below) / (2 * h), 3e-3 * (1 + std::abs(gradient[i]))) << "parameter " << i;
  }
}

TEST(Network, GradientMatchesFiniteDifferences) {
  Random random(5);
  check_gradient(Network(7, dense_layers({12, 9}, 6, 1), random), 13, 1);
  check_gradient(Network(4, dense_layers({}, 3, 1), random), 5, 2);
}

TEST(Network, GradientOfGroupedAndScaledLayers) {
  Random random(6);
  const std::vector<LayerSpec> layers = {
      {.outputs = 8},
      {.outputs = 6},
      {.outputs = 6, .groups = 2},
      {.outputs = 6, .with_tanh = false, .gain = 0.3f, .groups = 2, .input_scale = 3}};
  check_gradient(Network(5, layers, random), 9, 3);
}

TEST(Network, GroupsDoNotSeeEachOther) {
  Random random(7);
  Network network(6, {{.outputs = 4, .groups = 2}, {.outputs = 2, .with_tanh = false, .groups = 2}}, random);
  Matrix x = random_matrix(6, 1, random);
  Activations activations;
  const Matrix before = network.forward(x, activations);
  std::vector<float> gradient(network.parameters().size());
  network.backward(x, activations, Matrix::Ones(2, 1), gradient);
  Adam adam(gradient.size());
  adam.step(network.parameters(), gradient, 0.1f);
  const Matrix trained = network.forward(x, activations);
  EXPECT_NE(trained(0, 0), before(0, 0));
  x.bottomRows(3) *= -2;
  const Matrix after = network.forward(x, activations);
  EXPECT_EQ(after(0, 0), trained(0, 0));
  EXPECT_NE(after(1, 0), trained(1, 0));
}

TEST(Adam, FirstStepIsTheLearningRateAlongTheSign) {
  std::vector<float> parameters = {1, 1, 1};
  const std::vector<float> gradient = {0.5f, -20, 0};
  Adam adam(3);
  adam.step(parameters, gradient, 0.01f);
  EXPECT_NEAR(parameters[0], 0.99f, 1e-5);
  EXPECT_NEAR(parameters[1], 1.01f, 1e-5);
  EXPECT_EQ(parameters[2], 1);
}

TEST(Adam, ClippingKeepsTheDirection) {
  std::vector<float> gradient = {3, 4};
  EXPECT_FLOAT_EQ(clip_norm(gradient, 10), 5);
  EXPECT_FLOAT_EQ(gradient[1], 4);
  EXPECT_FLOAT_EQ(clip_norm(gradient, 1), 5);
  EXPECT_FLOAT_EQ(gradient[0], 0.6f);
  EXPECT_FLOAT_EQ(gradient[1], 0.8f);
}

}  // namespace
}  // namespace arco
