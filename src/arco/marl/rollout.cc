// Steps are stored side by side, so that the update sees the whole rollout as one batch of T * E columns and step t
// is the block of columns [t E, (t + 1) E).
#include "arco/marl/rollout.h"

namespace arco {

std::vector<PolicyScope> policy_scopes(const EnvironmentShape& shape, bool single_agent) {
  std::vector<PolicyScope> scopes(single_agent ? 1 : shape.agents.size());
  for (size_t a = 0; a < shape.agents.size(); ++a) {
    PolicyScope& scope = scopes[single_agent ? 0 : a];
    scope.agents.push_back(static_cast<int>(a));
    scope.observation_size += shape.agents[a].observation_size;
    scope.heads += shape.agents[a].heads;
  }
  return scopes;
}

Rollout make_rollout(const EnvironmentShape& shape, const std::vector<PolicyScope>& scopes, int steps) {
  const int acted = steps * shape.episodes, seen = acted + shape.episodes;
  Rollout rollout{.steps = steps, .episodes = shape.episodes, .policies = {}, .states = {}, .rewards = {}, .alive = {}};
  for (const PolicyScope& scope : scopes) {
    rollout.policies.push_back({.observations = Matrix(scope.observation_size, seen),
                                .masks = Masks(kMoves * scope.heads, acted),
                                .moves = Moves(scope.heads, acted),
                                .log_probabilities = Matrix(scope.heads, acted)});
  }
  rollout.states.resize(shape.state_size, seen);
  rollout.rewards = Matrix::Zero(shape.episodes, steps);
  rollout.alive = Matrix::Ones(shape.episodes, steps + 1);
  return rollout;
}

void record_observations(const VectorEnvironment& environment, const std::vector<PolicyScope>& scopes, int step,
                         Rollout& rollout) {
  const EnvironmentShape shape = environment.shape();
  const int first = step * rollout.episodes, count = rollout.episodes;
  environment.state(rollout.states.middleCols(first, count));
  for (size_t p = 0; p < scopes.size(); ++p) {
    int row = 0, head = 0;
    for (const int agent : scopes[p].agents) {
      const AgentShape& size = shape.agents[agent];
      environment.observe(agent, rollout.policies[p].observations.block(row, first, size.observation_size, count));
      row += size.observation_size;
      if (step == rollout.steps) continue;
      environment.masks(agent, rollout.policies[p].masks.block(kMoves * head, first, kMoves * size.heads, count));
      head += size.heads;
    }
  }
}

void scatter_moves(const Moves& moves, const PolicyScope& scope, const EnvironmentShape& shape,
                   std::vector<Moves>& per_agent) {
  int head = 0;
  for (const int agent : scope.agents) {
    per_agent[agent] = moves.middleRows(head, shape.agents[agent].heads);
    head += shape.agents[agent].heads;
  }
}

}  // namespace arco
