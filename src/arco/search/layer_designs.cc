#include "arco/search/layer_designs.h"

#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/search/schedule_tuning.h"
#include "arco/search/tuners/registry.h"

namespace arco {

LayerDesigns optimise_layers(const std::vector<WeightedTask>& tasks, const CoOptimiserOptions& options,
                             RecordStore& records, const ReportProgress& progress) {
  if (tasks.empty()) fail_user("the network has no layer that the accelerator could run; nothing to tune");
  RecordedSearch search(records, {"", options.tuner.name, options.seed,
                                  resolve_options(options.tuner.name, options.tuner.options), options.command, 0});
  const TaskTuningOptions tuning{options.tuner,  options.trials, 64, options.seed, options.jobs,
                                 options.timing, options.learned};
  const auto report = [&](const char* phase) {
    return [&, phase](size_t done) {
      if (progress) progress({phase, done, tasks.size(), 0, "", 0, 0, search.stored(), search.effort()});
    };
  };
  LayerDesigns designs;
  designs.tuner = options.tuner.name;
  designs.seed = options.seed;
  designs.objective = to_string(options.space.objective);
  std::vector<WeightedTask> run;
  const std::vector<TunedTask> tuned = tune_tasks(tasks, options.space, tuning, search, report("layers"));
  for (size_t t = 0; t < tasks.size(); ++t) {
    const TuneResult& result = tuned[t].result;
    const std::string workload = tasks[t].workload.to_string();
    if (result.best.status != MeasureStatus::kOk) {
      designs.host_tasks.push_back({workload, tasks[t].weight, result.best.why});
      continue;
    }
    const Configuration best = tuned[t].space->configuration(tuned[t].space->decode(result.best.index));
    designs.layers.push_back({workload, tasks[t].weight, best.hardware, best.schedule, result.best.cycles,
                              result.best.energy_pj, result.best.area_mm2, result.best.cost, result.proven_bound,
                              result.history.size()});
    designs.cycles += tasks[t].weight * result.best.cycles;
    designs.energy_pj += tasks[t].weight * result.best.energy_pj;
    run.push_back(tasks[t]);
  }
  if (designs.layers.empty() && interrupted()) throw RunError("interrupted before the first layer; nothing to write");
  if (options.reference && !interrupted()) {
    designs.reference = tune_default_vta(run, options, search, report("default VTA"));
  }
  designs.complete = !interrupted();
  return designs;
}

nlohmann::json to_json(const LayerDesigns& designs) {
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerDesign& layer : designs.layers) {
    layers.push_back({{"workload", layer.workload},
                      {"weight", layer.weight},
                      {"hardware", nlohmann::json::parse(to_json(layer.hardware))},
                      {"schedule", to_json(layer.schedule)},
                      {"cycles", layer.cycles},
                      {"energy_pj", layer.energy_pj},
                      {"area_mm2", layer.area_mm2},
                      {"cost", layer.cost},
                      {"proven_bound", layer.proven_bound},
                      {"measurements", layer.measurements}});
  }
  return {{"mode", "per-layer"},
          {"layers", layers},
          {"host_tasks", to_json(designs.host_tasks)},
          {"objective", designs.objective},
          {"cycles", designs.cycles},
          {"energy_pj", designs.energy_pj},
          {"reference", to_json(designs.reference)},
          {"tuner", designs.tuner},
          {"seed", designs.seed},
          {"complete", designs.complete}};
}

}  // namespace arco
