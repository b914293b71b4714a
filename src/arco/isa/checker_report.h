// Where the parts of the checker put what they find.
#pragma once

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "arco/isa/checker.h"

namespace arco {

class CheckReport {
 public:
  template <typename... Args>
  void add(int64_t instruction, const char* rule, fmt::format_string<Args...> format, Args&&... args) {
    violations_.push_back({instruction, rule, fmt::format(format, std::forward<Args>(args)...)});
  }
  size_t size() const { return violations_.size(); }
  std::vector<Violation>& violations() { return violations_; }

 private:
  std::vector<Violation> violations_;
};

}  // namespace arco
