// The order that tokens enforce between the three modules, found without executing anything.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "arco/isa/instruction.h"

namespace arco {

// Instructions of each module that are certainly complete when another instruction starts, by Module.
using ModuleClock = std::array<uint32_t, 3>;

struct TokenProblem {
  int64_t instruction = -1;
  std::string rule;
  std::string detail;
};

struct TokenOrder {
  std::array<std::vector<uint32_t>, 3> queues;  // instruction indices by Module
  std::vector<uint32_t> order;         // instructions in one possible order; shorter than the program: deadlock
  std::vector<ModuleClock> clocks;     // per instruction; its own module's entry is its place in the queue
  std::vector<TokenProblem> problems;  // token-flag, deadlock, token-balance, queue-limit
};

// Most tokens a queue can count (vta-isa 3.7).
constexpr uint32_t kMaxQueuedTokens = 255;

TokenOrder order_by_tokens(const std::vector<Instruction>& instructions);

}  // namespace arco
