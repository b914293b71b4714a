// CHAMELEON's exploration: one PPO agent turns all knobs on the predictions of a model.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "arco/base/random.h"
#include "arco/marl/adam.h"
#include "arco/marl/network.h"
#include "arco/search/space.h"
#include "arco/search/tuners/model_annealing.h"

namespace arco {

// The released code's values.
struct PpoExplorerOptions {
  int episodes = 128;             // per plan, each from a random configuration
  int steps = 500;                // of an episode, at most
  double converged_share = 0.75;  // of the knobs at rest (stay, or held by the end of the range) ends an episode
  double temperature = 0.1;       // divides the last hidden layer: sharp policies
  int width = 20;                 // of all hidden layers
  double rate = 1e-3;             // Adam, policy and value
  double discount = 0.9;
  double gae_lambda = 0.99;
  int epochs = 3;
  int samples = 32;  // per epoch, drawn with replacement
  double clip = 0.2;
  double value_coefficient = 1;
  double entropy_coefficient = 0.3;
};

class PpoExplorer {
 public:
  PpoExplorer(const SearchSpace& space, const PpoExplorerOptions& options, uint64_t seed);

  // Up to `count` of the configurations met with the highest scores, best first; none that `excluded` holds for. The
  // agent learns on the way and keeps what it learned for the next call.
  std::vector<uint64_t> maximise(const BatchScorer& score, size_t count, const std::function<bool(uint64_t)>& excluded);

 private:
  struct Episode {
    Matrix states;             // [knobs x steps]: position / options
    Moves moves;               // [knobs x steps]
    Matrix log_probabilities;  // [knobs x steps]
    std::vector<uint64_t> reached;
  };
  struct Learner {
    Network network;
    Adam adam;
    std::vector<float> gradient;
    Activations activations;
  };

  static Learner make_learner(int inputs, std::vector<LayerSpec> layers, Random random);
  Matrix state_of(const Choice& choice) const;
  Episode play();
  void learn(const Episode& episode, const std::vector<float>& rewards);
  void learn_batch(const Episode& episode, const std::vector<size_t>& picked, const std::vector<float>& advantages,
                   const std::vector<float>& targets);

  const SearchSpace& space_;
  PpoExplorerOptions options_;
  Random random_;
  Learner policy_;
  Learner value_;
};

}  // namespace arco
