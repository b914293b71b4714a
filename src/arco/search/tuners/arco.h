// The ARCO tuner: three actor-critic agents (hardware, scheduling, mapping) walk through the space on a learned
// surrogate, confidence sampling picks what is measured. (Fayyazi, Kamal, Pedram: "Dynamic Co-Optimization Compiler",
// ASP-DAC 2025.)
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "arco/marl/mappo.h"
#include "arco/search/confidence_sampling.h"
#include "arco/search/knob_environment.h"
#include "arco/search/residual_model.h"
#include "arco/search/tuner.h"
#include "arco/search/tuners/options.h"

namespace arco {

// The defaults are ARCO at its best: the closed forms as prior, as pruning and as proof, and half of each batch from
// the exact argmax of the surrogate. In a space that is listed the argmax goes on when the agents rest.
struct ArcoOptions {
  // Measuring
  size_t batch = 16;             // measurements between two fits
  size_t expected_trials = 256;  // over which learning rates, entropy and temperature fall
  size_t patience_rounds = 4;    // agents rest after so many batches that brought less than least_gain; 0: never
  double least_gain = 0.001;     // relative
  size_t initial_by_bound = 5;   // of the first batch: best by bound; beside them the default and a spread-out rest
  bool random_start = false;     // the first batch is random instead

  // Surrogate
  ResidualModelOptions surrogate;
  bool prune = true;                   // never measure what its bound says is no better
  uint64_t enumerate_limit = 1 << 19;  // spaces up to this size are listed: exact argmax and proofs
  double exact_share = 0.5;            // of each batch: the surrogate's best of all that is listed
  double exact_optimism = 0.5;         // spreads added to the mean there
  double exact_diversity = 0.1;        // fitness taken off for being like an earlier pick, halved per other knob
  int jobs = 1;                        // threads that list; the result is the same for any number

  // Agents
  KnobEnvironmentOptions environment;
  MappoOptions agents;
  int actor_layers = 2;
  int actor_width = 64;
  int critic_layers = 2;
  int critic_width = 128;
  bool pretrained = true;  // start with the agents that ARCO ships, where they fit
  int first_updates = 16;  // of agents that are not pretrained, on the prior alone, before the first plan
  int plan_updates = 2;    // on the surrogate, before every plan

  // Choosing
  bool use_confidence_sampling = true;  // else the agents' share is their best by the surrogate (ablation)
  ConfidenceSamplingOptions sampling;
  double first_temperature = 1.0;
  double last_temperature = 0.3;
};

// The paper's own values as far as they are known (some recalled, not re-read): no closed forms, rewards that are the
// fitness itself, batches of 64, small networks, a hard threshold.
struct ArcoPaperOptions : ArcoOptions {
  ArcoPaperOptions();
};

template <typename Options, typename Visitor>
requires std::derived_from<std::remove_const_t<Options>, ArcoOptions>
void visit_options(Options& o, const Visitor& visit) {
  visit("batch", o.batch, 1, 100'000);
  visit("expected_trials", o.expected_trials, 1, 1e9);
  visit("patience_rounds", o.patience_rounds, 0, 1e6);
  visit("least_gain", o.least_gain, 0, 1);
  visit("initial_by_bound", o.initial_by_bound, 0, 100'000);
  visit("random_start", o.random_start);
  visit("replicas", o.surrogate.replicas, 1, 100);
  visit("rounds", o.surrogate.rounds, 1, 10'000);
  visit("estimate_as_prior", o.surrogate.estimate_as_prior);
  visit("prune", o.prune);
  visit("enumerate_limit", o.enumerate_limit, 0, 1 << 28);
  visit("exact_share", o.exact_share, 0, 1);
  visit("exact_optimism", o.exact_optimism, 0, 100);
  visit("exact_diversity", o.exact_diversity, 0, 100);
  visit("jobs", o.jobs, 0, 1024);
  visit("episodes", o.environment.episodes, 1, 4096);
  visit("steps", o.environment.steps, 1, 4096);
  visit("paper_reward", o.environment.paper_reward);
  visit("area_penalty", o.environment.area_penalty, 0, 1000);
  visit("memory_penalty", o.environment.memory_penalty, 0, 1000);
  visit("illegal_penalty", o.environment.illegal_penalty, 0, 1000);
  visit("most_penalty", o.environment.most_penalty, 0, 1000);
  visit("measured_starts", o.environment.measured_starts, 0, 1);
  visit("predicted_starts", o.environment.predicted_starts, 0, 1);
  visit("single_agent", o.agents.single_agent);
  visit("independent_critics", o.agents.independent_critics);
  visit("sequential_correction", o.agents.sequential_correction);
  visit("actor_layers", o.actor_layers, 0, 8);
  visit("actor_width", o.actor_width, 1, 1024);
  visit("critic_layers", o.critic_layers, 0, 8);
  visit("critic_width", o.critic_width, 1, 1024);
  visit("pretrained", o.pretrained);
  visit("first_updates", o.first_updates, 0, 100'000);
  visit("plan_updates", o.plan_updates, 0, 100'000);
  visit("discount", o.agents.discount, 0, 1);
  visit("gae_lambda", o.agents.gae_lambda, 0, 1);
  visit("clip", o.agents.clip, 1e-3, 1);
  visit("epochs", o.agents.epochs, 1, 1000);
  visit("actor_rate", o.agents.actor_rate, 1e-8, 1);
  visit("critic_rate", o.agents.critic_rate, 1e-8, 1);
  visit("final_rate", o.agents.final_rate, 0, 1);
  visit("adam_epsilon", o.agents.adam_epsilon, 1e-12, 1);
  visit("entropy_start", o.agents.entropy_start, 0, 10);
  visit("entropy_end", o.agents.entropy_end, 0, 10);
  visit("max_kl", o.agents.max_kl, 0, 1e9);
  visit("huber_delta", o.agents.huber_delta, 1e-6, 1e9);
  visit("value_coefficient", o.agents.value_coefficient, 0, 1e6);
  visit("max_gradient_norm", o.agents.max_gradient_norm, 1e-6, 1e9);
  visit("value_beta", o.agents.value_beta, 0, 0.9999999);
  visit("confidence_sampling", o.use_confidence_sampling);
  visit("pool", o.sampling.pool, 1, 1'000'000);
  visit("mix_model", o.sampling.mix_model);
  visit("optimism", o.sampling.optimism, 0, 100);
  visit("drawn_per_slot", o.sampling.drawn_per_slot, 0.01, 100);
  visit("threshold_width", o.sampling.threshold_width, 0, 100);
  visit("synthesis_tries", o.sampling.synthesis_tries, 0, 100'000);
  visit("random_share", o.sampling.random_share, 0, 1);
  visit("first_temperature", o.first_temperature, 1e-3, 1e3);
  visit("last_temperature", o.last_temperature, 1e-3, 1e3);
}

class ArcoTuner : public Tuner {
 public:
  // The space must outlive the tuner.
  ArcoTuner(const SearchSpace& space, const ArcoOptions& options, uint64_t seed);
  ~ArcoTuner() override;

  std::vector<uint64_t> ask(size_t count) override;
  void tell(const std::vector<Measurement>& results) override;
  bool proved_optimal() const override;
  double proven_bound() const override;
  double fit_seconds() const override;

  // The network's options as the tuner makes its agents.
  static MappoOptions agent_options(const ArcoOptions& options);

  // What other searches of layers alike have taught so far; counts from the next plan on.
  void learn_from(std::shared_ptr<const ResidualTransfer> transfer);
  // Cost by which the next measurements are expected to improve on the best: infinite before there is one, 0 when
  // nothing is left to ask.
  double promise();

  // Why this tuner asked for a configuration; empty if it did not.
  std::optional<ChoiceReason> reason(uint64_t index) const;

  // The world of the agents, as an AgentLibrary names it.
  std::string world() const;
  // The agents' weights, for another run or another space with the same knobs. load throws UserError naming `source`;
  // loaded agents do not train on the prior again.
  std::vector<uint8_t> save_agents() const;
  void load_agents(std::span<const uint8_t> bytes, const std::string& source);

 private:
  class Search;
  std::unique_ptr<Search> search_;
};

std::unique_ptr<ArcoTuner> make_arco(const SearchSpace& space, const ArcoOptions& options, uint64_t seed);

}  // namespace arco
