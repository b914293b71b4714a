#include "arco/search/schedule_tuning.h"

#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/search/simulator_measurer.h"

namespace arco {

// A layer's schedules on one chip are few: the surrogate's exact argmax finds most, long training would only take time.
TunerChoice tuner_for(const SpaceOptions& space, TunerChoice choice) {
  if (choice.name != "arco" || space.kind != SpaceKind::kSoftware) return choice;
  if (!choice.options.is_object()) choice.options = nlohmann::json::object();
  if (!choice.options.contains("first_updates")) choice.options["first_updates"] = 4;
  if (!choice.options.contains("plan_updates")) choice.options["plan_updates"] = 2;
  return choice;
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
  const TunerChoice tuner_choice = tuner_for(space, options.tuner);
  const size_t batch = batch_of(tuner_choice, options.batch);
  std::vector<TunedTask> tuned(tasks.size());
  for (size_t t = 0; t < tasks.size(); ++t) {
    tuned[t].space = t == 0 ? std::make_unique<ConfigurationSpace>(tasks[t].workload, space)
                            : std::make_unique<ConfigurationSpace>(tasks[t].workload, *tuned[0].space);
    tuned[t].result.best.status = MeasureStatus::kIllegal;
    tuned[t].result.best.why = "not measured";
  }
  std::mutex counting;
  size_t done = 0;
  parallel_for(tasks.size(), options.jobs, [&](size_t t) {
    if (interrupted()) return;
    const ConfigurationSpace& own = *tuned[t].space;
    const auto tuner = make_planned_tuner(tuner_choice, own, options.trials, options.seed + t);
    const Measurer measure = make_simulator_measurer(own, options.timing);
    const std::string key = own.key();
    tuned[t].result = records.run(own, key, *tuner, measure, options.trials, batch);
    const std::lock_guard lock(counting);
    if (finished) finished(++done);
  });
  return tuned;
}

}  // namespace arco
