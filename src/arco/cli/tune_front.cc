#include "arco/cli/tune_front.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/cli/table.h"
#include "arco/cli/tune_progress.h"
#include "arco/cli/tune_report.h"

namespace arco {
namespace {

constexpr auto kRight = TextTable::Align::kRight;

// The designs of an earlier run with more points would be taken for points of this front.
void remove_old_designs(const std::filesystem::path& folder) {
  for (size_t i = 1; std::filesystem::remove(folder / fmt::format("design-{}.json", i)); ++i) {
  }
}

nlohmann::json front_json(const DesignFront& front, const std::vector<std::string>& files) {
  nlohmann::json document = {{"chips", front.chips}, {"promising", front.promising}, {"complete", front.complete}};
  document["objectives"] = document["points"] = nlohmann::json::array();
  for (const Objective objective : front.objectives) {
    document["objectives"].push_back({{"name", to_string(objective)}, {"unit", unit_of(objective)}});
  }
  for (size_t i = 0; i < front.points.size(); ++i) {
    const FrontPoint& point = front.points[i];
    nlohmann::json values = nlohmann::json::object();
    for (size_t k = 0; k < front.objectives.size(); ++k) {
      const Objective objective = front.objectives[k];
      values[to_string(objective)] = {{"value", value_of(objective, point.design.metrics(), point.design.samples)},
                                      {"cost", point.costs[k]},
                                      {"bound", point.bounds[k]}};
    }
    document["points"].push_back({{"design", files[i]},
                                  {"hardware", point.design.hardware.to_string()},
                                  {"cycles", point.design.cycles},
                                  {"energy_pj", point.design.energy_pj},
                                  {"area_mm2", point.design.area_mm2},
                                  {"objectives", values}});
  }
  return document;
}

}  // namespace

std::vector<Objective> parse_front_objectives(const std::vector<std::string>& names) {
  ErrorList errors("arco tune");
  std::vector<Objective> wanted;
  for (const std::string& name : names) {
    try {
      const Objective objective = parse_objective(name, "--pareto");
      if (std::ranges::find(wanted, objective) != wanted.end()) errors.add("--pareto: {} is there twice", name);
      wanted.push_back(objective);
    } catch (const UserError& error) {
      errors.add("{}", error.what());
    }
  }
  const auto has = [&](Objective objective) { return std::ranges::find(wanted, objective) != wanted.end(); };
  if (has(Objective::kLatency) && has(Objective::kThroughput)) {
    errors.add("--pareto: latency and throughput order designs alike; leave one out");
  }
  if (names.size() < 2 || names.size() > 3) {
    errors.add("--pareto: two or three objectives make a front, not {}", names.size());
  }
  errors.throw_if_any();
  return wanted;
}

std::string front_text(const DesignFront& front, const std::vector<std::string>& files) {
  std::vector<TextTable::Column> columns{{"design"}};
  for (const Objective objective : front.objectives) {
    columns.push_back({fmt::format("{} {}", to_string(objective), unit_of(objective)), kRight});
    columns.push_back({"gap", kRight});
  }
  columns.push_back({"chip"});
  TextTable table(columns);
  for (size_t i = 0; i < front.points.size(); ++i) {
    const FrontPoint& point = front.points[i];
    std::vector<std::string> row{files[i]};
    for (size_t k = 0; k < front.objectives.size(); ++k) {
      row.push_back(fmt::format("{:.6g}", value_of(front.objectives[k], point.design.metrics(), point.design.samples)));
      row.push_back(fmt::format("{:.1f} %", 100 * (point.costs[k] / point.bounds[k] - 1)));
    }
    row.push_back(point.design.hardware.to_string());
    table.add(std::move(row));
  }
  return fmt::format(
      "{}\n{} chips within the budget run every layer; {} of them promise something, and {} designs are on the front.\n"
      "gap: no design of the space that is as good in the other columns is better by more (rung: bound).\n",
      table.to_string(), grouped(front.chips), grouped(front.promising), front.points.size());
}

void tune_front(const std::vector<WeightedTask>& tasks, const std::vector<Objective>& objectives, size_t most_points,
                const CoOptimiserOptions& options, const std::filesystem::path& folder, Console& console) {
  RecordStore records(folder / "records.db");
  DesignFront front;
  {
    ProgressLine line(console);
    front =
        search_front(tasks, objectives, most_points, options, records, [&](const TuneProgress& p) { line.show(p); });
  }
  if (front.points.empty()) throw RunError("no design keeps the energy of the budget; allow more, or more --points");
  remove_old_designs(folder);
  std::vector<std::string> files;
  for (size_t i = 0; i < front.points.size(); ++i) {
    files.push_back((folder / fmt::format("design-{}.json", i + 1)).string());
    write_design(front.points[i].design, files.back());
  }
  nlohmann::json document = front_json(front, files);
  const std::string path = (folder / "front.json").string();
  write_file(path, document.dump(2) + "\n");
  warn_host_tasks(front.points.front().design.host_tasks, console);
  console.print("{}", front_text(front, files));
  if (!front.complete) console.warn("interrupted: {} holds the designs so far; go on with --resume", path);
  console.print("wrote     {}\n", path);
  document["output"] = path;
  console.print_json(document);
}

}  // namespace arco
