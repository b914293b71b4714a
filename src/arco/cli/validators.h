// Checks of flag values, with messages for people.
#pragma once

#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <vector>

#include "arco/base/error.h"

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

// low, ..., high.
inline CLI::Validator number_between(int64_t low, int64_t high) {
  return {[low, high](std::string& text) {
            int64_t value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool valid =
                error == std::errc() && end == text.data() + text.size() && value >= low && value <= high;
            return valid ? "" : fmt::format("'{}' is no whole number from {} to {}", text, low, high);
          },
          ""};
}

// One of some words.
inline CLI::Validator one_of(const std::vector<std::string>& words) {
  const std::string list = fmt::format("{}", fmt::join(words, ", "));
  return {[words, list](std::string& text) {
            if (std::ranges::find(words, text) != words.end()) return std::string();
            const std::string nearest = nearest_word(text, words);
            return fmt::format("'{}' is none of {}{}", text, list,
                               nearest.empty() ? "" : "; did you mean " + nearest + "?");
          },
          "{" + list + "}"};
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
