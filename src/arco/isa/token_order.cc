// Modules work in order and queues count tokens, so the n-th pop of a queue always takes the n-th push, whatever the
// timing: happens-before is one fixed graph. Each push carries the pusher's clock (how many instructions of each module
// are complete); a pop joins it into the popper's:
//
//   load     0 ──push──▶ 1 ...            clock of compute 0 after the pop: load 1, compute 0, store 0
//   compute      └─pop─▶ 0 ──push──▶ ...
//
// The most tokens a queue can ever hold follows too: when the n-th push happens, only pops in the consumer's
// instructions that the pusher's clock covers are certain.
#include "arco/isa/token_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace arco {
namespace {

constexpr Module kModules[] = {Module::kLoad, Module::kCompute, Module::kStore};

struct Queue {
  Module producer;
  Module consumer;
  bool Tokens::*push;
  bool Tokens::*pop;
  std::vector<ModuleClock> pushed;         // clock of each token
  std::vector<uint32_t> popped_before{0};  // [k]: tokens taken by the consumer's first k instructions
  uint32_t most = 0;                       // tokens it can hold at once
  int64_t most_at = -1;                    // the push that reaches it
  uint32_t popped() const { return popped_before.back(); }
};

size_t index(Module module) {
  return static_cast<size_t>(module);
}

class Orderer {
 public:
  explicit Orderer(const std::vector<Instruction>& instructions) : instructions_(instructions) {
    result_.clocks.resize(instructions.size());
    for (uint32_t i = 0; i < instructions.size(); ++i) {
      result_.queues[index(instructions[i].module())].push_back(i);
      check_flags(i);
    }
  }

  TokenOrder run() {
    for (bool progress = true; progress;) {
      progress = false;
      for (const Module module : kModules) {
        while (next_[index(module)] < result_.queues[index(module)].size() && try_step(module)) progress = true;
      }
    }
    report_deadlock();
    report_queues();
    return std::move(result_);
  }

 private:
  void check_flags(uint32_t i) {
    const Tokens& tokens = instructions_[i].tokens;
    const Module module = instructions_[i].module();
    const auto report = [&](bool set, const char* flag, const char* side) {
      if (set) {
        add(i, "token-flag",
            fmt::format("{} is set, but the {} module has no {} stage", flag, to_string(module), side));
      }
    };
    report(module == Module::kLoad && tokens.pop_prev, "pop_prev", "previous");
    report(module == Module::kLoad && tokens.push_prev, "push_prev", "previous");
    report(module == Module::kStore && tokens.pop_next, "pop_next", "next");
    report(module == Module::kStore && tokens.push_next, "push_next", "next");
  }

  bool try_step(Module module) {
    const uint32_t place = next_[index(module)];
    const uint32_t i = result_.queues[index(module)][place];
    const Tokens& tokens = instructions_[i].tokens;
    ModuleClock clock = done_[index(module)];
    for (const Queue& queue : queues_) {
      if (queue.consumer != module || !(tokens.*queue.pop)) continue;
      if (queue.popped() == queue.pushed.size()) return false;
      join(clock, queue.pushed[queue.popped()]);
    }
    clock[index(module)] = place;
    result_.clocks[i] = clock;
    ModuleClock after = clock;
    ++after[index(module)];
    for (Queue& queue : queues_) {
      if (queue.consumer == module) queue.popped_before.push_back(queue.popped() + (tokens.*queue.pop ? 1 : 0));
      if (queue.producer == module && tokens.*queue.push) push(queue, after, i);
    }
    done_[index(module)] = after;
    ++next_[index(module)];
    result_.order.push_back(i);
    return true;
  }

  static void push(Queue& queue, const ModuleClock& clock, uint32_t i) {
    queue.pushed.push_back(clock);
    const uint32_t held =
        static_cast<uint32_t>(queue.pushed.size()) - queue.popped_before[clock[index(queue.consumer)]];
    if (held <= queue.most) return;
    queue.most = held;
    queue.most_at = i;
  }

  static void join(ModuleClock& clock, const ModuleClock& other) {
    for (size_t m = 0; m < clock.size(); ++m) clock[m] = std::max(clock[m], other[m]);
  }

  void report_deadlock() {
    std::string waits;
    for (const Module module : kModules) {
      const auto& queue = result_.queues[index(module)];
      if (next_[index(module)] == queue.size()) continue;
      const uint32_t i = queue[next_[index(module)]];
      for (const Queue& tokens : queues_) {
        const bool missing =
            tokens.consumer == module && instructions_[i].tokens.*tokens.pop && tokens.popped() == tokens.pushed.size();
        if (!missing) continue;
        waits += fmt::format("{}{} waits at instruction {} for a token from {}", waits.empty() ? "" : "; ",
                             to_string(module), i, to_string(tokens.producer));
      }
    }
    if (!waits.empty()) add(-1, "deadlock", waits);
  }

  void report_queues() {
    const bool complete = result_.order.size() == instructions_.size();
    for (const Queue& queue : queues_) {
      const size_t left = queue.pushed.size() - queue.popped();
      if (complete && left != 0) {
        add(-1, "token-balance",
            fmt::format("{} token(s) from {} to {} are never taken", left, to_string(queue.producer),
                        to_string(queue.consumer)));
      }
      if (queue.most > kMaxQueuedTokens) {
        add(queue.most_at, "queue-limit",
            fmt::format("the queue from {} to {} may have to hold {} tokens; at most {}", to_string(queue.producer),
                        to_string(queue.consumer), queue.most, kMaxQueuedTokens));
      }
    }
  }

  void add(int64_t instruction, const char* rule, std::string detail) {
    result_.problems.push_back({instruction, rule, std::move(detail)});
  }

  const std::vector<Instruction>& instructions_;
  TokenOrder result_;
  std::array<uint32_t, 3> next_{};
  std::array<ModuleClock, 3> done_{};
  std::array<Queue, 4> queues_{{
      {Module::kLoad, Module::kCompute, &Tokens::push_next, &Tokens::pop_prev, {}, {0}, 0, -1},
      {Module::kCompute, Module::kLoad, &Tokens::push_prev, &Tokens::pop_next, {}, {0}, 0, -1},
      {Module::kCompute, Module::kStore, &Tokens::push_next, &Tokens::pop_prev, {}, {0}, 0, -1},
      {Module::kStore, Module::kCompute, &Tokens::push_prev, &Tokens::pop_next, {}, {0}, 0, -1},
  }};
};

}  // namespace

TokenOrder order_by_tokens(const std::vector<Instruction>& instructions) {
  return Orderer(instructions).run();
}

}  // namespace arco
