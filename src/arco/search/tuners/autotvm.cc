// The loop of AutoTVM's model-based tuner:
//
//     first plan_size measurements at random
//     repeat: fit trees to all results (failures count as throughput 0)
//             anneal over the trees for plan_size configurations that were not measured
//             measure the plan in order; the last 5 % of its slots are random
//
// With transfer a base model of other tasks' results, in margin * 2^(-results / 64), is added to every score, and finds
// the first plan.
//
// Kept as released: predicted scores below 0 drop out of a plan, and the slots they leave are filled at random; a
// diversity pick weighs the model's score with zero.
#include "arco/search/tuners/autotvm.h"

#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "arco/search/feature_cache.h"
#include "arco/search/history.h"
#include "arco/search/stopwatch.h"

namespace arco {
namespace {

// Greedy cover: again and again the candidate with the most (knob, value) pairs that no earlier pick has.
std::vector<uint64_t> pick_diverse(const SearchSpace& space, std::vector<uint64_t> candidates, size_t count) {
  std::vector<uint64_t> picked;
  std::set<std::pair<size_t, int>> covered;
  while (picked.size() < count && !candidates.empty()) {
    size_t best = 0;
    int best_gain = -1;
    for (size_t i = 0; i < candidates.size(); ++i) {
      const Choice choice = space.decode(candidates[i]);
      int gain = 0;
      for (size_t j = 0; j < choice.size(); ++j) gain += covered.contains({j, choice[j]}) ? 0 : 1;
      if (gain > best_gain) {
        best_gain = gain;
        best = i;
      }
    }
    const Choice choice = space.decode(candidates[best]);
    for (size_t j = 0; j < choice.size(); ++j) covered.insert({j, choice[j]});
    picked.push_back(candidates[best]);
    candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(best));
  }
  return picked;
}

class AutoTvmTuner : public Tuner {
 public:
  AutoTvmTuner(const SearchSpace& space, const AutoTvmOptions& options, uint64_t seed)
      : space_(space),
        options_(options),
        seeds_(seed),
        random_(seeds_.fork(0)),
        history_(space),
        features_(space),
        annealing_(space, options.annealing, seeds_.fork(1).next()) {
    options_.trees.recall_size = options.plan_size;
  }

  std::vector<uint64_t> ask(size_t count) override {
    if (history_.results().size() >= options_.plan_size * (fits_ + 1) && history_.ok_count() > 0) make_plan();
    std::vector<uint64_t> asked;
    while (asked.size() < count && !stopped()) {
      const auto index = next();
      if (!index) break;
      history_.mark_asked(*index);
      asked.push_back(*index);
    }
    return asked;
  }

  double fit_seconds() const override { return fit_seconds_; }

  void tell(const std::vector<Measurement>& results) override {
    for (const Measurement& m : results) {
      const double before = best_cost();
      if (history_.tell(m) && best_cost() < before) best_at_ = history_.results().size();
    }
  }

  void learn_from_others(const std::vector<TransferSource>& others) override {
    if (!options_.transfer) return;
    FeatureMatrix rows(0, space_.feature_count());
    std::vector<float> targets;
    for (const TransferSource& other : others) add_rows(other, rows, targets);
    if (targets.size() < options_.transfer_least) return;
    TreeParameters parameters = options_.trees;
    parameters.rounds = kBaseRounds;
    parameters.patience = kBasePatience;
    parameters.recall_size = 2 * options_.plan_size;
    base_.emplace(parameters, seeds_.fork(2).next());
    base_->fit(rows, targets);
    const auto score = [&](std::span<const uint64_t> indices) { return base_->predict(features_.rows(indices)); };
    plan_ = annealing_.maximise(score, options_.plan_size, [&](uint64_t index) { return !allowed(index); });
  }

 private:
  static constexpr int kBaseRounds = 400;
  static constexpr int kBasePatience = 100;
  static constexpr double kLeastBaseWeight = 0.05;

  double best_cost() const { return history_.best() ? history_.best()->cost : std::numeric_limits<double>::infinity(); }
  bool stopped() const {
    return options_.early_stopping > 0 && history_.results().size() >= best_at_ + options_.early_stopping;
  }

  // Throughput relative to the best of the task.
  static void add_rows(const TransferSource& other, FeatureMatrix& rows, std::vector<float>& targets) {
    double best = std::numeric_limits<double>::infinity();
    for (const Measurement& m : other.results) {
      if (m.status == MeasureStatus::kOk) best = std::min(best, m.cost);
    }
    for (const Measurement& m : other.results) {
      other.space.features(other.space.decode(m.index), rows.add_row());
      targets.push_back(m.status == MeasureStatus::kOk ? static_cast<float>(best / m.cost) : 0.0F);
    }
  }

  // What the base model adds to the scores of rows; empty where it no longer counts.
  std::vector<float> margins(const FeatureMatrix& rows) const {
    const double weight = std::exp2(-static_cast<double>(history_.results().size()) / 64);
    if (!base_ || weight < kLeastBaseWeight) return {};
    std::vector<float> margins = base_->predict(rows);
    for (float& margin : margins) margin *= static_cast<float>(weight);
    return margins;
  }

  bool allowed(uint64_t index) const { return !options_.legal_only || space_.legal(space_.decode(index)); }

  std::optional<uint64_t> next() {
    while (planned_ < plan_.size() && history_.visited(plan_[planned_])) ++planned_;
    const auto random_slots = static_cast<size_t>(options_.epsilon * static_cast<double>(options_.plan_size));
    if (planned_ + random_slots >= plan_.size()) return history_.draw_unvisited(random_, options_.legal_only);
    return plan_[planned_];
  }

  void make_plan() {
    // A resumed run tells several plans at once and gets one fit for all of them.
    fits_ = history_.results().size() / options_.plan_size;
    TreeModel model(options_.trees, seeds_.fork(2 + fits_).next());
    fit(model);
    ScoreCache cache(model, features_, [&](const FeatureMatrix& rows) { return margins(rows); });
    const auto score = [&](std::span<const uint64_t> indices) { return cache.scores(indices); };
    const auto excluded = [&](uint64_t index) { return history_.visited(index) || !allowed(index); };
    if (options_.diversity_filter_ratio >= 1) {
      const auto wide = static_cast<size_t>(options_.diversity_filter_ratio * static_cast<double>(options_.plan_size));
      plan_ = pick_diverse(space_, annealing_.maximise(score, wide, excluded), options_.plan_size);
    } else {
      plan_ = annealing_.maximise(score, options_.plan_size, excluded);
    }
    planned_ = 0;
  }

  // Targets: throughput relative to the best one.
  void fit(TreeModel& model) {
    std::vector<uint64_t> indices;
    std::vector<float> targets;
    for (const Measurement& m : history_.results()) {
      indices.push_back(m.index);
      const bool ok = m.status == MeasureStatus::kOk;
      targets.push_back(ok ? static_cast<float>(history_.best()->cost / m.cost) : 0.0F);
    }
    const Stopwatch stopwatch(fit_seconds_);
    const FeatureMatrix rows = features_.rows(indices);
    model.fit(rows, targets, margins(rows));
  }

  const SearchSpace& space_;
  AutoTvmOptions options_;
  Random seeds_;
  Random random_;
  History history_;
  FeatureCache features_;
  double fit_seconds_ = 0;
  ModelAnnealing annealing_;
  size_t fits_ = 0;
  std::optional<TreeModel> base_;  // of other tasks
  size_t best_at_ = 0;             // measurements when the best was found
  std::vector<uint64_t> plan_;
  size_t planned_ = 0;  // how far the plan was walked
};

}  // namespace

std::unique_ptr<Tuner> make_autotvm(const SearchSpace& space, const AutoTvmOptions& options, uint64_t seed) {
  return std::make_unique<AutoTvmTuner>(space, options, seed);
}

}  // namespace arco
