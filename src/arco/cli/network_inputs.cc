#include "arco/cli/network_inputs.h"

#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "arco/base/error.h"
#include "arco/graph/difference.h"
#include "arco/graph/npy.h"
#include "arco/quant/calibrate.h"

namespace arco {

void add_array_options(CLI::App& command, std::vector<std::string>& inputs, std::vector<std::string>& outputs) {
  command
      .add_option("--input", inputs, "Array for an input: in order, or NAME=X.npy (repeat for several; none: noise)")
      ->type_name("[NAME=]X.npy")
      ->expected(1)
      ->take_all();
  command.add_option("--output", outputs, "Where to write an output: in order, or NAME=Y.npy")
      ->type_name("[NAME=]Y.npy")
      ->expected(1)
      ->take_all();
}

namespace {

std::vector<std::string> names_of(const Graph& graph, const std::vector<TensorId>& ids) {
  std::vector<std::string> names;
  names.reserve(ids.size());
  for (const TensorId id : ids) names.push_back(graph.tensor(id).name);
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// The index that "NAME=file" speaks of, or nothing for a plain file name.
std::optional<size_t> named_index(const std::string& flag, const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (flag.size() > names[i].size() && flag.starts_with(names[i]) && flag[names[i].size()] == '=') return i;
  }
  return std::nullopt;
}

// "; convert with ..." for the mistakes that have a simple way out.
std::string conversion(const Shape& from, const Tensor& tensor) {
  const Shape& to = tensor.shape;
  if (from == to) return type_conversion(tensor);
  const bool channels_last = from.size() == 4 && to.size() == 4 && from == Shape{to[0], to[2], to[3], to[1]};
  if (channels_last) return "; its channels are last, convert with array.transpose(0, 3, 1, 2)";
  if (element_count(from) != element_count(to)) return "";
  return fmt::format("; convert with array.reshape({})", fmt::join(to, ", "));
}

struct NotFinite {
  int64_t count = 0;
  int64_t first = 0;
};

// Not-a-numbers and infinities of an array of floats.
NotFinite count_not_finite(const Array& array) {
  NotFinite result;
  if (array.type() != DataType::kFloat32) return result;
  const auto values = array.data<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    if (result.count++ == 0) result.first = static_cast<int64_t>(i);
  }
  return result;
}

bool fits(const Shape& array, const Shape& shape) {
  return array == shape || (!shape.empty() && shape[0] == 1 && array == Shape(shape.begin() + 1, shape.end()));
}

}  // namespace

std::vector<std::string> files_by_tensor(const Graph& graph, const std::vector<TensorId>& ids, const char* flag_name,
                                         const std::vector<std::string>& flags) {
  const std::vector<std::string> names = names_of(graph, ids);
  std::vector<std::string> files(ids.size());
  ErrorList errors(flag_name);
  size_t next = 0;
  for (const std::string& flag : flags) {
    const auto named = named_index(flag, names);
    while (!named && next < files.size() && !files[next].empty()) ++next;
    const size_t index = named ? *named : next;
    const std::string file = named ? flag.substr(names[index].size() + 1) : flag;
    const size_t equals = flag.find('=');
    const bool is_path = flag.find('/') < equals || std::filesystem::exists(flag);
    if (!named && equals != std::string::npos && !is_path) {
      const std::string nearest = nearest_word(flag.substr(0, equals), names);
      errors.add("{}: the network has no tensor of that name there{}; the names are {}", flag,
                 nearest.empty() ? "" : ", did you mean " + nearest + "=...?", joined(names));
    } else if (index >= files.size()) {
      errors.add("{}: one too many, the network has {} ({})", flag, files.size(), joined(names));
    } else if (file.empty() || !files[index].empty()) {
      errors.add("{}: {}", flag, file.empty() ? "a file name is missing" : "the tensor was given a file before");
    } else {
      files[index] = file;
    }
  }
  errors.throw_if_any();
  return files;
}

std::vector<Array> network_inputs(const Graph& graph, const std::vector<std::string>& flags, uint64_t seed,
                                  Console& console) {
  if (flags.empty()) {
    console.warn("no --input given: running on random noise (seed {})", seed);
    return noise_calibration(graph, seed, 1).sets.at(0);
  }
  const std::vector<std::string> files = files_by_tensor(graph, graph.inputs, "--input", flags);
  ErrorList missing("--input");
  for (size_t i = 0; i < files.size(); ++i) {
    const Tensor& tensor = graph.tensor(graph.inputs[i]);
    if (files[i].empty()) {
      missing.add("no file for input '{}' ({} {})", tensor.name, to_string(tensor.type), to_string(tensor.shape));
    }
  }
  missing.throw_if_any();
  std::vector<Array> arrays;
  ErrorList wrong("--input");
  for (size_t i = 0; i < files.size(); ++i) {
    const Tensor& tensor = graph.tensor(graph.inputs[i]);
    const auto filter = [&](const ArrayInfo& info) {
      if (info.type == tensor.type && fits(info.shape, tensor.shape)) return true;
      wrong.add("{} is {} {}, expected {} {} for input '{}'{}", files[i], to_string(info.type), to_string(info.shape),
                to_string(tensor.type), to_string(tensor.shape), tensor.name, conversion(info.shape, tensor));
      return false;
    };
    const auto array = read_npy(files[i], filter);
    if (!array) continue;
    if (const NotFinite bad = count_not_finite(*array); bad.count > 0) {
      wrong.add("{} holds {} of {} values that are not finite, the first at {}", files[i], bad.count, array->size(),
                position_text(bad.first, array->shape()));
    }
    arrays.push_back(array->reshaped(tensor.shape));
  }
  wrong.throw_if_any();
  return arrays;
}

namespace {

constexpr size_t kShownValues = 5;

// Indices of the largest values of the first row (all but the first dimension), largest first.
std::vector<size_t> largest(const Array& output) {
  const auto values = output.data<float>();
  std::vector<size_t> order(values.size() /
                            static_cast<size_t>(std::max<int64_t>(1, output.shape().empty() ? 1 : output.shape()[0])));
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t shown = std::min(kShownValues, order.size());
  // Total order even with NaN among the values: those go last.
  const auto key = [&](size_t i) {
    return std::make_pair(values[i] == values[i], values[i] == values[i] ? values[i] : 0);
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    [&](size_t a, size_t b) { return key(a) > key(b) || (key(a) == key(b) && a < b); });
  order.resize(shown);
  return order;
}

}  // namespace

void check_is_no_folder(const std::string& written) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(written, ignored)) return;
  fail_user("{}: is a folder; give the name of the file to write, such as {}", written,
            (std::filesystem::path(written) / "result").string());
}

void check_keeps(const std::string& read, const char* what, const std::vector<std::string>& written) {
  std::error_code ignored;
  for (const std::string& file : written) {
    check_is_no_folder(file);
    if (!std::filesystem::equivalent(read, file, ignored)) continue;
    fail_user("{}: is {} itself; choose another file to write", file, what);
  }
}

void warn_of_not_finite(const Graph& graph, const std::vector<Array>& outputs, Console& console) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const NotFinite bad = count_not_finite(outputs[i]);
    if (bad.count == 0) continue;
    console.warn("output '{}': {} of {} values are infinite or not a number, the first at {}",
                 graph.tensor(graph.outputs[i]).name, bad.count, outputs[i].size(),
                 position_text(bad.first, outputs[i].shape()));
  }
}

void print_outputs(const Graph& graph, const std::vector<Array>& outputs, Console& console) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    console.print("output    {} {} {}", graph.tensor(graph.outputs[i]).name, to_string(outputs[i].type()),
                  to_string(outputs[i].shape()));
    if (outputs[i].type() == DataType::kFloat32) {
      std::string text;
      for (const size_t index : largest(outputs[i])) {
        text += fmt::format("{}[{}] {:.5g}", text.empty() ? "" : ", ", index, outputs[i].data<float>()[index]);
      }
      console.print(", largest: {}", text);
    }
    console.print("\n");
  }
}

nlohmann::json outputs_to_json(const Graph& graph, const std::vector<Array>& outputs) {
  nlohmann::json entries = nlohmann::json::array();
  for (size_t i = 0; i < outputs.size(); ++i) {
    nlohmann::json entry{{"name", graph.tensor(graph.outputs[i]).name}, {"shape", outputs[i].shape()}};
    if (outputs[i].type() == DataType::kFloat32) entry["largest"] = largest(outputs[i]);
    entries.push_back(entry);
  }
  return entries;
}

void write_outputs(const std::vector<std::string>& files, const std::vector<Array>& outputs, Console& console) {
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].empty()) continue;
    write_npy(files[i], outputs[i]);
    console.print("wrote     {}\n", files[i]);
  }
}

}  // namespace arco
