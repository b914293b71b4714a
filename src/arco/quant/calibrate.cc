// Loading has two steps: collect named arrays from the folder or archive, then cut them into samples of each input's
// shape. Ranges are gathered by observing runs of the reference interpreter, one set at a time.
#include "arco/quant/calibrate.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/graph/difference.h"
#include "arco/graph/npy.h"
#include "arco/quant/histogram.h"
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

RangeMethod parse_range_method(const std::string& text) {
  using enum RangeMethod::Kind;
  if (text == "min-max") return {.kind = kMinMax};
  if (text == "mse") return {.kind = kMse};
  if (text == "percentile") return {.kind = kPercentile};
  const std::string prefix = "percentile=";
  if (text.starts_with(prefix)) {
    const char* const end = text.data() + text.size();
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data() + prefix.size(), end, value);
    if (error == std::errc() && stop == end && value > 0 && value <= 100) {
      return {.kind = kPercentile, .percentile = value};
    }
    fail_user("range method '{}': expected a percentage above 0 and up to 100, such as percentile=99.9", text);
  }
  const std::string nearest = nearest_word(text, {"min-max", "percentile", "mse"});
  fail_user("range method '{}': expected min-max, percentile, percentile=P or mse{}", text,
            nearest.empty() ? "" : "; did you mean " + nearest + "?");
}

namespace {

// What one tensor held, as far as the method asks.
class RangeMeter {
 public:
  void add(std::span<const float> values, const RangeMethod& method) {
    if (method.kind != RangeMethod::Kind::kMinMax) histogram_.add(values);
    for (const float x : values) max_abs_ = std::max(max_abs_, std::fabs(x));
  }
  float range(const RangeMethod& method) const {
    if (method.kind == RangeMethod::Kind::kMinMax) return max_abs_;
    const bool percentile = method.kind == RangeMethod::Kind::kPercentile;
    const double range = percentile ? histogram_.quantile(method.percentile / 100) : histogram_.least_error_range();
    return static_cast<float>(std::min(range, static_cast<double>(std::numeric_limits<float>::max())));
  }

 private:
  Histogram histogram_;
  float max_abs_ = 0;
};

// Why a tensor is not finite, as far as its own node tells.
std::string cause_of(const Graph& graph, TensorId id) {
  const int producer = graph.producers()[static_cast<size_t>(id)];
  if (producer < 0) return "check the calibration inputs";
  const Node& node = graph.nodes[static_cast<size_t>(producer)];
  for (const TensorId input : node.inputs) {
    if (input == kNoTensor || !graph.tensor(input).constant) continue;
    const Array& constant = *graph.tensor(input).constant;
    if (constant.type() != DataType::kFloat32) continue;
    const auto values = constant.data<float>();
    const auto bad = std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
    if (bad == values.end()) continue;
    return fmt::format("the constant '{}' of node '{}' holds {} at {}; export a model whose training did not diverge",
                       graph.tensor(input).name, node.name, *bad,
                       position_text(bad - values.begin(), constant.shape()));
  }
  return fmt::format("node '{}' computed it; check the weights before it and the scale of the calibration inputs",
                     node.name);
}

}  // namespace

Ranges calibrate(const Graph& float_graph, const CalibrationData& data, const RangeMethod& method) {
  std::vector<RangeMeter> meters(float_graph.tensors.size());
  std::vector<bool> finite(float_graph.tensors.size(), true);
  for (const auto& set : data.sets) {
    run_reference(float_graph, set, [&](TensorId id, const Array& value) {
      if (value.type() != DataType::kFloat32) return;
      const auto values = value.data<float>();
      const auto is_finite = [](float x) { return std::isfinite(x); };
      if (!std::all_of(values.begin(), values.end(), is_finite)) finite[static_cast<size_t>(id)] = false;
      meters[static_cast<size_t>(id)].add(values, method);
    });
  }
  const auto first = std::find(finite.begin(), finite.end(), false);
  if (first != finite.end()) {
    const auto id = static_cast<TensorId>(first - finite.begin());
    fail_user("network '{}': tensor '{}' became infinite or not a number during calibration: {}", float_graph.name,
              float_graph.tensor(id).name, cause_of(float_graph, id));
  }
  Ranges ranges;
  for (const RangeMeter& meter : meters) ranges.max_abs.push_back(meter.range(method));
  return ranges;
}

}  // namespace arco
