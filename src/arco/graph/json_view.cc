#include "arco/graph/json_view.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "arco/base/json_document.h"

namespace arco {

using Json = nlohmann::json;

Json parse_json_object(std::string_view text, const std::string& source) {
  ErrorList problems(source);
  Json document = parse_json_object(text, problems);
  problems.throw_if_any();
  return document;
}

JsonView JsonView::at(const std::string& key) const {
  if (!value_->is_object()) fail("found {}, expected an object", shown(*value_));
  const auto found = value_->find(key);
  if (found == value_->end()) fail("key \"{}\" is missing", key);
  return {*found, path_ + "." + key};
}

std::optional<JsonView> JsonView::find(const std::string& key) const {
  if (!value_->is_object()) fail("found {}, expected an object", shown(*value_));
  const auto found = value_->find(key);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return JsonView(*found, path_ + "." + key);
}

std::vector<std::string> JsonView::keys() const {
  if (!value_->is_object()) fail("found {}, expected an object", shown(*value_));
  std::vector<std::string> names;
  for (const auto& item : value_->items()) names.push_back(item.key());
  return names;
}

size_t JsonView::size() const {
  if (!value_->is_array()) fail("found {}, expected a list", shown(*value_));
  return value_->size();
}

JsonView JsonView::operator[](size_t index) const {
  if (index >= size()) fail("has {} entries, expected more than {}", size(), index);
  return {(*value_)[index], fmt::format("{}[{}]", path_, index)};
}

int64_t JsonView::integer(int64_t low, int64_t high) const {
  const bool too_large = value_->is_number_unsigned() && value_->get<uint64_t>() > INT64_MAX;
  if (!value_->is_number_integer() || too_large || value_->get<int64_t>() < low || value_->get<int64_t>() > high) {
    fail("found {}, expected a whole number from {} to {}", shown(*value_), low, high);
  }
  return value_->get<int64_t>();
}

uint64_t JsonView::unsigned_integer() const {
  const bool negative = !value_->is_number_unsigned() && value_->is_number_integer() && value_->get<int64_t>() < 0;
  if (!value_->is_number_integer() || negative) fail("found {}, expected a whole number", shown(*value_));
  return value_->get<uint64_t>();
}

double JsonView::number() const {
  if (value_->is_number()) return value_->get<double>();
  if (*value_ == "inf") return std::numeric_limits<double>::infinity();
  if (*value_ == "-inf") return -std::numeric_limits<double>::infinity();
  if (*value_ == "nan") return std::numeric_limits<double>::quiet_NaN();
  fail("found {}, expected a number", shown(*value_));
}

bool JsonView::boolean() const {
  if (!value_->is_boolean()) fail("found {}, expected true or false", shown(*value_));
  return value_->get<bool>();
}

const std::string& JsonView::text() const {
  if (!value_->is_string()) fail("found {}, expected a text", shown(*value_));
  return value_->get_ref<const std::string&>();
}

size_t JsonView::one_of(const std::vector<std::string>& names) const {
  const auto found = std::find(names.begin(), names.end(), text());
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  const std::string nearest = nearest_word(text(), names);
  if (!nearest.empty()) fail("{} is unknown, did you mean \"{}\"?", shown(*value_), nearest);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  fail("{} is unknown, expected one of {}", shown(*value_), all);
}

Json number_to_json(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

}  // namespace arco
