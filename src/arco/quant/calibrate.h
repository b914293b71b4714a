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
// dimension (a whole number of batches), and the input's element type: integers of an image are not the values that a
// network of floats takes. All unusable arrays are listed in one UserError.
CalibrationData load_calibration(const Graph& graph, const std::filesystem::path& source);

// Whether no input ever takes a second value: nothing to guess ranges from.
bool holds_only_constants(const CalibrationData& data);

// "; convert with array.astype('float32')": the way out for an array of another type.
std::string type_conversion(const Tensor& wanted);

// The absolute value of each tensor that int8 must still represent, by TensorId; 0 for constants and what was never
// computed. Larger values saturate.
struct Ranges {
  std::vector<float> max_abs;
};

// How the range of a tensor follows from the values it held.
struct RangeMethod {
  enum class Kind {
    kMinMax,      // the largest absolute value
    kPercentile,  // that of `percentile` % of the values, zeros included
    kMse          // the power-of-two scale with the least squared error of rounding and saturation
  };
  Kind kind = Kind::kMinMax;
  double percentile = 99.99;  // in (0, 100]
};
// "min-max", "percentile", "percentile=99.9", "mse". Anything else is a UserError that says so.
RangeMethod parse_range_method(const std::string& text);

// Runs the float network on every set with the reference interpreter. A tensor that is not finite is a UserError.
Ranges calibrate(const Graph& float_graph, const CalibrationData& data, const RangeMethod& method = {});

}  // namespace arco
