// Convolutions for the tests of the search.
#pragma once

#include "arco/schedule/workload.h"

namespace arco::testing_support {

// Square, of stride 1, the output as large as the input, with bias.
inline Workload convolution(int64_t ci, int64_t size, int64_t co, int64_t kernel) {
  Workload w;
  w.ci = ci;
  w.h = w.w = w.oh = w.ow = size;
  w.co = co;
  w.kh = w.kw = kernel;
  w.pads = {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
  w.has_bias = true;
  return w;
}

}  // namespace arco::testing_support
