// A round:
//
//     every layer:        weight * expected improvement of its next measurements     (infinite before it has any)
//     the few with most:  ask, measure, tell, each on its own thread      (those that start learn from the others)
//     then:               the common model of how far the closed form is off; the agents of the most promising layer
//
// Rounds are as large on one thread as on many, so the result does not depend on their number.
#include "arco/search/layer_rounds.h"

#include <algorithm>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/search/simulator_measurer.h"
#include "arco/search/tuners/arco.h"

namespace arco {
namespace {

constexpr size_t kLayersInARound = 4;
constexpr double kLeastPromise = 1e-5;  // of the network's cost: less is not worth a simulation

class LayerRounds {
 public:
  LayerRounds(const std::vector<WeightedTask>& tasks, const TaskTuningOptions& options, RecordedSearch& records,
              std::vector<TunedTask>& tuned)
      : tasks_(tasks), options_(options), records_(records), tuned_(tuned), layers_(tasks.size()) {}

  void run(const std::function<void(size_t)>& started) {
    parallel_for(tasks_.size(), options_.jobs, [&](size_t t) { prepare(t); });
    size_t spent = 0;
    const size_t budget = options_.trials * tasks_.size();
    while (!interrupted() && spent < budget) {
      const std::vector<size_t> chosen = choose();
      if (chosen.empty()) break;
      const auto transfer = learn_from_all();
      parallel_for(chosen.size(), options_.jobs, [&](size_t i) { step(chosen[i], transfer); });
      spent = 0;
      for (const Layer& layer : layers_) spent += layer.measured;
      carried_ = layers_[chosen.front()].tuner->save_agents();
      if (options_.learned) options_.learned->put(layers_[chosen.front()].tuner->world(), carried_);
      if (started) started(static_cast<size_t>(std::ranges::count_if(layers_, &Layer::started)));
    }
    for (size_t t = 0; t < tasks_.size(); ++t) conclude(t);
  }

 private:
  struct Layer {
    std::string key;
    Measurer measure;
    std::unique_ptr<ArcoTuner> tuner;
    size_t measured = 0;
    double promise = 0;   // cost of one layer
    double expected = 0;  // cost, by the closed form: the order in which layers start
    bool started = false;
    bool ended = false;
  };

  void prepare(size_t t) {
    Layer& layer = layers_[t];
    const ConfigurationSpace& space = *tuned_[t].space;
    layer.key = space.key();
    layer.measure = make_simulator_measurer(space, options_.timing);
    TunerChoice choice = options_.tuner;
    if (!choice.options.is_object()) choice.options = nlohmann::json::object();
    if (!choice.options.contains("batch")) choice.options["batch"] = options_.batch;
    auto tuner = make_planned_tuner(choice, space, options_.trials, options_.seed + t);
    auto* arco = dynamic_cast<ArcoTuner*>(tuner.get());
    ARCO_CHECK(arco != nullptr, "{} does not search in rounds", options_.tuner.name);
    tuner.release();
    layer.tuner.reset(arco);
    const Choice standard = space.default_choice();
    layer.expected = space.legal(standard) ? tasks_[t].weight * space.estimate(standard) : 0;
    layer.promise = layer.tuner->promise();
  }

  static void take(TuneResult& result, const Measurement& m) {
    if (m.status != MeasureStatus::kOk) return;
    if (result.best.status != MeasureStatus::kOk || m.cost < result.best.cost) result.best = m;
  }

  // Layers for the next round, the most promising first.
  std::vector<size_t> choose() const {
    double network = 0;
    std::vector<size_t> open;
    for (size_t t = 0; t < layers_.size(); ++t) {
      network += tasks_[t].weight * tuned_[t].result.best.cost;
      if (!layers_[t].ended && layers_[t].promise > 0) open.push_back(t);
    }
    const auto worth = [&](size_t t) { return tasks_[t].weight * layers_[t].promise; };
    std::erase_if(open, [&](size_t t) { return worth(t) < kLeastPromise * network; });
    std::ranges::stable_sort(open, [&](size_t a, size_t b) {
      return worth(a) != worth(b) ? worth(a) > worth(b) : layers_[a].expected > layers_[b].expected;
    });
    open.resize(std::min(open.size(), kLayersInARound));
    return open;
  }

  std::shared_ptr<const ResidualTransfer> learn_from_all() const {
    if (std::ranges::all_of(layers_, &Layer::started)) return nullptr;  // nobody is left to teach
    std::vector<TransferSource> sources;
    for (const TunedTask& task : tuned_) sources.push_back({*task.space, task.result.history});
    return ResidualTransfer::learn(sources, options_.seed);
  }

  // One batch of one layer.
  void step(size_t t, const std::shared_ptr<const ResidualTransfer>& transfer) {
    if (interrupted()) return;
    Layer& layer = layers_[t];
    if (!layer.started) {
      layer.tuner->learn_from(transfer);
      if (!carried_.empty()) layer.tuner->load_agents(carried_, "agents of another layer");
    }
    layer.started = true;
    TuneResult part =
        records_.run(*tuned_[t].space, layer.key, *layer.tuner, layer.measure, options_.batch, options_.batch);
    layer.ended = part.history.size() < options_.batch;
    layer.measured += part.history.size();
    append(tuned_[t].result, part);
    if (!interrupted()) layer.promise = layer.tuner->promise();
  }

  static void append(TuneResult& all, const TuneResult& part) {
    for (size_t i = 0; i < part.history.size(); ++i) {
      all.history.push_back(part.history[i]);
      all.elapsed.push_back(
          {all.measure_seconds + part.elapsed[i].measure_seconds, all.search_seconds + part.elapsed[i].search_seconds});
    }
    take(all, part.best);
    all.measure_seconds += part.measure_seconds;
    all.search_seconds += part.search_seconds;
  }

  void conclude(size_t t) {
    const ArcoTuner& tuner = *layers_[t].tuner;
    TuneResult& result = tuned_[t].result;
    result.fit_seconds = tuner.fit_seconds();
    result.proved_optimal = tuner.proved_optimal();
    result.proven_bound = tuner.proven_bound();
    if (result.best.status != MeasureStatus::kOk && !interrupted()) {
      result.best.why = "no legal configuration was measured";
    }
  }

  const std::vector<WeightedTask>& tasks_;
  const TaskTuningOptions& options_;
  RecordedSearch& records_;
  std::vector<TunedTask>& tuned_;
  std::vector<Layer> layers_;
  std::vector<uint8_t> carried_;  // the agents of the most promising layer of the last round
};

}  // namespace

void tune_in_rounds(const std::vector<WeightedTask>& tasks, const TaskTuningOptions& options, RecordedSearch& records,
                    std::vector<TunedTask>& tuned, const std::function<void(size_t)>& started) {
  LayerRounds(tasks, options, records, tuned).run(started);
}

}  // namespace arco
