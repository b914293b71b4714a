// Adds the time of a scope to a total. For reports only: no decision may depend on it.
#pragma once

#include <chrono>

namespace arco {

class Stopwatch {
 public:
  explicit Stopwatch(double& total_seconds) : total_(total_seconds) {}
  ~Stopwatch() { total_ += seconds(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  double& total_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace arco
