// arco records: what is in a record store, and how it gets in and out.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/cli/commands.h"
#include "arco/cli/network_inputs.h"
#include "arco/cli/table.h"
#include "arco/cli/validators.h"
#include "arco/search/record_exchange.h"
#include "arco/search/record_store.h"

namespace arco {

namespace {

struct Options {
  std::string store;  // folder of a tuning run, or the file itself
  std::string space;  // part of the key
  std::string tuner;
  size_t best = 0;  // records to list; 0: the summary
  std::string export_file;
  std::vector<std::string> imports;
  std::vector<std::string> merges;
};

std::filesystem::path store_path(const std::string& name) {
  const std::filesystem::path path = name;
  return std::filesystem::is_directory(path) ? path / "records.db" : path;
}

// One space, or one run, in numbers.
struct Count {
  size_t records = 0;
  size_t ok = 0;
  double best_cycles = std::numeric_limits<double>::infinity();

  void add(const Measurement& m) {
    ++records;
    if (m.status != MeasureStatus::kOk) return;
    ++ok;
    best_cycles = std::min(best_cycles, m.cycles);
  }
  nlohmann::json to_json() const {
    return {
        {"records", records}, {"ok", ok}, {"best_cycles", ok == 0 ? nlohmann::json() : nlohmann::json(best_cycles)}};
  }
};

bool selected(const Record& record, const Options& options) {
  return (options.space.empty() || record.space.key.find(options.space) != std::string::npos) &&
         (options.tuner.empty() || record.run.tuner == options.tuner);
}

std::string cycles_text(double cycles) {
  return cycles < std::numeric_limits<double>::infinity() ? grouped(static_cast<uint64_t>(cycles)) : "-";
}

// An empty table leaves open whether the store or the question is empty.
void warn_of_no_match(const RecordStore& store, const Options& options, Console& console) {
  bool any = false;
  std::set<std::string> spaces;
  store.for_each([&](const Record& record) {
    any = any || selected(record, options);
    spaces.insert(record.space.key);
  });
  if (any || spaces.empty()) return;
  constexpr size_t kShown = 10;
  const size_t shown = std::min(kShown, spaces.size());
  const std::vector<std::string> first(spaces.begin(), std::next(spaces.begin(), static_cast<std::ptrdiff_t>(shown)));
  console.warn("no record matches; the store has {} records of the spaces '{}'{}", grouped(store.size()),
               fmt::join(first, "', '"),
               spaces.size() > shown ? fmt::format(" and {} more", spaces.size() - shown) : "");
}

void print_summary(const RecordStore& store, const Options& options, Console& console) {
  std::map<std::string, Count> spaces;
  std::map<std::string, Count> runs;
  Count all;
  store.for_each([&](const Record& record) {
    if (!selected(record, options)) return;
    all.add(record.measurement);
    spaces[record.space.key].add(record.measurement);
    runs[record.run.uid].add(record.measurement);
  });
  constexpr auto kRight = TextTable::Align::kRight;
  TextTable space_table({{"space"}, {"records", kRight}, {"ok", kRight}, {"best cycles", kRight}});
  TextTable run_table({{"run"}, {"tuner"}, {"seed", kRight}, {"records", kRight}, {"ok", kRight}, {"command"}});
  nlohmann::json document = {{"records", all.records}, {"ok", all.ok}};
  document["spaces"] = document["runs"] = nlohmann::json::array();
  for (const auto& [key, count] : spaces) {
    space_table.add({key, grouped(count.records), grouped(count.ok), cycles_text(count.best_cycles)});
    document["spaces"].push_back(count.to_json());
    document["spaces"].back()["key"] = key;
  }
  for (const RunDescription& run : store.runs()) {
    const auto found = runs.find(run.uid);
    if (found == runs.end()) continue;
    const Count& count = found->second;
    run_table.add(
        {run.uid, run.tuner, fmt::format("{}", run.seed), grouped(count.records), grouped(count.ok), run.command});
    document["runs"].push_back(count.to_json());
    document["runs"].back().update({{"uid", run.uid},
                                    {"tuner", run.tuner},
                                    {"seed", run.seed},
                                    {"options", run.options},
                                    {"command", run.command},
                                    {"created", run.created}});
  }
  console.print("{}\n{}\n{} records, {} of them ok\n", space_table.to_string(), run_table.to_string(),
                grouped(all.records), grouped(all.ok));
  console.print_json(document);
}

// The fastest first; of equals the oldest.
void print_best(const RecordStore& store, const Options& options, Console& console) {
  std::vector<Record> best;
  store.for_each([&](const Record& record) {
    if (!selected(record, options) || record.measurement.status != MeasureStatus::kOk) return;
    const auto place = std::ranges::upper_bound(best, record.measurement.cycles, {},
                                                [](const Record& other) { return other.measurement.cycles; });
    if (best.size() == options.best && place == best.end()) return;
    best.insert(place, record);
    if (best.size() > options.best) best.pop_back();
  });
  constexpr auto kRight = TextTable::Align::kRight;
  TextTable table(
      {{"cycles", kRight}, {"mm^2", kRight}, {"uJ", kRight}, {"tuner"}, {"why asked"}, {"choice"}, {"space"}});
  nlohmann::json list = nlohmann::json::array();
  for (const Record& record : best) {
    const Measurement& m = record.measurement;
    table.add({cycles_text(m.cycles), fmt::format("{:.3f}", m.area_mm2), fmt::format("{:.2f}", m.energy_pj * 1e-6),
               record.run.tuner, record.tag, record.choice.dump(), record.space.key});
    list.push_back({{"space", record.space.key},
                    {"run", record.run.uid},
                    {"tuner", record.run.tuner},
                    {"seed", record.run.seed},
                    {"choice", record.choice},
                    {"tag", record.tag},
                    {"index", m.index},
                    {"cycles", m.cycles},
                    {"energy_pj", m.energy_pj},
                    {"area_mm2", m.area_mm2},
                    {"dram_bytes", m.dram_bytes}});
  }
  console.print("{}", table.to_string());
  console.print_json(list);
}

void run_records(const Options& options, Console& console) {
  check_keeps(store_path(options.store).string(), "the record store", {options.export_file});
  for (const std::string& file : options.merges) {
    check_keeps(store_path(file).string(), "a record store", {options.export_file});
  }
  for (const std::string& file : options.imports) check_keeps(file, "an imported log", {options.export_file});
  const bool takes_in = !options.imports.empty() || !options.merges.empty();
  std::vector<std::string> logs;  // read before a store is made for them
  for (const std::string& file : options.imports) logs.push_back(read_text_file(file));
  RecordStore store(store_path(options.store), takes_in ? StoreMode::kOpenOrCreate : StoreMode::kMustExist);
  for (const std::string& file : options.merges) {
    const size_t added = store.merge(store_path(file));
    console.print("merged    {}: {} new records\n", file, added);
  }
  for (size_t i = 0; i < logs.size(); ++i) {
    const size_t added = import_autotvm_log(store, logs[i], options.imports[i]);
    console.print("imported  {}: {} new records\n", options.imports[i], added);
  }
  if (!options.export_file.empty()) {
    write_file(options.export_file, export_autotvm_log(store));
    console.print("exported  {} records to {}\n", store.size(), options.export_file);
  }
  const bool shows = options.best > 0 || console.json || (!takes_in && options.export_file.empty());
  if (shows) warn_of_no_match(store, options, console);
  if (options.best > 0) {
    print_best(store, options, console);
  } else if (shows) {
    print_summary(store, options, console);
  }
}

}  // namespace

void add_records_command(CLI::App& app, Console& console) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("records", "Query, export, import and merge measurements");
  command->footer(
      "\nExample:\n  arco records design\n"
      "  arco records design --best 5 --space 'k3x3' --tuner arco\n"
      "  arco records design --export log.json\n"
      "  arco records all.db --merge design1 --merge design2 --import autotvm.log");
  command->add_option("STORE", o->store, "Folder of a tuning run, or the file records.db")->required();
  command->add_option("--space", o->space, "Only spaces whose name has this text")->type_name("TEXT");
  command->add_option("--tuner", o->tuner, "Only records of this tuner")->type_name("NAME");
  command->add_option("--best", o->best, "List so many of the fastest records")->check(number_between(1, 1'000'000));
  command->add_option("--export", o->export_file, "Write all records as JSON lines in AutoTVM's layout")
      ->type_name("FILE");
  command->add_option("--import", o->imports, "Take in such a file (repeat for several)")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  command->add_option("--merge", o->merges, "Take in another store; nothing is lost or doubled (repeat for several)")
      ->type_name("STORE")
      ->expected(1)
      ->take_all();
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([o, &console] { run_records(*o, console); });
}

}  // namespace arco
