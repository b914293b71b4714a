// One update, from top to bottom:
//
//   collect   for t in 0..T-1: every actor sees its observations, masks the moves that are not available, draws a move
//             per head; the environment steps; log-probabilities, masks and rewards are kept.
//   estimate  V of all T + 1 states in one pass; advantages backward (GAE), bootstrapped from the last state, because
//             the rollout ends by a time limit; returns update the value normaliser, then become the critic's targets.
//   learn     the actors one after the other in random order, each on the full batch until it has moved max_kl away;
//             then the critic.
//
// Actors see local observations, the critic the global state: centralised training, decentralised execution.
#include "arco/marl/mappo.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "arco/base/error.h"
#include "arco/marl/losses.h"
#include "arco/marl/policy.h"
#include "arco/marl/weights.h"

namespace arco {
namespace {
constexpr float kActorGain = 0.01f;  // nearly uniform moves at first
constexpr float kCriticGain = 1;
constexpr uint64_t kPlayStream = 1;
constexpr uint64_t kActorStream = 100;
constexpr uint64_t kCriticStream = 200;
constexpr uint64_t kOrderStream = 1000;
constexpr float kLeastCorrection = 0.5f;
constexpr float kMostCorrection = 2;
}  // namespace

Mappo::Mappo(const EnvironmentShape& shape, const MappoOptions& options, uint64_t seed)
    : shape_(shape),
      options_(options),
      scopes_(policy_scopes(shape, options.single_agent)),
      random_(Random(seed)),
      rollout_(make_rollout(shape, scopes_, options.steps)) {
  ARCO_CHECK(shape.episodes > 0 && options.steps > 0 && options.epochs > 0, "nothing to learn from");
  for (size_t p = 0; p < scopes_.size(); ++p) {
    actors_.push_back(make_learner(scopes_[p].observation_size, options.actor_hidden, kMoves * scopes_[p].heads,
                                   kActorGain, kActorStream + p));
  }
  const size_t critics = options.independent_critics ? scopes_.size() : 1;
  for (size_t c = 0; c < critics; ++c) {
    const int inputs = options.independent_critics ? scopes_[c].observation_size : shape.state_size;
    critics_.push_back({.learner = make_learner(inputs, options.critic_hidden, 1, kCriticGain, kCriticStream + c),
                        .normalizer = ValueNormalizer(options.value_beta),
                        .old_values = {},
                        .targets = {},
                        .advantages = {}});
  }
  random_ = random_.fork(kPlayStream);
}

Mappo::Learner Mappo::make_learner(int inputs, const std::vector<int>& hidden, int outputs, float gain,
                                   uint64_t stream) const {
  Random random = random_.fork(stream);
  Network network(inputs, dense_layers(hidden, outputs, gain), random);
  const size_t size = network.parameters().size();
  return {.network = std::move(network),
          .adam = Adam(size, static_cast<float>(options_.adam_epsilon)),
          .gradient = std::vector<float>(size),
          .activations = {}};
}

void Mappo::collect(VectorEnvironment& environment) {
  const int episodes = shape_.episodes;
  std::vector<Moves> per_agent(shape_.agents.size());
  std::vector<float> rewards(episodes);
  std::vector<uint8_t> terminal(episodes);
  std::vector<Activations> acting(scopes_.size());
  rollout_.alive.setOnes();
  environment.reset();
  for (int t = 0; t < options_.steps; ++t) {
    record_observations(environment, scopes_, t, rollout_);
    const int first = t * episodes;
    for (size_t p = 0; p < scopes_.size(); ++p) {
      PolicyRollout& view = rollout_.policies[p];
      const Matrix& logits = actors_[p].network.forward(view.observations.middleCols(first, episodes), acting[p]);
      Moves moves;
      Matrix log_probabilities;
      sample_moves(logits, view.masks.middleCols(first, episodes), random_, moves, log_probabilities);
      view.moves.middleCols(first, episodes) = moves;
      view.log_probabilities.middleCols(first, episodes) = log_probabilities;
      scatter_moves(moves, scopes_[p], shape_, per_agent);
    }
    std::fill(terminal.begin(), terminal.end(), 0);
    environment.step(per_agent, rewards, terminal);
    for (int e = 0; e < episodes; ++e) {
      rollout_.rewards(e, t) = rollout_.alive(e, t) > 0 ? rewards[e] : 0.0f;
      rollout_.alive(e, t + 1) = terminal[e] ? 0.0f : rollout_.alive(e, t);
    }
  }
  record_observations(environment, scopes_, options_.steps, rollout_);
  collected_ = true;
}

UpdateReport Mappo::learn() {
  ARCO_CHECK(collected_, "learn() without collect()");
  collected_ = false;
  active_.assign(rollout_.alive.data(), rollout_.alive.data() + rollout_.rewards.size());
  for (size_t c = 0; c < critics_.size(); ++c) estimate(c);

  UpdateReport report;
  std::vector<size_t> order(scopes_.size());
  std::iota(order.begin(), order.end(), 0);
  Random shuffling = random_.fork(kOrderStream + updates_);
  shuffling.shuffle(order);
  std::vector<float> correction(active_.size(), 1.0f);
  for (const size_t policy : order) learn_actor(policy, correction, report);
  for (size_t c = 0; c < critics_.size(); ++c) learn_critic(c, report);
  const float count = std::accumulate(active_.begin(), active_.end(), 0.0f);
  report.mean_reward = rollout_.rewards.sum() / std::max(count, 1.0f);
  ++updates_;
  return report;
}

void Mappo::estimate(size_t index) {
  Critic& critic = critics_[index];
  const Matrix& normalised = critic.learner.network.forward(critic_input(index), critic.learner.activations);
  const Eigen::Index batch = rollout_.rewards.size();
  critic.old_values.assign(normalised.data(), normalised.data() + batch);
  Matrix values(rollout_.episodes, rollout_.steps + 1);
  for (Eigen::Index i = 0; i < values.size(); ++i) {
    values.data()[i] = critic.normalizer.denormalise(normalised.data()[i]);
  }
  Matrix returns;
  estimate_advantages({rollout_.rewards, values, rollout_.alive}, static_cast<float>(options_.discount),
                      static_cast<float>(options_.gae_lambda), critic.advantages, returns);
  critic.normalizer.update(std::span(returns.data(), batch), active_);
  critic.targets.resize(batch);
  for (Eigen::Index i = 0; i < batch; ++i) critic.targets[i] = critic.normalizer.normalise(returns.data()[i]);
}

void Mappo::learn_actor(size_t policy, std::vector<float>& correction, UpdateReport& report) {
  const PolicyRollout& view = rollout_.policies[policy];
  const Critic& critic = critics_[options_.independent_critics ? policy : 0];
  std::vector<float> advantages(critic.advantages.data(), critic.advantages.data() + critic.advantages.size());
  normalise_advantages(advantages, active_);
  if (options_.sequential_correction) {
    for (size_t i = 0; i < advantages.size(); ++i) advantages[i] *= correction[i];
  }
  const PolicySamples samples{view.masks, view.moves, view.log_probabilities, advantages, active_};
  const PolicyLossOptions loss_options{.clip = static_cast<float>(options_.clip),
                                       .entropy_coefficient = scheduled(options_.entropy_start, options_.entropy_end),
                                       .ratio_per_head = false};
  const float rate = scheduled(options_.actor_rate, options_.actor_rate * options_.final_rate);
  const Samples observations = view.observations.leftCols(view.moves.cols());
  Learner& actor = actors_[policy];
  Matrix gradient;
  PolicyLoss loss;
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    loss = policy_loss(actor.network.forward(observations, actor.activations), samples, loss_options, gradient);
    if (loss.kl > options_.max_kl) break;
    std::fill(actor.gradient.begin(), actor.gradient.end(), 0.0f);
    actor.network.backward(observations, actor.activations, gradient, actor.gradient);
    clip_norm(actor.gradient, gradient_limit());
    actor.adam.step(actor.network.parameters(), actor.gradient, rate);
    ++report.actor_epochs;
  }
  const double share = 1.0 / static_cast<double>(actors_.size());
  report.policy_loss += share * loss.loss;
  report.entropy += share * loss.entropy;
  report.kl += share * loss.kl;
  if (!options_.sequential_correction) return;
  loss = policy_loss(actor.network.forward(observations, actor.activations), samples, loss_options, gradient);
  for (size_t i = 0; i < correction.size(); ++i) {
    correction[i] *= std::clamp(loss.ratio[i], kLeastCorrection, kMostCorrection);
  }
}

void Mappo::learn_critic(size_t index, UpdateReport& report) {
  Critic& critic = critics_[index];
  Learner& learner = critic.learner;
  const Samples input = critic_input(index).leftCols(rollout_.rewards.size());
  const ValueLossOptions loss_options{.clip = static_cast<float>(options_.clip),
                                      .huber_delta = static_cast<float>(options_.huber_delta),
                                      .coefficient = static_cast<float>(options_.value_coefficient)};
  const float rate = scheduled(options_.critic_rate, options_.critic_rate * options_.final_rate);
  Matrix gradient;
  double loss = 0;
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    loss = value_loss(learner.network.forward(input, learner.activations), critic.old_values, critic.targets, active_,
                      loss_options, gradient);
    std::fill(learner.gradient.begin(), learner.gradient.end(), 0.0f);
    learner.network.backward(input, learner.activations, gradient, learner.gradient);
    clip_norm(learner.gradient, gradient_limit());
    learner.adam.step(learner.network.parameters(), learner.gradient, rate);
  }
  report.value_loss += loss / static_cast<double>(critics_.size());
}

const Matrix& Mappo::critic_input(size_t critic) const {
  return options_.independent_critics ? rollout_.policies[critic].observations : rollout_.states;
}

float Mappo::scheduled(double start, double end) const {
  const double progress = std::min(1.0, updates_ / static_cast<double>(std::max(options_.planned_updates, 1)));
  return static_cast<float>(start + (end - start) * progress);
}

float Mappo::gradient_limit() const {
  const bool small = rollout_.rewards.size() < options_.small_batch;
  return static_cast<float>(small ? options_.small_batch_gradient_norm : options_.max_gradient_norm);
}

std::vector<Moves> Mappo::act(const VectorEnvironment& environment, bool greedy) {
  Rollout view = make_rollout(shape_, scopes_, 1);
  record_observations(environment, scopes_, 0, view);
  std::vector<Moves> per_agent(shape_.agents.size());
  for (size_t p = 0; p < scopes_.size(); ++p) {
    PolicyRollout& seen = view.policies[p];
    const Matrix& logits =
        actors_[p].network.forward(seen.observations.leftCols(shape_.episodes), actors_[p].activations);
    Moves moves;
    if (greedy) {
      moves = best_moves(logits, seen.masks);
    } else {
      sample_moves(logits, seen.masks, random_, moves, seen.log_probabilities);
    }
    scatter_moves(moves, scopes_[p], shape_, per_agent);
  }
  return per_agent;
}

std::vector<float> Mappo::values(const std::vector<Matrix>& observations, const Matrix& states) const {
  std::vector<float> result;
  Activations activations;
  for (size_t c = 0; c < critics_.size(); ++c) {
    Matrix input = states;
    if (options_.independent_critics) {
      input.resize(scopes_[c].observation_size, observations.at(0).cols());
      int row = 0;
      for (const int agent : scopes_[c].agents) {
        input.middleRows(row, observations[agent].rows()) = observations[agent];
        row += static_cast<int>(observations[agent].rows());
      }
    }
    const Matrix& values = critics_[c].learner.network.forward(input, activations);
    result.resize(values.cols(), 0.0f);
    for (Eigen::Index i = 0; i < values.cols(); ++i) {
      result[i] += critics_[c].normalizer.denormalise(values(0, i)) / static_cast<float>(critics_.size());
    }
  }
  return result;
}

std::vector<uint8_t> Mappo::save() const {
  std::vector<NetworkWeights> weights;
  for (const Learner& actor : actors_) weights.push_back(weights_of(actor.network));
  for (const Critic& critic : critics_) {
    weights.push_back(weights_of(critic.learner.network));
    const ValueNormalizer::State& state = critic.normalizer.state();
    weights.back().extra = {state.mean, state.square, state.weight};
  }
  return encode_weights(weights);
}

void Mappo::load(std::span<const uint8_t> bytes, const std::string& source) {
  const std::vector<NetworkWeights> weights = decode_weights(bytes, source);
  ErrorList errors(source);
  if (weights.size() != actors_.size() + critics_.size()) {
    errors.add("holds {} networks, {} expected ({} actors, {} critics): it was saved with other agent options",
               weights.size(), actors_.size() + critics_.size(), actors_.size(), critics_.size());
  }
  errors.throw_if_any();
  for (size_t i = 0; i < weights.size(); ++i) {
    const bool is_actor = i < actors_.size();
    const Network& network = is_actor ? actors_[i].network : critics_[i - actors_.size()].learner.network;
    check_weights(weights[i], network, is_actor ? 0 : 3,
                  fmt::format("{} {}", is_actor ? "actor" : "critic", is_actor ? i : i - actors_.size()), errors);
  }
  errors.throw_if_any();
  for (size_t i = 0; i < weights.size(); ++i) {
    Network& network = i < actors_.size() ? actors_[i].network : critics_[i - actors_.size()].learner.network;
    std::copy(weights[i].parameters.begin(), weights[i].parameters.end(), network.parameters().begin());
    if (i < actors_.size()) continue;
    const std::vector<double>& extra = weights[i].extra;
    critics_[i - actors_.size()].normalizer.set_state({.mean = extra[0], .square = extra[1], .weight = extra[2]});
  }
}

}  // namespace arco
