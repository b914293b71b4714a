#include "arco/cli/tune_progress.h"

#include <unistd.h>

#include <algorithm>

#include "arco/cli/table.h"

namespace arco {

ProgressLine::ProgressLine(Console& console) : console_(console), terminal_(isatty(STDERR_FILENO) != 0) {}

std::string ProgressLine::text(const TuneProgress& p) const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - phase_start_).count();
  const size_t done = p.done > phase_first_ ? p.done - phase_first_ : 0;
  std::string line = fmt::format("{:<14} {:>5} of {:<5}", p.phase, p.done, p.planned);
  if (p.best_cycles > 0)
    line += fmt::format("  best {} cycles on {}", grouped(static_cast<uint64_t>(p.best_cycles)), p.best_chip);
  if (done > 0 && seconds > 0.5) {
    const double rate = static_cast<double>(done) / seconds;
    line += fmt::format("  {:.1f}/s", rate);
    if (p.planned > p.done) line += fmt::format("  {:.0f} s left", static_cast<double>(p.planned - p.done) / rate);
  }
  return line;
}

void ProgressLine::show(const TuneProgress& p) {
  if (phase_ != p.phase) {
    end();
    phase_ = p.phase;
    phase_start_ = std::chrono::steady_clock::now();
    phase_first_ = p.done > 0 ? p.done - 1 : 0;
    shown_tenth_ = 0;
  }
  const size_t tenth = p.planned == 0 ? 10 : std::min<size_t>(10, p.done * 10 / p.planned);
  if (terminal_) {
    console_.err << "\r\033[K" << text(p) << std::flush;
    open_ = true;
  } else if (tenth > shown_tenth_) {
    console_.err << text(p) << std::endl;
    shown_tenth_ = tenth;
  }
}

void ProgressLine::end() {
  if (open_) console_.err << std::endl;
  open_ = false;
}

}  // namespace arco
