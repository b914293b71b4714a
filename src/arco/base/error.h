// Two kinds of errors: what a user can cause, and our own bugs.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace arco {

// Something outside the program is wrong: a file, a flag, a number. The message says what, where, what was
// expected, the nearest valid choice and what to do next. Ends the program with exit code 2.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void fail_user(fmt::format_string<Args...> format, Args&&... args) {
  throw UserError(fmt::format(format, std::forward<Args>(args)...));
}

// The input was fine but the work could not be done (disk full, output not writable). Exit code 1.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A bug of ours: an invariant does not hold.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Collects all problems of one input, so that they are reported in one go.
class ErrorList {
 public:
  // `subject` names the input, for instance "model.onnx".
  explicit ErrorList(std::string subject) : subject_(std::move(subject)) {}

  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    problems_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  bool empty() const { return problems_.empty(); }
  const std::vector<std::string>& problems() const { return problems_; }

  // Throws a UserError that lists the problems (the first 40), or returns if there is none.
  void throw_if_any() const;

 private:
  std::string subject_;
  std::vector<std::string> problems_;
};

// The candidate closest to `word` by edit distance, or "" if none is close enough to be a typing error.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

namespace internal {
[[noreturn]] void check_failed(const char* condition, const char* file, int line, const std::string& message);
}  // namespace internal

// Throws InternalError with a formatted message when `condition` is false.
#define ARCO_CHECK(condition, ...)                                                                              \
  do {                                                                                                          \
    if (!(condition)) ::arco::internal::check_failed(#condition, __FILE__, __LINE__, fmt::format(__VA_ARGS__)); \
  } while (false)

}  // namespace arco
