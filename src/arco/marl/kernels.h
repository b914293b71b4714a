// The inner loops of dense layers, vectorised for the processor at hand.
// Everything is column-major with samples as columns; weights are [outputs x inputs].
#pragma once

#include <cstddef>

namespace arco {

// y [outputs x samples] = weights x [inputs x samples] + bias (null: 0), then tanh if asked.
void dense_forward(const float* weights, const float* bias, size_t outputs, size_t inputs, const float* x,
                   size_t samples, bool with_tanh, float* y);

// dx [inputs x samples] = weights^T dy.
void dense_backward_input(const float* weights, size_t outputs, size_t inputs, const float* dy, size_t samples,
                          float* dx);

// dweights [outputs x inputs] += dy x^T and dbias [outputs] += the sum of dy over the samples.
void dense_backward_weights(size_t outputs, size_t inputs, const float* x, const float* dy, size_t samples,
                            float* dweights, float* dbias);

// dy *= 1 - y^2: through y = tanh(z).
void tanh_backward(const float* y, size_t count, float* dy);

}  // namespace arco
