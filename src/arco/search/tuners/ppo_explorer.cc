// Policy: knobs -> 20 -> 20 (tanh), then per knob 3 (tanh, sees the trunk) -> 3 (tanh, sees its own 3) -> / 0.1 -> 3
// logits. Value: knobs -> 20 -> 20 -> 20 (tanh) -> 1. After every episode: advantages by GAE, normalised over the
// episode; value targets r + gamma V(next); three epochs of 32 samples. One clipped ratio per knob, summed.
#include "arco/search/tuners/ppo_explorer.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "arco/marl/losses.h"
#include "arco/marl/policy.h"

namespace arco {
namespace {

std::vector<LayerSpec> policy_layers(int knobs, const PpoExplorerOptions& options) {
  const int outputs = kMoves * knobs;
  const auto sharpness = static_cast<float>(1 / options.temperature);
  return {{.outputs = options.width, .gain = 1},
          {.outputs = options.width, .gain = 1},
          {.outputs = outputs, .gain = 1},
          {.outputs = outputs, .gain = 1, .groups = knobs},
          {.outputs = outputs, .with_tanh = false, .gain = 1, .groups = knobs, .input_scale = sharpness}};
}

std::vector<LayerSpec> value_layers(const PpoExplorerOptions& options) {
  return {{.outputs = options.width, .gain = 1},
          {.outputs = options.width, .gain = 1},
          {.outputs = options.width, .gain = 1},
          {.outputs = 1, .with_tanh = false, .gain = 1}};
}

template <typename Columns>
Columns pick_columns(const Columns& from, const std::vector<size_t>& picked) {
  Columns to(from.rows(), static_cast<Eigen::Index>(picked.size()));
  for (size_t i = 0; i < picked.size(); ++i) {
    to.col(static_cast<Eigen::Index>(i)) = from.col(static_cast<Eigen::Index>(picked[i]));
  }
  return to;
}

}  // namespace

PpoExplorer::PpoExplorer(const SearchSpace& space, const PpoExplorerOptions& options, uint64_t seed)
    : space_(space),
      options_(options),
      random_(seed),
      policy_(make_learner(static_cast<int>(space.knobs().size()),
                           policy_layers(static_cast<int>(space.knobs().size()), options), random_.fork(1))),
      value_(make_learner(static_cast<int>(space.knobs().size()), value_layers(options), random_.fork(2))) {}

PpoExplorer::Learner PpoExplorer::make_learner(int inputs, std::vector<LayerSpec> layers, Random random) {
  Network network(inputs, std::move(layers), random);
  const size_t size = network.parameters().size();
  return {.network = std::move(network), .adam = Adam(size), .gradient = std::vector<float>(size), .activations = {}};
}

Matrix PpoExplorer::state_of(const Choice& choice) const {
  Matrix state(static_cast<Eigen::Index>(choice.size()), 1);
  for (size_t j = 0; j < choice.size(); ++j) {
    state(static_cast<Eigen::Index>(j), 0) =
        static_cast<float>(choice[j]) / static_cast<float>(space_.knobs()[j].values.size());
  }
  return state;
}

PpoExplorer::Episode PpoExplorer::play() {
  Choice choice = space_.decode(random_.below(space_.size()));
  const auto knobs = static_cast<Eigen::Index>(choice.size());
  const Masks masks = Masks::Ones(kMoves * knobs, 1);
  Episode episode{.states = Matrix(knobs, options_.steps),
                  .moves = Moves(knobs, options_.steps),
                  .log_probabilities = Matrix(knobs, options_.steps),
                  .reached = {}};
  Moves moves;
  Matrix log_probabilities;
  bool converged = false;
  while (!converged && static_cast<int>(episode.reached.size()) < options_.steps) {
    const auto step = static_cast<Eigen::Index>(episode.reached.size());
    episode.states.col(step) = state_of(choice);
    sample_moves(policy_.network.forward(episode.states.col(step), policy_.activations), masks, random_, moves,
                 log_probabilities);
    episode.moves.col(step) = moves;
    episode.log_probabilities.col(step) = log_probabilities;
    size_t at_rest = 0;
    for (size_t j = 0; j < choice.size(); ++j) {
      const int last = static_cast<int>(space_.knobs()[j].values.size()) - 1;
      const int next = std::clamp(choice[j] + moves(static_cast<Eigen::Index>(j), 0) - kMoveStay, 0, last);
      at_rest += next == choice[j] ? 1 : 0;
      choice[j] = next;
    }
    episode.reached.push_back(space_.encode(choice));
    converged = static_cast<double>(at_rest) >= options_.converged_share * static_cast<double>(choice.size());
  }
  const auto steps = static_cast<Eigen::Index>(episode.reached.size());
  episode.states.conservativeResize(knobs, steps);
  episode.moves.conservativeResize(knobs, steps);
  episode.log_probabilities.conservativeResize(knobs, steps);
  return episode;
}

void PpoExplorer::learn(const Episode& episode, const std::vector<float>& rewards) {
  const auto steps = static_cast<Eigen::Index>(rewards.size());
  Matrix values = Matrix::Zero(1, steps + 1), alive = Matrix::Ones(1, steps + 1);
  values.leftCols(steps) = value_.network.forward(episode.states, value_.activations);
  alive(0, steps) = 0;
  const Matrix reward_row = Eigen::Map<const Matrix>(rewards.data(), 1, steps);
  Matrix advantage_row, returns;
  estimate_advantages({reward_row, values, alive}, static_cast<float>(options_.discount),
                      static_cast<float>(options_.gae_lambda), advantage_row, returns);
  std::vector<float> advantages(advantage_row.data(), advantage_row.data() + steps), targets;
  const std::vector<float> active(rewards.size(), 1.0F);
  normalise_advantages(advantages, active, 1e-8F);
  for (Eigen::Index t = 0; t < steps; ++t) {
    targets.push_back(reward_row(0, t) + static_cast<float>(options_.discount) * values(0, t + 1));
  }
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    std::vector<size_t> picked;
    for (int i = 0; i < options_.samples; ++i) picked.push_back(random_.below(rewards.size()));
    learn_batch(episode, picked, advantages, targets);
  }
}

void PpoExplorer::learn_batch(const Episode& episode, const std::vector<size_t>& picked,
                              const std::vector<float>& advantages, const std::vector<float>& targets) {
  std::vector<float> batch_advantages, batch_targets;
  for (const size_t i : picked) {
    batch_advantages.push_back(advantages[i]);
    batch_targets.push_back(targets[i]);
  }
  const std::vector<float> active(picked.size(), 1.0F);
  const Matrix states = pick_columns(episode.states, picked);
  const Moves moves = pick_columns(episode.moves, picked);
  const Matrix old = pick_columns(episode.log_probabilities, picked);
  const Masks masks = Masks::Ones(kMoves * moves.rows(), moves.cols());
  const auto descend = [&](Learner& learner, const Matrix& gradient) {
    std::ranges::fill(learner.gradient, 0.0F);
    learner.network.backward(states, learner.activations, gradient, learner.gradient);
    learner.adam.step(learner.network.parameters(), learner.gradient, static_cast<float>(options_.rate));
  };
  Matrix gradient;
  policy_loss(policy_.network.forward(states, policy_.activations), {masks, moves, old, batch_advantages, active},
              {.clip = static_cast<float>(options_.clip),
               .entropy_coefficient = static_cast<float>(options_.entropy_coefficient),
               .ratio_per_head = true},
              gradient);
  descend(policy_, gradient);
  // Plain squared error: nothing is clipped, so the old values do not matter.
  constexpr float kNever = std::numeric_limits<float>::infinity();
  value_loss(value_.network.forward(states, value_.activations), batch_targets, batch_targets, active,
             {.clip = kNever, .huber_delta = kNever, .coefficient = static_cast<float>(options_.value_coefficient)},
             gradient);
  descend(value_, gradient);
}

std::vector<uint64_t> PpoExplorer::maximise(const BatchScorer& score, size_t count,
                                            const std::function<bool(uint64_t)>& excluded) {
  std::unordered_set<uint64_t> met;
  std::vector<std::pair<float, uint64_t>> ranked;
  for (int e = 0; e < options_.episodes; ++e) {
    const Episode episode = play();
    const std::vector<float> rewards = score(episode.reached);
    for (size_t i = 0; i < rewards.size(); ++i) {
      if (!met.insert(episode.reached[i]).second || excluded(episode.reached[i])) continue;
      ranked.emplace_back(-rewards[i], episode.reached[i]);
    }
    learn(episode, rewards);
  }
  std::ranges::sort(ranked);
  std::vector<uint64_t> best;
  for (size_t i = 0; i < std::min(count, ranked.size()); ++i) best.push_back(ranked[i].second);
  return best;
}

}  // namespace arco
