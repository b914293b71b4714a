// Checks of flag values, with messages for people.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

namespace arco {

inline bool is_digits(const std::string& text) {
  constexpr size_t kMaxDigits = 19;  // fits in 64 bits
  return !text.empty() && text.size() <= kMaxDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// 1, 2, ...
inline CLI::Validator positive_number() {
  return {[](std::string& text) {
            const bool valid = is_digits(text) && text.find_first_not_of('0') != std::string::npos;
            return valid ? "" : "'" + text + "' is no positive whole number";
          },
          ""};
}

// 0, 1, ...: seeds.
inline CLI::Validator whole_number() {
  return {[](std::string& text) { return is_digits(text) ? "" : "'" + text + "' is no whole number"; }, ""};
}

// A finite number above 0.
inline CLI::Validator positive_real() {
  return {[](std::string& text) {
            double value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool valid = error == std::errc() && end == text.data() + text.size() && value > 0 &&
                               value <= std::numeric_limits<double>::max();
            return valid ? "" : "'" + text + "' is no positive number";
          },
          ""};
}

}  // namespace arco
