#include "arco/search/design.h"

#include <nlohmann/json.hpp>

#include "arco/base/file.h"
#include "arco/search/design_format.h"

namespace arco {

using nlohmann::json;

std::optional<Schedule> Design::schedule_for(const Workload& workload) const {
  const std::string key = workload.to_string();
  for (const DesignTask& task : tasks) {
    if (task.workload == key) return task.schedule;
  }
  return std::nullopt;
}

json to_json(const Schedule& s) {
  return {
      {"tile_b", s.tile_b},         {"tile_h", s.tile_h},
      {"tile_w", s.tile_w},         {"tile_ci", s.tile_ci},
      {"tile_co", s.tile_co},       {"h_threads", s.h_threads},
      {"oc_threads", s.oc_threads}, {"order", s.order == LoopOrder::kSpatialOuter ? "spatial-outer" : "channel-outer"}};
}

json to_json(const std::vector<DesignHostTask>& tasks) {
  json list = json::array();
  for (const DesignHostTask& task : tasks) {
    list.push_back({{"workload", task.workload}, {"weight", task.weight}, {"why", task.why}});
  }
  return list;
}

json to_json(const std::optional<Reference>& reference) {
  if (!reference) return nullptr;
  return {{"hardware", json::parse(to_json(reference->hardware))},
          {"cycles", reference->cycles},
          {"energy_pj", reference->energy_pj},
          {"area_mm2", reference->area_mm2},
          {"proved", reference->proved}};
}

json to_json(const Design& d) {
  json tasks = json::array();
  for (const DesignTask& task : d.tasks) {
    tasks.push_back({{"workload", task.workload},
                     {"weight", task.weight},
                     {"schedule", to_json(task.schedule)},
                     {"cycles", task.cycles},
                     {"energy_pj", task.energy_pj},
                     {"bound", task.bound}});
  }
  return {{"format", kDesignFormat},
          {"hardware", json::parse(to_json(d.hardware))},
          {"tasks", tasks},
          {"host_tasks", to_json(d.host_tasks)},
          {"objective", d.objective},
          {"samples", d.samples},
          {"cycles", d.cycles},
          {"energy_pj", d.energy_pj},
          {"area_mm2", d.area_mm2},
          {"network_bound", d.network_bound},
          {"tuner", d.tuner},
          {"seed", d.seed},
          {"measurements", d.measurements},
          {"complete", d.complete},
          {"reference", to_json(d.reference)}};
}

void write_design(const Design& design, const std::filesystem::path& path) {
  write_file(path, to_json(design).dump(2) + "\n");
}

}  // namespace arco
