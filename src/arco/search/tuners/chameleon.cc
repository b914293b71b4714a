//     first plan_size measurements at random
//     repeat: fit trees to all results (failures count as throughput 0)
//             a PPO agent explores their predictions: the plan_size best configurations that were not measured
//             adaptive sampling keeps 8 ... 64 of them; these are measured before the next fit
#include "arco/search/tuners/chameleon.h"

#include <limits>

#include "arco/search/feature_cache.h"
#include "arco/search/history.h"
#include "arco/search/stopwatch.h"

namespace arco {
namespace {

class ChameleonTuner : public Tuner {
 public:
  ChameleonTuner(const SearchSpace& space, const ChameleonOptions& options, uint64_t seed)
      : space_(space),
        options_(options),
        seeds_(seed),
        random_(seeds_.fork(0)),
        history_(space),
        features_(space),
        explorer_(space, options.explorer, seeds_.fork(1).next()) {
    options_.trees.recall_size = options.plan_size;
  }

  std::vector<uint64_t> ask(size_t count) override {
    std::vector<uint64_t> asked;
    if (count > 0 && next_ >= plan_.size() && !ended()) make_plan();
    for (; next_ < plan_.size() && asked.size() < count; ++next_) {
      if (history_.visited(plan_[next_])) continue;
      history_.mark_asked(plan_[next_]);
      asked.push_back(plan_[next_]);
    }
    return asked;
  }

  double fit_seconds() const override { return fit_seconds_; }

  void tell(const std::vector<Measurement>& results) override {
    for (const Measurement& m : results) history_.tell(m);
  }

 private:
  bool open(uint64_t index) const {
    return !history_.visited(index) && (!options_.legal_only || space_.legal(space_.decode(index)));
  }

  bool ended() {
    if (options_.iterations > 0 && plans_ >= options_.iterations) return true;
    const double best = history_.best() ? history_.best()->cost : std::numeric_limits<double>::infinity();
    if (best < (1 - options_.least_gain) * gained_cost_) {
      gained_cost_ = best;
      gained_at_ = plans_;
    }
    return options_.patience > 0 && history_.best() && plans_ >= gained_at_ + options_.patience;
  }

  void make_plan() {
    plan_.clear();
    next_ = 0;
    ++plans_;
    if (history_.results().size() >= options_.plan_size && history_.ok_count() > 0) {
      TreeModel model(options_.trees, seeds_.fork(2 + plans_).next());
      fit(model);
      ScoreCache cache(model, features_);
      const auto candidates =
          explorer_.maximise([&](std::span<const uint64_t> indices) { return cache.scores(indices); },
                             options_.plan_size, [&](uint64_t index) { return !open(index); });
      plan_ = adaptive_sampling(
          space_, candidates, [&](uint64_t index) { return open(index); }, options_.sampling, random_);
    }
    if (plan_.empty()) draw_plan();
  }

  // At first, and when the agent met nothing new.
  void draw_plan() {
    History drawn = history_;
    while (plan_.size() < options_.plan_size) {
      const auto index = drawn.draw_unvisited(random_, options_.legal_only);
      if (!index) return;
      drawn.mark_asked(*index);
      plan_.push_back(*index);
    }
  }

  void fit(TreeModel& model) {
    std::vector<uint64_t> indices;
    std::vector<float> targets;
    for (const Measurement& m : history_.results()) {
      indices.push_back(m.index);
      const bool ok = m.status == MeasureStatus::kOk;
      targets.push_back(ok ? static_cast<float>(history_.best()->cost / m.cost) : 0.0F);
    }
    const Stopwatch stopwatch(fit_seconds_);
    model.fit(features_.rows(indices), targets);
  }

  const SearchSpace& space_;
  ChameleonOptions options_;
  Random seeds_;
  Random random_;
  History history_;
  FeatureCache features_;
  double fit_seconds_ = 0;
  PpoExplorer explorer_;
  std::vector<uint64_t> plan_;
  size_t next_ = 0;
  size_t plans_ = 0;
  double gained_cost_ = std::numeric_limits<double>::infinity();  // best at the last gain worth the name
  size_t gained_at_ = 0;                                          // plans then
};

}  // namespace

std::unique_ptr<Tuner> make_chameleon(const SearchSpace& space, const ChameleonOptions& options, uint64_t seed) {
  return std::make_unique<ChameleonTuner>(space, options, seed);
}

}  // namespace arco
