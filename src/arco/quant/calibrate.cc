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

// Every array of a folder, archive or file that the filter takes.
std::vector<NamedArray> read_folder(const fs::path& folder, const ArrayFilter& filter) {
  std::vector<fs::path> files;
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    if (it->path().extension() == ".npy") files.push_back(it->path());
  }
  if (code) fail_user("{}: the folder cannot be read: {}", folder.string(), code.message());
  std::sort(files.begin(), files.end());
  std::vector<NamedArray> arrays;
  for (const auto& file : files) {
    if (auto array = read_npy(file, filter)) arrays.push_back({file.stem().string(), *std::move(array)});
  }
  return arrays;
}

std::vector<NamedArray> read_source(const fs::path& source, const ArrayFilter& filter) {
  std::error_code code;
  if (fs::is_directory(source, code)) return read_folder(source, filter);
  if (!fs::exists(source, code)) {
    fail_user("{}: no such file or folder, expected a folder of .npy files or one .npz file", source.string());
  }
  if (source.extension() != ".npy") return read_npz(source, filter);
  auto array = read_npy(source, filter);
  if (!array) return {};
  return {{source.stem().string(), *std::move(array)}};
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

// The input that an array is for: any of a network with one input, that of its name otherwise.
std::optional<size_t> input_of(const Graph& graph, const std::string& name) {
  if (graph.inputs.size() == 1) return 0;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    if (graph.tensor(graph.inputs[i]).name == name) return i;
  }
  return std::nullopt;
}

// False, and an error, for an array that no input can take.
bool is_usable(const ArrayInfo& info, const Graph& graph, ErrorList& errors) {
  const auto input = input_of(graph, info.name);
  if (!input) {
    std::vector<std::string> names;
    for (const TensorId id : graph.inputs) names.push_back(graph.tensor(id).name);
    errors.add("'{}' is not an input of the network, expected one of {}", info.name, fmt::join(names, ", "));
    return false;
  }
  const Tensor& tensor = graph.tensor(graph.inputs[*input]);
  if (info.type != tensor.type) {
    errors.add("'{}' is {} {}, expected {} {} for input '{}'{}", info.name, to_string(info.type), to_string(info.shape),
               to_string(tensor.type), to_string(tensor.shape), tensor.name, type_conversion(tensor));
    return false;
  }
  if (sample_count(info.shape, tensor.shape) > 0) return true;
  errors.add("'{}' has shape {}, expected {} for input '{}' (or several such along the first dimension)", info.name,
             to_string(info.shape), to_string(tensor.shape), tensor.name);
  return false;
}

// Appends the samples of one usable array to those of one input.
void append_samples(const NamedArray& source, const Tensor& input, std::vector<Array>& samples, ErrorList& errors) {
  const int64_t count = sample_count(source.array.shape(), input.shape);
  const Array& values = source.array;
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
  ErrorList errors(source.string());
  bool is_empty = true;
  const std::vector<NamedArray> arrays = read_source(source, [&](const ArrayInfo& info) {
    is_empty = false;
    return is_usable(info, graph, errors);
  });
  if (is_empty) errors.add("no arrays found, expected .npy files of the network's inputs");
  std::vector<std::vector<Array>> samples(graph.inputs.size());
  for (const NamedArray& array : arrays) {
    const size_t input = input_of(graph, array.name).value();
    append_samples(array, graph.tensor(graph.inputs[input]), samples[input], errors);
  }
  errors.throw_if_any();
  return assemble(graph, samples, errors);
}

bool holds_only_constants(const CalibrationData& data) {
  if (data.sets.empty()) return false;
  for (size_t input = 0; input < data.sets[0].size(); ++input) {
    const auto first = data.sets[0][input].bytes().first(byte_size(data.sets[0][input].type()));
    for (const auto& set : data.sets) {
      const auto bytes = set[input].bytes();
      for (size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] != first[i % first.size()]) return false;
      }
    }
  }
  return true;
}

std::string type_conversion(const Tensor& wanted) {
  return fmt::format("; convert with array.astype('{}')", to_string(wanted.type));
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
