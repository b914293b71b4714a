// The live line of a search: phase, progress, best cycles, rate, time left.
#pragma once

#include <chrono>
#include <string>

#include "arco/cli/console.h"
#include "arco/search/co_optimiser.h"

namespace arco {

// On a terminal one line that is rewritten; elsewhere one line for each tenth of a phase.
class ProgressLine {
 public:
  explicit ProgressLine(Console& console);
  ~ProgressLine() { end(); }
  void show(const TuneProgress& progress);
  // Leaves the last state on a line of its own.
  void end();

 private:
  std::string text(const TuneProgress& progress) const;

  Console& console_;
  bool terminal_;
  std::string phase_;
  size_t shown_tenth_ = 0;
  bool open_ = false;
  std::chrono::steady_clock::time_point phase_start_;
  size_t phase_first_ = 0;
};

}  // namespace arco
