// Multi-agent PPO with a centralised critic (Yu et al., "The surprising effectiveness of PPO in cooperative
// multi-agent games", 2022), heterogeneous actors without parameter sharing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "arco/marl/adam.h"
#include "arco/marl/environment.h"
#include "arco/marl/network.h"
#include "arco/marl/rollout.h"
#include "arco/marl/value_normalizer.h"

namespace arco {

struct MappoOptions {
  // Rollout
  int steps = 24;            // T: a walk across a knob's range and back
  double discount = 0.9;     // short-sighted: what counts is the point reached, not the way
  double gae_lambda = 0.95;  // low bias; the variance is small with 64 episodes

  // Networks
  std::vector<int> actor_hidden = {64, 64};     // tanh
  std::vector<int> critic_hidden = {128, 128};  // tanh; sees everything, so it is larger
  bool single_agent = false;                    // ablation: one actor moves all knobs
  bool independent_critics = false;  // ablation (IPPO): a critic per actor that sees that actor's observation only

  // Update
  int epochs = 8;                // few: the data are those of the old policy
  double clip = 0.2;             // of probability ratios and of value changes
  double actor_rate = 1e-3;      // Adam
  double critic_rate = 1e-3;     // Adam
  double final_rate = 0.1;       // share of the rates left after planned_updates, linear decay
  double adam_epsilon = 1e-5;    // larger than Adam's own 1e-8: no leaps while gradients are tiny
  double entropy_start = 0.05;   // explore first,
  double entropy_end = 0.005;    // settle later; linear over planned_updates
  int planned_updates = 200;     // over which rates and entropy fall
  double max_kl = 0.03;          // an actor's epochs end when it has moved this far from the rollout's policy
  double huber_delta = 10;       // normalised returns beyond this are outliers
  double value_coefficient = 1;  // actor and critic share nothing, so this only scales the critic's clipping
  double max_gradient_norm = 10;
  double small_batch_gradient_norm = 0.5;  // below small_batch samples gradients are noisy
  int small_batch = 256;
  double value_beta = 0.99;            // memory of the value normaliser; 0.99999 for runs of more than 500 updates
  bool sequential_correction = false;  // HAPPO: later actors see advantages times the ratio of the earlier ones
};

struct UpdateReport {
  double policy_loss = 0;  // mean over the actors, as in the last epoch of each
  double entropy = 0;
  double kl = 0;
  double value_loss = 0;   // mean over the critics, last epoch
  double mean_reward = 0;  // per step, over active entries
  int actor_epochs = 0;    // sum over the actors: fewer than epochs * actors when stopped early
};

class Mappo {
 public:
  Mappo(const EnvironmentShape& shape, const MappoOptions& options, uint64_t seed);

  // Plays `steps` steps of all episodes from reset() with the present policies.
  void collect(VectorEnvironment& environment);
  // One update of actors and critics on what was collected.
  UpdateReport learn();
  UpdateReport update(VectorEnvironment& environment) {
    collect(environment);
    return learn();
  }

  // Draws (or, greedily, picks) moves for the environment's present observations, per agent.
  std::vector<Moves> act(const VectorEnvironment& environment, bool greedy);
  // The critic's view of each column, in reward units. `observations` (one matrix per agent) is read with
  // independent critics, whose mean is returned; `states` otherwise.
  std::vector<float> values(const std::vector<Matrix>& observations, const Matrix& states) const;

  int updates() const { return updates_; }
  const MappoOptions& options() const { return options_; }
  const Rollout& rollout() const { return rollout_; }

  // All weights and value normalisers: a versioned block of bytes with a checksum. The optimiser's state is not in it.
  std::vector<uint8_t> save() const;
  // Throws UserError naming `source` with every difference, and changes nothing, unless the bytes come from save() of
  // networks with the same shapes.
  void load(std::span<const uint8_t> bytes, const std::string& source);

 private:
  struct Learner {
    Network network;
    Adam adam;
    std::vector<float> gradient;
    Activations activations;
  };
  struct Critic {
    Learner learner;
    ValueNormalizer normalizer;
    std::vector<float> old_values;  // [T E], normalised
    std::vector<float> targets;     // [T E], normalised returns
    Matrix advantages;              // [E x T]
  };

  Learner make_learner(int inputs, const std::vector<int>& hidden, int outputs, float gain, uint64_t stream) const;
  const Matrix& critic_input(size_t critic) const;
  // From `start` at the first update to `end` at planned_updates.
  float scheduled(double start, double end) const;
  float gradient_limit() const;
  void estimate(size_t critic);
  void learn_actor(size_t policy, std::vector<float>& correction, UpdateReport& report);
  void learn_critic(size_t critic, UpdateReport& report);

  EnvironmentShape shape_;
  MappoOptions options_;
  std::vector<PolicyScope> scopes_;
  std::vector<Learner> actors_;
  std::vector<Critic> critics_;
  Random random_;
  Rollout rollout_;
  std::vector<float> active_;  // [T E]
  bool collected_ = false;
  int updates_ = 0;
};

}  // namespace arco
