// One plan, from top to bottom:
//
//     fit the surrogate to all measurements
//     exact      score every listed configuration that could still win; take the best, spread out, and measure them
//     train      the agents walk on the surrogate: half of them start at the best measured, a quarter at the best
//                predicted, the rest anywhere; MAPPO updates (fresh ones before the first plan on the closed form too)
//     sample     confidence sampling over the configurations that the agents met
//
// What is cheap to choose is measured before the agents train, so that training never delays a good configuration.
// Before anything is measured: the default, the best by bound, and a Latin hypercube over the legal space. What has a
// bound >= best measured is never asked for; when nothing else is left, the best is proven.
#include "arco/search/tuners/arco.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/search/expected_improvement.h"
#include "arco/search/history.h"
#include "arco/search/initial_design.h"
#include "arco/search/legal_points.h"
#include "arco/search/shipped_agents.h"
#include "arco/search/stopwatch.h"
#include "arco/search/surrogate_argmax.h"

namespace arco {
namespace {

constexpr size_t kShortlist = 256;      // of exact picks, before spreading out
constexpr size_t kMeasuredStarts = 32;  // different starts of walks at measured configurations
constexpr size_t kPredictedStarts = 16;
constexpr size_t kClimbSample = 2048;  // random starts of a climb in a space that is not listed
constexpr size_t kClimbBeam = 48;
constexpr int kClimbRounds = 12;
constexpr float kCorrectionSlack = 0.1F;  // what trees may promise beyond the best correction seen, in fitness
constexpr size_t kPromising = 32;         // of the best predicted, whose expected improvement is looked at
constexpr double kLeastSpread = 0.01;     // fitness: trees that agree are not certain

}  // namespace

MappoOptions ArcoTuner::agent_options(const ArcoOptions& options) {
  MappoOptions agents = options.agents;
  agents.steps = options.environment.steps;
  agents.actor_hidden.assign(static_cast<size_t>(options.actor_layers), options.actor_width);
  agents.critic_hidden.assign(static_cast<size_t>(options.critic_layers), options.critic_width);
  const size_t plans = (options.expected_trials + options.batch - 1) / options.batch;
  agents.planned_updates =
      options.first_updates + options.plan_updates * static_cast<int>(std::min<size_t>(plans, 10'000));
  return agents;
}

ArcoPaperOptions::ArcoPaperOptions() {
  batch = 64;
  expected_trials = 1024;  // 16 iterations
  patience_rounds = 0;
  random_start = true;
  surrogate = {.replicas = 1, .rounds = 60, .estimate_as_prior = false};
  prune = false;
  enumerate_limit = 0;
  exact_share = 0;
  environment.episodes = 128;
  environment.steps = 125;  // 4 updates of 125 steps: 500 steps of 128 walks a plan
  environment.paper_reward = true;
  actor_layers = 1;
  actor_width = 20;
  critic_layers = 3;
  critic_width = 20;
  pretrained = false;
  first_updates = 0;  // there is no closed form to train on
  plan_updates = 4;
  sampling = {.pool = 2048, .mix_model = false, .drawn_per_slot = 1, .threshold_width = 0, .random_share = 0};
  first_temperature = last_temperature = 1;
}

class ArcoTuner::Search {
 public:
  Search(const SearchSpace& space, const ArcoOptions& options, uint64_t seed)
      : space_(space),
        options_(options),
        seeds_(seed),
        random_(seeds_.fork(0)),
        history_(space),
        surrogate_(space, options.surrogate),
        environment_(space, options.environment, seeds_.fork(1).next()),
        agents_(environment_.shape(), agent_options(options), seeds_.fork(2).next()) {
    const std::vector<uint8_t>* shipped = options.pretrained ? shipped_agents().find(world()) : nullptr;
    if (shipped != nullptr) load_agents(*shipped, "ARCO's own agents");
  }

  std::vector<uint64_t> ask(size_t count) {
    list_points();
    std::vector<uint64_t> asked;
    while (asked.size() < count) {
      if (plan_.empty()) {
        if (!asked.empty()) break;  // the next plan knows what these bring
        make_plan(std::max(options_.batch, count));
      }
      if (plan_.empty()) break;
      const auto [index, reason] = plan_.front();
      plan_.pop_front();
      if (!open(index)) continue;  // measured by someone else or pruned meanwhile
      history_.mark_asked(index);
      reasons_.emplace(index, reason);
      asked.push_back(index);
    }
    return asked;
  }

  void learn_from(std::shared_ptr<const ResidualTransfer> transfer) {
    surrogate_.set_transfer(std::move(transfer));
    ranked_at_.reset();
  }

  // Expected improvement (Jones et al., 1998) of fitness, the largest of the best predicted, as cost.
  double promise() {
    list_points();
    const double best = best_cost();
    if (!history_.best()) return history_.exhausted() || (listed_ && listed_->by_bound().empty()) ? 0 : best;
    if (proved_optimal() || (stagnated() && !searches_exactly())) return 0;
    std::vector<uint64_t> indices;
    for (const ScoredConfiguration& scored : best_open(1)) {
      if (indices.size() < kPromising) indices.push_back(scored.index);
    }
    const Fitness fitness = surrogate_.predict(indices);
    double largest = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
      const double spread = std::max<double>(fitness.spread[i], kLeastSpread);
      largest = std::max(largest, expected_improvement(fitness.mean[i] - best_fitness(), spread));
    }
    return best * (1 - std::exp2(-largest));
  }

  void tell(const std::vector<Measurement>& results) {
    for (const Measurement& m : results) {
      if (!history_.tell(m) || m.status != MeasureStatus::kOk) continue;
      if (m.cost < (1 - options_.least_gain) * gained_cost_) {
        gained_cost_ = m.cost;
        gained_at_ = history_.results().size();
      }
    }
  }

  double fit_seconds() const { return fit_seconds_; }
  double proven_bound() const { return listed_ ? listed_->proven_bound(history_) : 0; }
  bool proved_optimal() const { return listed_ && proven_bound() >= best_cost(); }

  std::optional<ChoiceReason> reason(uint64_t index) const {
    const auto found = reasons_.find(index);
    return found == reasons_.end() ? std::nullopt : std::optional(found->second);
  }
  std::string world() const { return agents_world(space_, agents_.options()); }
  std::vector<uint8_t> save_agents() const { return agents_.save(); }
  void load_agents(std::span<const uint8_t> bytes, const std::string& source) {
    agents_.load(bytes, source);
    pretrained_ = true;
  }

 private:
  double best_cost() const { return history_.best() ? history_.best()->cost : std::numeric_limits<double>::infinity(); }
  float best_fitness() const { return history_.best() ? surrogate_.fitness_of(history_.best()->cost) : 0.0F; }
  bool stagnated() const {
    return options_.patience_rounds > 0 && history_.best() &&
           history_.results().size() >= gained_at_ + options_.patience_rounds * options_.batch;
  }
  bool open(uint64_t index) const {
    if (history_.visited(index)) return false;
    const Choice choice = space_.decode(index);
    return space_.legal(choice) && !(options_.prune && space_.bound(choice) >= best_cost());
  }
  std::optional<uint64_t> draw_open(Random& random) const {
    if (listed_) {
      const double below = options_.prune ? best_cost() : std::numeric_limits<double>::infinity();
      return listed_->draw_unvisited(history_, below, random);
    }
    constexpr int kTries = 64;
    for (int i = 0; i < kTries; ++i) {
      const auto index = history_.draw_unvisited(random, true);
      if (!index || open(*index)) return index;
    }
    return std::nullopt;
  }

  void list_points() {
    if (listed_ || space_.size() > options_.enumerate_limit) return;
    listed_.emplace(space_, options_.jobs);
  }

  void make_plan(size_t count) {
    const size_t measured = history_.results().size();
    if (measured < options_.batch && !started_) {
      started_ = true;
      plan_initial(count - std::min(count - 1, measured));
      if (!plan_.empty()) return;
    }
    if (!stagnated() && owed_ > 0) return plan_of_agents();
    if (stagnated() && !searches_exactly()) return;
    const std::vector<ScoredConfiguration>& best = best_open(2 * count);
    if (best.empty() && listed_) return;  // nothing is left that could be better
    // When so few could still win, all of them are measured, and no agent needs to learn which. Nor when the agents
    // found nothing for long.
    const bool alone = searches_exactly() && (best.size() <= count || stagnated());
    const auto exact = alone ? std::min(count, best.size())
                             : static_cast<size_t>(std::lround(options_.exact_share * static_cast<double>(count)));
    for (const uint64_t index : spread_out(space_, best, exact, options_.exact_diversity))
      plan_.emplace_back(index, ChoiceReason::kExact);
    owed_ = alone ? 0 : count - std::min(count, plan_.size());
    if (plan_.empty()) plan_of_agents();
  }

  // The rest of a plan: what the agents choose.
  void plan_of_agents() {
    const size_t measured = history_.results().size();
    const std::vector<ScoredConfiguration>& best = best_open(1);
    if (!best.empty() || !listed_) {
      if (trained_at_ != measured) train(best);
      trained_at_ = measured;
      sample(owed_);
    }
    owed_ = 0;
  }

  bool searches_exactly() const { return listed_ && options_.exact_share > 0; }

  // The best predicted, at least `count` of them if there are so many, by a surrogate that knows all results.
  const std::vector<ScoredConfiguration>& best_open(size_t count) {
    const size_t measured = history_.results().size();
    const bool news = ranked_at_ != measured;
    if (news) fit(seeds_.fork(100 + measured).next());
    std::erase_if(best_, [this](const ScoredConfiguration& scored) { return !open(scored.index); });
    if (news || best_.size() < count) best_ = best_predicted(std::max(kShortlist, count));
    ranked_at_ = measured;
    return best_;
  }

  void fit(uint64_t seed) {
    const Stopwatch stopwatch(fit_seconds_);
    surrogate_.fit(history_, seed);
  }

  void plan_initial(size_t count) {
    const InitialDesign design{.by_bound = options_.initial_by_bound, .random = options_.random_start};
    const auto draw = [this] { return draw_open(random_); };
    for (const uint64_t index :
         initial_configurations(space_, listed_ ? &*listed_ : nullptr, design, count, draw, random_)) {
      plan_.emplace_back(index, ChoiceReason::kInitial);
    }
  }

  // Open configurations with the highest optimistic fitness, best first: of all that are listed, else of what a climb
  // from the agents' last walks, the best measured and a random sample meets.
  std::vector<ScoredConfiguration> best_predicted(size_t count) {
    const auto optimism = static_cast<float>(options_.exact_optimism);
    const auto score = [&](std::span<const uint64_t> indices) {
      Fitness fitness = surrogate_.predict(indices, false);
      for (size_t i = 0; i < indices.size(); ++i) fitness.mean[i] += optimism * fitness.spread[i];
      return std::move(fitness.mean);
    };
    const ArgmaxProblem problem{space_, score, [this](uint64_t index) { return open(index); }};
    if (listed_) {
      return argmax_of_listed(problem, *listed_, count, [this](double estimate) {
        if (!options_.surrogate.estimate_as_prior) return std::numeric_limits<float>::infinity();
        return surrogate_.fitness_of(estimate) + surrogate_.highest_correction() + kCorrectionSlack;
      });
    }
    std::vector<uint64_t> starts = best_measured(kMeasuredStarts);
    starts.insert(starts.end(), environment_.met().begin(), environment_.met().end());
    for (size_t i = 0; i < kClimbSample; ++i) starts.push_back(draw_legal(random_));
    const auto legal = [this](uint64_t index) { return space_.legal(space_.decode(index)); };
    return argmax_by_climbing(problem, starts, legal, count, {.beam = kClimbBeam, .rounds = kClimbRounds});
  }

  std::vector<uint64_t> best_measured(size_t count) const {
    std::vector<const Measurement*> ranked;
    for (const Measurement& m : history_.results()) {
      if (m.status == MeasureStatus::kOk && space_.legal(space_.decode(m.index))) ranked.push_back(&m);
    }
    std::ranges::stable_sort(ranked, {}, [](const Measurement* m) { return m->cost; });
    std::vector<uint64_t> indices;
    for (size_t i = 0; i < std::min(count, ranked.size()); ++i) indices.push_back(ranked[i]->index);
    return indices;
  }

  uint64_t draw_legal(Random& random) const {
    if (listed_) return listed_->by_bound()[random.below(listed_->by_bound().size())].index;
    constexpr int kTries = 10'000;
    for (int i = 0; i < kTries; ++i) {
      const uint64_t index = random.below(history_.space_size());
      if (space_.legal(space_.decode(index))) return index;
    }
    return space_.encode(space_.default_choice());
  }

  void train(const std::vector<ScoredConfiguration>& best) {
    StartStates starts{.measured = best_measured(kMeasuredStarts), .predicted = {}, .draw = {}};
    for (size_t i = 0; i < std::min(kPredictedStarts, best.size()); ++i) starts.predicted.push_back(best[i].index);
    starts.draw = [this](Random& random) { return draw_legal(random); };
    if (!space_.legal(space_.decode(starts.draw(random_)))) return;  // nowhere to walk
    if (!pretrained_) {
      pretrained_ = true;
      environment_.set_model([this](std::span<const uint64_t> indices) { return surrogate_.predict_prior(indices); },
                             best_fitness(), starts);
      for (int i = 0; i < options_.first_updates && !interrupted(); ++i) agents_.update(environment_);
    }
    environment_.set_model([this](std::span<const uint64_t> indices) { return surrogate_.predict(indices); },
                           best_fitness(), std::move(starts));
    environment_.clear_met();
    for (int i = 0; i < options_.plan_updates && !interrupted(); ++i) agents_.update(environment_);
    trained_ = true;
  }

  void sample(size_t count) {
    std::unordered_set<uint64_t> planned;
    for (const auto& [index, reason] : plan_) planned.insert(index);
    std::vector<uint64_t> indices;
    if (trained_) {
      for (const uint64_t index : environment_.met()) {
        if (!planned.contains(index) && open(index)) indices.push_back(index);
      }
    }
    const std::vector<ConfidenceCandidate> pool = candidates(indices);
    if (!options_.use_confidence_sampling) {
      for (size_t i = 0; i < std::min(count, pool.size()); ++i) plan_.emplace_back(pool[i].index, ChoiceReason::kTop);
      return fill(count - std::min(count, pool.size()));
    }
    const ConfidenceSurroundings surroundings{space_,
                                              [&](uint64_t index) { return !planned.contains(index) && open(index); },
                                              [&](Random& random) { return draw_unplanned(planned, random); }};
    for (const ConfidentChoice& choice :
         confidence_sampling(surroundings, pool, count, temperature(), options_.sampling, random_)) {
      plan_.emplace_back(choice.index, choice.reason);
    }
  }

  // Best by the surrogate first, at most as many as confidence sampling looks at.
  std::vector<ConfidenceCandidate> candidates(const std::vector<uint64_t>& indices) {
    if (indices.empty()) return {};
    const Fitness fitness = environment_.fitness(indices);
    std::vector<ConfidenceCandidate> pool;
    for (size_t i = 0; i < indices.size(); ++i) {
      pool.push_back({.index = indices[i], .critic = 0, .mean = fitness.mean[i], .spread = fitness.spread[i]});
    }
    std::ranges::stable_sort(pool, std::greater<>(), &ConfidenceCandidate::mean);
    pool.resize(std::min(pool.size(), options_.sampling.pool));
    std::vector<uint64_t> kept;
    for (const ConfidenceCandidate& candidate : pool) kept.push_back(candidate.index);
    std::vector<Matrix> observations;
    Matrix states;
    environment_.describe(kept, observations, states);
    const std::vector<float> values = agents_.values(observations, states);
    for (size_t i = 0; i < pool.size(); ++i) pool[i].critic = values[i];
    return pool;
  }

  std::optional<uint64_t> draw_unplanned(const std::unordered_set<uint64_t>& planned, Random& random) const {
    constexpr int kTries = 64;
    for (int i = 0; i < kTries; ++i) {
      const auto index = draw_open(random);
      if (!index || !planned.contains(*index)) return index;
    }
    return std::nullopt;
  }

  void fill(size_t count) {
    std::unordered_set<uint64_t> planned;
    for (const auto& [index, reason] : plan_) planned.insert(index);
    for (size_t i = 0; i < count; ++i) {
      const auto index = draw_unplanned(planned, random_);
      if (!index) return;
      planned.insert(*index);
      plan_.emplace_back(*index, ChoiceReason::kRandom);
    }
  }

  double temperature() const {
    const double progress =
        std::min(1.0, static_cast<double>(history_.results().size()) / static_cast<double>(options_.expected_trials));
    return options_.first_temperature + (options_.last_temperature - options_.first_temperature) * progress;
  }

  const SearchSpace& space_;
  ArcoOptions options_;
  Random seeds_;
  Random random_;
  History history_;
  ResidualModel surrogate_;
  KnobEnvironment environment_;
  Mappo agents_;
  mutable std::optional<LegalPoints> listed_;  // remembers how far a proof has come
  std::deque<std::pair<uint64_t, ChoiceReason>> plan_;
  std::unordered_map<uint64_t, ChoiceReason> reasons_;
  std::vector<ScoredConfiguration> best_;  // predicted, best first
  std::optional<size_t> ranked_at_;        // measurements that best_ knows
  std::optional<size_t> trained_at_;       // measurements that the agents know
  size_t owed_ = 0;                        // of the present plan, for the agents to choose
  double fit_seconds_ = 0;
  bool started_ = false;
  bool pretrained_ = false;
  bool trained_ = false;
  double gained_cost_ = std::numeric_limits<double>::infinity();  // best at the last gain worth the name
  size_t gained_at_ = 0;                                          // measurements then
};

ArcoTuner::ArcoTuner(const SearchSpace& space, const ArcoOptions& options, uint64_t seed)
    : search_(std::make_unique<Search>(space, options, seed)) {}
ArcoTuner::~ArcoTuner() = default;

std::vector<uint64_t> ArcoTuner::ask(size_t count) {
  return search_->ask(count);
}
void ArcoTuner::tell(const std::vector<Measurement>& results) {
  search_->tell(results);
}
bool ArcoTuner::proved_optimal() const {
  return search_->proved_optimal();
}
double ArcoTuner::proven_bound() const {
  return search_->proven_bound();
}
double ArcoTuner::fit_seconds() const {
  return search_->fit_seconds();
}
void ArcoTuner::learn_from(std::shared_ptr<const ResidualTransfer> transfer) {
  search_->learn_from(std::move(transfer));
}
double ArcoTuner::promise() {
  return search_->promise();
}
std::optional<ChoiceReason> ArcoTuner::reason(uint64_t index) const {
  return search_->reason(index);
}
std::string ArcoTuner::world() const {
  return search_->world();
}
std::vector<uint8_t> ArcoTuner::save_agents() const {
  return search_->save_agents();
}
void ArcoTuner::load_agents(std::span<const uint8_t> bytes, const std::string& source) {
  search_->load_agents(bytes, source);
}

std::unique_ptr<ArcoTuner> make_arco(const SearchSpace& space, const ArcoOptions& options, uint64_t seed) {
  return std::make_unique<ArcoTuner>(space, options, seed);
}

}  // namespace arco
