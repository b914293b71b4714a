// Loading has two steps: collect named arrays from the folder or archive, then cut them into samples of each input's
// shape. Ranges are gathered by observing runs of the reference interpreter, one set at a time.
#include "arco/quant/calibrate.h"

#include <algorithm>
#include <cmath>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/graph/npy.h"
#include "arco/reference/elementwise.h"
#include "arco/reference/interpreter.h"

namespace arco {

namespace fs = std::filesystem;

namespace {

std::vector<NamedArray> read_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    if (it->path().extension() == ".npy") files.push_back(it->path());
  }
  if (code) fail_user("{}: the folder cannot be read: {}", folder.string(), code.message());
  std::sort(files.begin(), files.end());
  std::vector<NamedArray> arrays;
  for (const auto& file : files) arrays.push_back({file.stem().string(), read_npy(file)});
  return arrays;
}

std::vector<NamedArray> read_source(const fs::path& source) {
  std::error_code code;
  if (fs::is_directory(source, code)) return read_folder(source);
  if (!fs::exists(source, code)) {
    fail_user("{}: no such file or folder, expected a folder of .npy files or one .npz file", source.string());
  }
  if (source.extension() == ".npy") return {{source.stem().string(), read_npy(source)}};
  return read_npz(source);
}

// How many samples of `shape` the array holds; 0 when it does not fit.
int64_t sample_count(const Shape& array, const Shape& shape) {
  if (array == shape) return 1;
  if (shape.empty()) return 0;
  const Shape without_batch(shape.begin() + 1, shape.end());
  if (shape[0] == 1 && array == without_batch) return 1;
  if (array.size() != shape.size() || array[0] < shape[0] || array[0] % shape[0] != 0) return 0;
  return std::equal(array.begin() + 1, array.end(), shape.begin() + 1) ? array[0] / shape[0] : 0;
}

// Appends the samples of one array to those of one input.
void append_samples(const NamedArray& source, const Tensor& input, std::vector<Array>& samples, ErrorList& errors) {
  const int64_t count = sample_count(source.array.shape(), input.shape);
  if (count == 0) {
    errors.add("'{}' has shape {}, expected {} for input '{}' (or several such along the first dimension)", source.name,
               to_string(source.array.shape()), to_string(input.shape), input.name);
    return;
  }
  const Array values = reference::convert(source.array, input.type);
  if (input.type == DataType::kFloat32) {
    const auto from = values.data<float>();
    const bool finite = std::all_of(from.begin(), from.end(), [](float x) { return std::isfinite(x); });
    if (!finite) errors.add("'{}' holds values that are not finite", source.name);
  }
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    Array sample(input.type, input.shape);
    const auto to = sample.mutable_bytes();
    std::copy_n(values.bytes().begin() + static_cast<std::ptrdiff_t>(i * to.size()), to.size(), to.begin());
    samples.push_back(std::move(sample));
  }
}

// samples[input][set] -> sets[set][input]
CalibrationData assemble(const Graph& graph, const std::vector<std::vector<Array>>& samples, ErrorList& errors) {
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].size() == samples[0].size() && !samples[i].empty()) continue;
    errors.add("{} samples of input '{}', expected {}", samples[i].size(), graph.tensor(graph.inputs[i]).name,
               samples[0].empty() ? "at least one" : fmt::format("{} as of the first input", samples[0].size()));
  }
  errors.throw_if_any();
  CalibrationData data;
  for (size_t set = 0; !samples.empty() && set < samples[0].size(); ++set) {
    data.sets.emplace_back();
    for (const auto& input : samples) data.sets.back().push_back(input[set]);
  }
  return data;
}

}  // namespace

CalibrationData noise_calibration(const Graph& graph, uint64_t seed, int count) {
  CalibrationData data;
  data.is_noise = true;
  const Random root(seed);
  uint64_t stream = 0;
  for (int set = 0; set < count; ++set) {
    data.sets.emplace_back();
    for (const TensorId id : graph.inputs) {
      Random random = root.fork(stream++);
      // Integers, too, are drawn around 0, where most types have values and most indices are in range.
      Array sample(DataType::kFloat32, graph.tensor(id).shape);
      for (float& value : sample.mutable_data<float>()) value = static_cast<float>(random.normal());
      data.sets.back().push_back(reference::convert(sample, graph.tensor(id).type));
    }
  }
  return data;
}

CalibrationData load_calibration(const Graph& graph, const fs::path& source) {
  const std::vector<NamedArray> arrays = read_source(source);
  ErrorList errors(source.string());
  if (arrays.empty()) errors.add("no arrays found, expected .npy files of the network's inputs");
  errors.throw_if_any();
  std::vector<std::string> names;
  for (const TensorId id : graph.inputs) names.push_back(graph.tensor(id).name);
  std::vector<std::vector<Array>> samples(names.size());
  for (const NamedArray& source_array : arrays) {
    const auto found = std::find(names.begin(), names.end(), source_array.name);
    if (found == names.end() && names.size() != 1) {
      errors.add("'{}' is not an input of the network, expected one of {}", source_array.name, fmt::join(names, ", "));
      continue;
    }
    const size_t input = names.size() == 1 ? 0 : static_cast<size_t>(found - names.begin());
    append_samples(source_array, graph.tensor(graph.inputs[input]), samples[input], errors);
  }
  errors.throw_if_any();
  return assemble(graph, samples, errors);
}

Ranges calibrate(const Graph& float_graph, const CalibrationData& data) {
  Ranges ranges{std::vector<float>(float_graph.tensors.size(), 0.0F)};
  std::vector<bool> finite(float_graph.tensors.size(), true);
  for (const auto& set : data.sets) {
    run_reference(float_graph, set, [&](TensorId id, const Array& value) {
      if (value.type() != DataType::kFloat32) return;
      float& range = ranges.max_abs[static_cast<size_t>(id)];
      for (const float x : value.data<float>()) {
        if (!std::isfinite(x)) finite[static_cast<size_t>(id)] = false;
        range = std::max(range, std::fabs(x));
      }
    });
  }
  const auto first = std::find(finite.begin(), finite.end(), false);
  if (first != finite.end()) {
    const Tensor& tensor = float_graph.tensors[static_cast<size_t>(first - finite.begin())];
    fail_user(
        "network '{}': tensor '{}' became infinite or not a number during calibration; check the weights and the "
        "scale of the calibration inputs",
        float_graph.name, tensor.name);
  }
  return ranges;
}

}  // namespace arco
