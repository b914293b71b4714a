// Checked reading of JSON that comes from outside: every access says where it failed and what was expected there.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arco/base/error.h"

namespace arco {

// Throws UserError naming `source` for text that is no JSON object, repeats a key or nests deeper than 64 levels.
nlohmann::json parse_json_object(std::string_view text, const std::string& source);

// A value inside a parsed document, which must outlive the view. All functions throw UserError.
class JsonView {
 public:
  // `path` is how errors call the value, for instance "net.arco: graph".
  JsonView(const nlohmann::json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  JsonView at(const std::string& key) const;                   // of an object
  std::optional<JsonView> find(const std::string& key) const;  // nothing if absent or null
  std::vector<std::string> keys() const;
  size_t size() const;  // of an array
  JsonView operator[](size_t index) const;

  int64_t integer(int64_t low, int64_t high) const;
  uint64_t unsigned_integer() const;  // any of 64 bits
  // Numbers that JSON cannot write are the texts "inf", "-inf" and "nan".
  double number() const;
  bool boolean() const;
  const std::string& text() const;
  // The position of a text in `names`; otherwise the nearest of them is suggested.
  size_t one_of(const std::vector<std::string>& names) const;

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw UserError(path_ + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
  const std::string& path() const { return path_; }

 private:
  const nlohmann::json* value_;
  std::string path_;
};

// What JsonView::number reads.
nlohmann::json number_to_json(double value);

}  // namespace arco
