// The class of a position is the index of its largest score; of equal ones the first counts, and NaN counts as the
// smallest.
#include "arco/quant/top1.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/graph/npy.h"
#include "arco/reference/elementwise.h"

namespace arco {

namespace {

std::vector<int64_t> labels_of_array(const std::filesystem::path& path) {
  const Array array = read_npy(path);
  if (array.type() == DataType::kFloat32 || array.type() == DataType::kBool) {
    fail_user("{}: holds {}, expected labels as whole numbers (int8, uint8, int32 or int64)", path.string(),
              to_string(array.type()));
  }
  const Array wide = reference::convert(array, DataType::kInt64);
  const auto values = wide.data<int64_t>();
  return {values.begin(), values.end()};
}

std::vector<int64_t> labels_of_text(const std::filesystem::path& path) {
  std::string text = read_text_file(path);
  text.erase(text.find_last_not_of(" \t\r\n") + 1);  // blank lines at the end say nothing
  ErrorList errors(path.string());
  std::vector<int64_t> labels;
  size_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    ++line;
    const size_t end = std::min(text.find('\n', begin), text.size());
    size_t last = end;
    while (last > begin && (text[last - 1] == ' ' || text[last - 1] == '\r')) --last;
    int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + last, value);
    if (last == begin || error != std::errc() || stop != text.data() + last) {
      errors.add("line {}: expected one class as a whole number", line);
    }
    labels.push_back(value);
    begin = end + 1;
  }
  errors.throw_if_any();
  return labels;
}

bool less(float a, float b) {
  return a < b || (std::isnan(a) && !std::isnan(b));
}

// Scores [classes][positions] of one sample.
size_t largest_class(std::span<const float> scores, size_t positions, size_t position) {
  size_t best = 0;
  for (size_t c = 1; c * positions < scores.size(); ++c) {
    if (less(scores[best * positions + position], scores[c * positions + position])) best = c;
  }
  return best;
}

}  // namespace

std::vector<int64_t> read_labels(const std::filesystem::path& path) {
  if (path.extension() == ".npy") return labels_of_array(path);
  const std::vector<uint8_t> start = read_beginning(path, 4096);
  if (std::ranges::find(start, uint8_t{0}) != start.end()) {
    fail_user(
        "{}: is neither text nor a .npy file; expected labels as a .npy file of integers, or as text with one on "
        "each line",
        path.string());
  }
  return labels_of_text(path);
}

Top1Counter::Top1Counter(const Graph& graph, int64_t sets, std::vector<int64_t> labels) : labels_(std::move(labels)) {
  for (; output_ < graph.outputs.size(); ++output_) {
    const Tensor& tensor = graph.tensor(graph.outputs[output_]);
    if (tensor.type != DataType::kFloat32 || tensor.shape.size() < 2 || tensor.shape[1] < 2) continue;
    result_.output = tensor.name;
    samples_ = static_cast<size_t>(tensor.shape[0]);
    classes_ = static_cast<size_t>(tensor.shape[1]);
    positions_ = static_cast<size_t>(element_count(tensor.shape)) / samples_ / classes_;
    break;
  }
  if (!labels_.empty()) check_labels(graph, sets);
  result_.has_labels = !labels_.empty();
}

void Top1Counter::check_labels(const Graph& graph, int64_t sets) const {
  ErrorList errors("labels");
  if (classes_ == 0) {
    errors.add("network '{}' has no class scores, expected an output of at least two dimensions and two classes",
               graph.name);
  }
  const size_t decisions = static_cast<size_t>(sets) * samples_ * positions_;
  if (classes_ > 0 && labels_.size() != decisions) {
    errors.add("{} labels, expected {}: one for each of {} inputs{}", labels_.size(), decisions,
               static_cast<size_t>(sets) * samples_,
               positions_ > 1 ? fmt::format(" and {} positions", positions_) : "");
  }
  constexpr size_t kShown = 10;
  for (size_t i = 0; classes_ > 0 && i < labels_.size() && errors.problems().size() < kShown; ++i) {
    if (labels_[i] < 0 || labels_[i] >= static_cast<int64_t>(classes_)) {
      errors.add("label {} is class {}, expected 0 to {}", i + 1, labels_[i], classes_ - 1);
    }
  }
  errors.throw_if_any();
}

void Top1Counter::add(const std::vector<Array>& float_outputs, const std::vector<Array>& int8_outputs) {
  if (classes_ == 0) return;
  const auto in_float = float_outputs.at(output_).data<float>();
  const auto in_int8 = int8_outputs.at(output_).data<float>();
  const size_t size = classes_ * positions_;
  for (size_t sample = 0; sample < samples_; ++sample) {
    for (size_t position = 0; position < positions_; ++position) {
      const size_t wanted = largest_class(in_float.subspan(sample * size, size), positions_, position);
      const size_t chosen = largest_class(in_int8.subspan(sample * size, size), positions_, position);
      ++result_.decisions;
      result_.agreeing += wanted == chosen ? 1 : 0;
      if (labels_.empty()) continue;
      const auto label = static_cast<size_t>(labels_[next_label_++]);
      result_.float_correct += wanted == label ? 1 : 0;
      result_.int8_correct += chosen == label ? 1 : 0;
    }
  }
}

}  // namespace arco
