// Hyper-parameters by name: from JSON with errors that name the nearest valid choice, and back to JSON for the records.
//
// An options struct takes part by a function beside it that names every field once, with the range it may have:
//
//     template <typename Options, typename Visitor>
//     void visit_options(Options& o, const Visitor& visit)   // constrained to its struct, const or not
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "arco/base/error.h"
#include "arco/search/cost_model.h"

namespace arco {

template <typename T, typename Struct>
concept OptionsOf = std::same_as<std::remove_const_t<T>, Struct>;

namespace internal {

struct OptionWriter {
  nlohmann::json& out;
  template <typename Number>
  void operator()(const char* name, const Number& field, double, double) const {
    out[name] = field;
  }
  void operator()(const char* name, const bool& field) const { out[name] = field; }
  void operator()(const char* name, const TreeLoss& field) const {
    out[name] = field == TreeLoss::kRank ? "rank" : "regression";
  }
};

// Takes what it knows out of `given`.
struct OptionReader {
  nlohmann::json& given;
  ErrorList& errors;

  template <typename Number>
  void operator()(const char* name, Number& field, double low, double high) const {
    const nlohmann::json value = take(name);
    if (value.is_discarded()) return;
    const bool right_type = std::is_integral_v<Number> ? value.is_number_integer() : value.is_number();
    const double number = right_type ? value.template get<double>() : 0;
    if (!right_type || !(number >= low && number <= high)) {
      errors.add("option {}: expected {} from {} to {}, got {}", name,
                 std::is_integral_v<Number> ? "a whole number" : "a number", low, high, value.dump());
      return;
    }
    field = value.template get<Number>();
  }
  void operator()(const char* name, bool& field) const {
    const nlohmann::json value = take(name);
    if (value.is_discarded()) return;
    if (value.is_boolean()) {
      field = value.get<bool>();
    } else {
      errors.add("option {}: expected true or false, got {}", name, value.dump());
    }
  }
  void operator()(const char* name, TreeLoss& field) const {
    const nlohmann::json value = take(name);
    if (value.is_discarded()) return;
    if (value == "rank" || value == "regression") {
      field = value == "rank" ? TreeLoss::kRank : TreeLoss::kRegression;
    } else {
      errors.add("option {}: expected \"rank\" or \"regression\", got {}", name, value.dump());
    }
  }

 private:
  nlohmann::json take(const char* name) const {
    const auto found = given.find(name);
    if (found == given.end()) return nlohmann::json(nlohmann::json::value_t::discarded);
    nlohmann::json value = *found;
    given.erase(found);
    return value;
  }
};

// Adds one error for every key left in `given`.
void report_unknown_options(const nlohmann::json& given, const nlohmann::json& known, ErrorList& errors);

}  // namespace internal

template <typename Options>
nlohmann::json options_to_json(const Options& options) {
  nlohmann::json out = nlohmann::json::object();
  visit_options(options, internal::OptionWriter{out});
  return out;
}

// The defaults with `overrides` (an object, or null) applied. UserError with every unknown name and wrong value;
// `subject` says whose options they are.
template <typename Options>
Options options_from_json(const nlohmann::json& overrides, const std::string& subject) {
  Options options;
  if (overrides.is_null()) return options;
  if (!overrides.is_object()) {
    fail_user("{}: expected a JSON object of options, got {}", subject, overrides.dump());
  }
  const nlohmann::json known = options_to_json(options);
  ErrorList errors(subject);
  nlohmann::json given = overrides;
  visit_options(options, internal::OptionReader{given, errors});
  internal::report_unknown_options(given, known, errors);
  errors.throw_if_any();
  return options;
}

}  // namespace arco
