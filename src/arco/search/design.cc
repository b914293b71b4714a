#include "arco/search/design.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/file.h"

namespace arco {

using nlohmann::json;

std::optional<Schedule> Design::schedule_for(const Workload& workload) const {
  const std::string key = workload.to_string();
  for (const DesignTask& task : tasks) {
    if (task.workload == key) return task.schedule;
  }
  return std::nullopt;
}

namespace {

constexpr int kFormat = 1;

// Reads members of one object, collecting every problem.
class Reader {
 public:
  Reader(const json& object, std::string where, ErrorList& errors)
      : object_(object), where_(std::move(where)), errors_(errors) {
    if (!object.is_object()) errors_.add("{}: expected an object, got {}", where_, object.type_name());
  }

  const json* find(const char* key) const {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(key);
    if (found != object_.end()) return &*found;
    errors_.add("{}: \"{}\" is missing", where_, key);
    return nullptr;
  }
  double number(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return 0;
    if (value->is_number() && std::isfinite(value->get<double>()) && value->get<double>() >= 0)
      return value->get<double>();
    errors_.add("{}: \"{}\" must be a number of at least 0, got {}", where_, key, value->dump());
    return 0;
  }
  int64_t count(const char* key, int64_t low, int64_t high) const {
    const json* value = find(key);
    if (value == nullptr) return low;
    const bool whole = value->is_number_unsigned() && value->get<uint64_t>() <= static_cast<uint64_t>(high);
    if (whole && value->get<int64_t>() >= low) return value->get<int64_t>();
    errors_.add("{}: \"{}\" must be a whole number from {} to {}, got {}", where_, key, low, high, value->dump());
    return low;
  }
  std::string text(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return "";
    if (value->is_string()) return value->get<std::string>();
    errors_.add("{}: \"{}\" must be a text, got {}", where_, key, value->dump());
    return "";
  }
  bool flag(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return false;
    if (value->is_boolean()) return value->get<bool>();
    errors_.add("{}: \"{}\" must be true or false, got {}", where_, key, value->dump());
    return false;
  }
  HardwareConfig hardware(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return {};
    try {
      return parse_hardware(value->dump(), where_ + "." + key);
    } catch (const UserError& error) {
      errors_.add("{}", error.what());
      return {};
    }
  }

 private:
  const json& object_;
  std::string where_;
  ErrorList& errors_;
};

constexpr int64_t kMostTile = int64_t{1} << 40;

Schedule read_schedule(const json& object, const std::string& where, ErrorList& errors) {
  const Reader in(object, where, errors);
  Schedule s;
  s.tile_b = in.count("tile_b", 1, kMostTile);
  s.tile_h = in.count("tile_h", 1, kMostTile);
  s.tile_w = in.count("tile_w", 1, kMostTile);
  s.tile_ci = in.count("tile_ci", 1, kMostTile);
  s.tile_co = in.count("tile_co", 1, kMostTile);
  s.h_threads = static_cast<int>(in.count("h_threads", 1, 2));
  s.oc_threads = static_cast<int>(in.count("oc_threads", 1, 2));
  const std::string order = in.text("order");
  if (order == "channel-outer") s.order = LoopOrder::kChannelOuter;
  if (!order.empty() && order != "channel-outer" && order != "spatial-outer") {
    errors.add("{}: \"order\" must be spatial-outer or channel-outer, got {}", where, order);
  }
  return s;
}

DesignTask read_task(const json& object, const std::string& where, ErrorList& errors) {
  const Reader in(object, where, errors);
  DesignTask task;
  task.workload = in.text("workload");
  task.weight = in.number("weight");
  task.cycles = in.number("cycles");
  task.energy_pj = in.number("energy_pj");
  task.bound = in.number("bound");
  if (const json* schedule = in.find("schedule")) task.schedule = read_schedule(*schedule, where + ".schedule", errors);
  return task;
}

// Older files have none.
void read_host_tasks(const json& root, Design& d, ErrorList& errors) {
  if (!root.is_object() || !root.contains("host_tasks")) return;
  const json& list = root.at("host_tasks");
  if (!list.is_array()) return errors.add("design: \"host_tasks\" must be a list");
  for (size_t i = 0; i < list.size(); ++i) {
    const Reader in(list[i], fmt::format("host_tasks[{}]", i), errors);
    d.host_tasks.push_back({in.text("workload"), in.number("weight"), in.text("why")});
  }
}

}  // namespace

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
  return {{"format", kFormat},
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

Design parse_design(const std::string& text, const std::string& source) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::exception& error) {
    fail_user("{}: not JSON: {}", source, error.what());
  }
  ErrorList errors(source);
  const Reader in(root, "design", errors);
  Design d;
  const int64_t format = in.count("format", 0, 1 << 20);
  if (root.is_object() && root.contains("format") && format != kFormat) {
    fail_user("{}: format {} is not supported, expected {}; tune again", source, format, kFormat);
  }
  d.hardware = in.hardware("hardware");
  d.objective = in.text("objective");
  d.samples = in.number("samples");
  d.cycles = in.number("cycles");
  d.energy_pj = in.number("energy_pj");
  d.area_mm2 = in.number("area_mm2");
  d.network_bound = in.number("network_bound");
  d.tuner = in.text("tuner");
  d.seed = static_cast<uint64_t>(in.count("seed", 0, std::numeric_limits<int64_t>::max()));
  d.measurements = static_cast<uint64_t>(in.count("measurements", 0, std::numeric_limits<int64_t>::max()));
  d.complete = in.flag("complete");
  const json* tasks = in.find("tasks");
  if (tasks != nullptr && !tasks->is_array()) errors.add("design: \"tasks\" must be a list");
  if (tasks != nullptr && tasks->is_array()) {
    for (size_t i = 0; i < tasks->size(); ++i) {
      d.tasks.push_back(read_task((*tasks)[i], fmt::format("tasks[{}]", i), errors));
    }
  }
  read_host_tasks(root, d, errors);
  const json* reference = in.find("reference");
  if (reference != nullptr && !reference->is_null()) {
    const Reader part(*reference, "reference", errors);
    d.reference = Reference{part.hardware("hardware"), part.number("cycles"), part.number("energy_pj"),
                            part.number("area_mm2"), part.flag("proved")};
  }
  errors.throw_if_any();
  return d;
}

Design read_design(const std::filesystem::path& path) {
  return parse_design(read_text_file(path), path.string());
}

}  // namespace arco
