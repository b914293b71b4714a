// The world as the agents see it: E episodes in parallel, a few agents acting at the same time for one common reward.
#pragma once

#include <span>
#include <vector>

#include "arco/marl/matrix.h"

namespace arco {

struct AgentShape {
  int observation_size = 0;
  int heads = 0;  // three-way choices per step
  bool operator==(const AgentShape&) const = default;
};

struct EnvironmentShape {
  int episodes = 0;    // E
  int state_size = 0;  // of the global state the critic sees in training
  std::vector<AgentShape> agents;
};

class VectorEnvironment {
 public:
  virtual ~VectorEnvironment() = default;

  virtual EnvironmentShape shape() const = 0;
  // Starts all episodes anew.
  virtual void reset() = 0;
  // [observation_size x E], [3 * heads x E] (at least one move of every head available) and [state_size x E].
  virtual void observe(int agent, MatrixRef out) const = 0;
  virtual void masks(int agent, MasksRef out) const = 0;
  virtual void state(MatrixRef out) const = 0;
  // One joint step: moves[agent] is [heads x E]; writes E rewards and sets terminal[e] where an episode has reached
  // a true end (a time limit is none). Ended episodes are stepped on; what they do no longer counts.
  virtual void step(const std::vector<Moves>& moves, std::span<float> rewards, std::span<uint8_t> terminal) = 0;
};

}  // namespace arco
