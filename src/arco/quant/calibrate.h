// Calibration: inputs to try a float network on, and the range that each of its tensors reached.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// Input sets of one network: each has one array per graph input, of its type.
struct CalibrationData {
  std::vector<std::vector<Array>> sets;
  bool is_noise = false;  // made up: the caller should warn that the ranges are guesses
};

// Standard normal noise for every input (integers: truncated), `count` sets.
CalibrationData noise_calibration(const Graph& graph, uint64_t seed, int count = 2);

// Reads `source`: a folder of .npy files (taken in the order of their names) or one .npz archive.
//   One graph input:    every array is a sample.
//   Several inputs:     arrays are matched by name (file name without .npy) with the inputs.
// An array has the shape of the input, or that shape without its leading 1, or holds several samples along its first
// dimension (a whole number of batches). Any element type; values are converted to the input's. All unusable arrays are
// listed in one UserError.
CalibrationData load_calibration(const Graph& graph, const std::filesystem::path& source);

// The largest absolute value that each tensor held, by TensorId; 0 for constants and what was never computed.
struct Ranges {
  std::vector<float> max_abs;
};

// Runs the float network on every set with the reference interpreter. A tensor that is not finite is a UserError.
Ranges calibrate(const Graph& float_graph, const CalibrationData& data);

}  // namespace arco
