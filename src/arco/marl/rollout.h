// What happened during one rollout, as the update needs it. Column t * E + e is episode e at step t.
#pragma once

#include <vector>

#include "arco/marl/environment.h"

namespace arco {

// One policy's view: the agents it moves, stacked.
struct PolicyRollout {
  Matrix observations;       // [observation size x (T + 1) E]; the last E columns only feed a local critic
  Masks masks;               // [3 * heads x T E]
  Moves moves;               // [heads x T E]
  Matrix log_probabilities;  // [heads x T E], of the policy that acted
};

struct Rollout {
  int steps = 0;
  int episodes = 0;
  std::vector<PolicyRollout> policies;
  Matrix states;   // [state size x (T + 1) E]
  Matrix rewards;  // [E x T]
  Matrix alive;    // [E x T + 1]: 1 while the episode had not ended before the step
};

// Which agents a policy moves, in the order in which their observations and heads are stacked.
struct PolicyScope {
  std::vector<int> agents;
  int observation_size = 0;
  int heads = 0;
};
std::vector<PolicyScope> policy_scopes(const EnvironmentShape& shape, bool single_agent);

// Matrices of the sizes above, every episode alive.
Rollout make_rollout(const EnvironmentShape& shape, const std::vector<PolicyScope>& scopes, int steps);

// Writes the environment's present observations (and, before the last step, masks) as the columns of step t.
void record_observations(const VectorEnvironment& environment, const std::vector<PolicyScope>& scopes, int step,
                         Rollout& rollout);

// The moves of a policy's stacked heads, given back to each of its agents.
void scatter_moves(const Moves& moves, const PolicyScope& scope, const EnvironmentShape& shape,
                   std::vector<Moves>& per_agent);

}  // namespace arco
