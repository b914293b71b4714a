// Reads design.json member by member. Whatever is wrong is noted with its place and a default taken, so that one run
// finds every problem of the file.
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/base/json_document.h"
#include "arco/hardware/hardware_json.h"
#include "arco/search/design.h"
#include "arco/search/design_format.h"

namespace arco {

using nlohmann::json;

namespace {

// Every name that a design may hold somewhere; any other may be one of these, misspelt.
const std::set<std::string> kVocabulary{
    "format",   "objective",     "samples", "energy_pj", "hardware",  "tasks",        "host_tasks", "cycles",
    "area_mm2", "network_bound", "tuner",   "seed",      "complete",  "measurements", "reference",  "workload",
    "weight",   "schedule",      "bound",   "why",       "proved",    "tile_b",       "tile_h",     "tile_w",
    "tile_ci",  "tile_co",       "order",   "h_threads", "oc_threads"};

// Reads members of one object, collecting every problem. `where` is its place, "" for the document itself.
class Reader {
 public:
  Reader(const json& object, const std::string& where, ErrorList& errors)
      : object_(object), prefix_(where.empty() ? "" : where + "."), errors_(errors) {
    if (!object.is_object()) errors_.add("{} is {}; expected an object", where, shown(object));
  }

  // The member, or nullptr; a name close to the one that is missing is pointed out.
  const json* find(const char* key) const {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(key);
    if (found != object_.end()) return &*found;
    std::vector<std::string> names;
    for (const auto& [name, value] : object_.items()) {
      if (name.size() <= kMaxTypedKey && !kVocabulary.contains(name)) names.push_back(name);
    }
    const std::string nearest = nearest_word(key, names);
    errors_.add("{}{} is missing{}", prefix_, key,
                nearest.empty() ? "" : fmt::format("; {} stands there, is it misspelt?", shown(nearest)));
    return nullptr;
  }
  double number(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return 0;
    if (value->is_number() && std::isfinite(value->get<double>()) && value->get<double>() >= 0) {
      return value->get<double>();
    }
    wrong(key, *value, "a number of at least 0");
    return 0;
  }
  uint64_t count(const char* key, uint64_t low, uint64_t high) const {
    const json* value = find(key);
    if (value == nullptr) return low;
    const uint64_t number = value->is_number_unsigned() ? value->get<uint64_t>() : 0;
    if (value->is_number_unsigned() && number >= low && number <= high) return number;
    wrong(key, *value, fmt::format("a whole number from {} to {}", low, high));
    return low;
  }
  std::string text(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return "";
    if (value->is_string()) return value->get<std::string>();
    wrong(key, *value, "a text");
    return "";
  }
  bool flag(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return false;
    if (value->is_boolean()) return value->get<bool>();
    wrong(key, *value, "true or false");
    return false;
  }
  // The members of a list; none if it is none.
  std::vector<const json*> list(const char* key) const {
    const json* value = find(key);
    std::vector<const json*> members;
    if (value != nullptr && !value->is_array()) wrong(key, *value, "a list");
    if (value == nullptr || !value->is_array()) return members;
    for (const json& member : *value) members.push_back(&member);
    return members;
  }
  HardwareConfig hardware(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_object()) {
      wrong(key, *value, "an object with the keys of vta_config.json");
      return {};
    }
    ErrorList problems("");
    const HardwareConfig hardware = hardware_from_json(*value, problems);
    for (const std::string& problem : problems.problems()) errors_.add("{}{}: {}", prefix_, key, problem);
    return hardware;
  }
  void wrong(const char* key, const json& value, const std::string& expected) const {
    errors_.add("{}{} is {}; expected {}", prefix_, key, shown(value), expected);
  }

 private:
  static constexpr size_t kMaxTypedKey = 100;  // a longer name resembles nothing

  const json& object_;
  std::string prefix_;
  ErrorList& errors_;
};

Schedule read_schedule(const json& object, const std::string& where, ErrorList& errors) {
  constexpr uint64_t kMostTile = uint64_t{1} << 40;
  const Reader in(object, where, errors);
  const auto tile = [&](const char* key) { return static_cast<int64_t>(in.count(key, 1, kMostTile)); };
  Schedule s;
  s.tile_b = tile("tile_b");
  s.tile_h = tile("tile_h");
  s.tile_w = tile("tile_w");
  s.tile_ci = tile("tile_ci");
  s.tile_co = tile("tile_co");
  s.h_threads = static_cast<int>(in.count("h_threads", 1, 2));
  s.oc_threads = static_cast<int>(in.count("oc_threads", 1, 2));
  const std::string order = in.text("order");
  if (order == "channel-outer") s.order = LoopOrder::kChannelOuter;
  if (!order.empty() && order != "channel-outer" && order != "spatial-outer") {
    in.wrong("order", order, "\"spatial-outer\" or \"channel-outer\"");
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

void read_tasks(const Reader& in, Design& d, ErrorList& errors) {
  std::set<std::string> seen;
  for (const json* member : in.list("tasks")) {
    const std::string where = fmt::format("tasks[{}]", d.tasks.size());
    d.tasks.push_back(read_task(*member, where, errors));
    const std::string& workload = d.tasks.back().workload;
    if (!workload.empty() && !seen.insert(workload).second) {
      errors.add("{}.workload: {} has a schedule already; keep one of them", where, shown(workload));
    }
  }
}

// May be left out where no layer is left to the host.
void read_host_tasks(const json& root, const Reader& in, Design& d, ErrorList& errors) {
  if (!root.contains("host_tasks")) return;
  for (const json* member : in.list("host_tasks")) {
    const Reader task(*member, fmt::format("host_tasks[{}]", d.host_tasks.size()), errors);
    d.host_tasks.push_back({task.text("workload"), task.number("weight"), task.text("why")});
  }
}

void check_kind(const json& root, const std::string& source) {
  if (root.contains("LOG_BATCH") && !root.contains("hardware")) {
    fail_user("{}: is a hardware file, not a design of `arco tune`; give it with --hardware", source);
  }
  if (!root.contains("format") || root.at("format") == kDesignFormat) return;
  fail_user("{}: format {} is not supported, expected {}; tune again", source, shown(root.at("format")), kDesignFormat);
}

}  // namespace

Design parse_design(const std::string& text, const std::string& source) {
  ErrorList errors(source);
  const json root = parse_json_object(text, errors);
  if (!root.is_object()) errors.throw_if_any();
  check_kind(root, source);
  const Reader in(root, "", errors);
  Design d;
  in.find("format");
  d.hardware = in.hardware("hardware");
  d.objective = in.text("objective");
  d.samples = in.number("samples");
  d.cycles = in.number("cycles");
  d.energy_pj = in.number("energy_pj");
  d.area_mm2 = in.number("area_mm2");
  d.network_bound = in.number("network_bound");
  d.tuner = in.text("tuner");
  d.seed = in.count("seed", 0, std::numeric_limits<uint64_t>::max());
  d.measurements = in.count("measurements", 0, std::numeric_limits<uint64_t>::max());
  d.complete = in.flag("complete");
  read_tasks(in, d, errors);
  read_host_tasks(root, in, d, errors);
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
