// Where a command's text goes: results for people and machines to `out`, warnings and errors to `err`.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json_fwd.hpp>
#include <ostream>

namespace arco {

struct Console {
  std::ostream& out;
  std::ostream& err;
  bool json = false;  // results as one JSON document instead of text

  // Text for people; silent with --json.
  template <typename... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) {
    if (!json) out << fmt::format(format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    err << "arco: warning: " << fmt::format(format, std::forward<Args>(args)...) << std::endl;
  }
  // The JSON document; silent without --json.
  void print_json(const nlohmann::json& document);
};

}  // namespace arco
