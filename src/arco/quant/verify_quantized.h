// The check after quantisation: does the int8 network still compute about what its floats compute?
#pragma once

#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// Below this the noise has half of the signal's power or more: scales are wrong, or the calibration inputs are.
constexpr double kLowestSignalToNoiseDb = 3;

// Runs both graphs on the first of `sets`. Throws RunError when an output's signal-to-noise ratio is below `lowest_db`:
// it names the output, the place of its largest error with both values, and the tensor where the ratio first fell so
// low.
void verify_quantized(const Graph& float_graph, const Graph& quantized, const std::vector<std::vector<Array>>& sets,
                      double lowest_db = kLowestSignalToNoiseDb);

}  // namespace arco
