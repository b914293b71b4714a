#include "arco/search/schedule_tuning.h"

#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/search/layer_rounds.h"
#include "arco/search/simulator_measurer.h"
#include "arco/search/tuners/registry.h"

namespace arco {

// AutoTVM's transfer learning: each task, the last one first, begins with what those before it measured.
bool learns_in_turn(const TunerChoice& choice) {
  return resolve_options(choice.name, choice.options).value("transfer", false);
}

std::vector<TransferSource> results_behind(const std::vector<TunedTask>& tuned, size_t task) {
  std::vector<TransferSource> sources;
  for (size_t t = tuned.size(); t-- > task + 1;) sources.push_back({*tuned[t].space, tuned[t].result.history});
  return sources;
}

SpaceOptions schedules_on(const HardwareConfig& hardware, const SpaceOptions& like) {
  SpaceOptions options;
  options.paper_schedules = like.only_paper_schedules();
  options.objective = like.objective;
  options.kind = SpaceKind::kSoftware;
  options.hardware = hardware;
  return options;
}

std::vector<TunedTask> tune_tasks(const std::vector<WeightedTask>& tasks, const SpaceOptions& space,
                                  const TaskTuningOptions& options, RecordedSearch& records,
                                  const std::function<void(size_t)>& finished) {
  const size_t batch = batch_of(options.tuner, options.batch);
  std::vector<TunedTask> tuned(tasks.size());
  for (size_t t = 0; t < tasks.size(); ++t) {
    tuned[t].space = t == 0 ? std::make_unique<ConfigurationSpace>(tasks[t].workload, space)
                            : std::make_unique<ConfigurationSpace>(tasks[t].workload, *tuned[0].space);
    tuned[t].result.best.status = MeasureStatus::kIllegal;
    tuned[t].result.best.why = "not measured";
  }
  if (options.tuner.name == "arco") {
    TaskTuningOptions rounds = options;
    rounds.batch = batch;
    tune_in_rounds(tasks, rounds, records, tuned, finished);
    return tuned;
  }
  const bool in_turn = learns_in_turn(options.tuner);
  std::mutex counting;
  size_t done = 0;
  parallel_for(tasks.size(), in_turn ? 1 : options.jobs, [&](size_t i) {
    if (interrupted()) return;
    const size_t t = in_turn ? tasks.size() - 1 - i : i;
    const ConfigurationSpace& own = *tuned[t].space;
    const auto tuner = make_planned_tuner(options.tuner, own, options.trials, options.seed + t);
    if (in_turn) tuner->learn_from_others(results_behind(tuned, t));
    const Measurer measure = make_simulator_measurer(own, options.timing, in_turn ? options.jobs : 1);
    const std::string key = own.key();
    tuned[t].result = records.run(own, key, *tuner, measure, options.trials, batch);
    const std::lock_guard lock(counting);
    if (finished) finished(++done);
  });
  return tuned;
}

}  // namespace arco
