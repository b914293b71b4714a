#include "arco/base/interrupt.h"

#include <atomic>
#include <csignal>

namespace arco {

namespace {
std::atomic<bool> g_interrupted{false};

void on_signal(int signal) {
  g_interrupted = true;
  std::signal(signal, SIG_DFL);
}
}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool interrupted() {
  return g_interrupted.load(std::memory_order_relaxed);
}

void set_interrupted(bool value) {
  g_interrupted = value;
}

}  // namespace arco
