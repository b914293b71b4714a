// A line is read in two steps: what AutoTVM's layout says, then what the "arco" part knows better.
#include "arco/search/record_exchange.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "arco/base/error.h"
#include "arco/base/json_document.h"
#include "arco/base/random.h"

namespace arco {
namespace {

using nlohmann::json;

constexpr double kFailedSeconds = 1e9;  // AutoTVM's cost of a failure

bool is_split(const std::string& knob) {
  return knob.starts_with("tile_");
}

// "" if that is not a description of a knob.
std::string knob_name(const json& knob) {
  const bool named = knob.is_object() && knob.contains("name") && knob.at("name").is_string();
  return named ? knob.at("name").get<std::string>() : "";
}

json entity_of(const Record& record) {
  json entity = json::array();
  const auto add = [&](const std::string& name, const json& value) {
    // A split is a pair: the outer extent follows from the inner one and is written as -1.
    if (is_split(name)) {
      entity.push_back({name, "sp", {-1, value}});
    } else {
      entity.push_back({name, "ot", value});
    }
  };
  if (!record.space.knobs.is_array()) {
    for (const auto& [name, value] : record.choice.items()) add(name, value);
    return entity;
  }
  // The order of the knobs is the order of the index.
  for (const json& knob : record.space.knobs) {
    const std::string name = knob_name(knob);
    if (record.choice.contains(name)) add(name, record.choice.at(name));
  }
  return entity;
}

json to_line(const Record& record, double clock_hz) {
  const Measurement& m = record.measurement;
  const bool ok = m.status == MeasureStatus::kOk;
  const double seconds = ok ? m.cycles / clock_hz : kFailedSeconds;
  return {{"input", {"vta", record.space.key, json::array(), json::object()}},
          {"config", {{"index", m.index}, {"code_hash", nullptr}, {"entity", entity_of(record)}}},
          {"result", {json::array({seconds}), static_cast<int>(m.status), m.wall_seconds, record.run.created}},
          {"version", 0.2},
          {"tvm_version", "arco"},
          {"arco",
           {{"run", record.run.uid},
            {"tuner", record.run.tuner},
            {"seed", record.run.seed},
            {"options", record.run.options},
            {"command", record.run.command},
            {"knobs", record.space.knobs},
            {"ordinal", record.ordinal},
            {"tag", record.tag},
            {"why", m.why},
            {"cycles", m.cycles},
            {"energy_pj", m.energy_pj},
            {"area_mm2", m.area_mm2},
            {"dram_bytes", m.dram_bytes}}}};
}

uint64_t hash_text(std::string_view text) {
  uint64_t hash = text.size();
  for (const char c : text) hash = mix64(hash ^ static_cast<unsigned char>(c));
  return hash;
}

MeasureStatus status_of(int64_t error_number) {
  switch (error_number) {
    case 0:
      return MeasureStatus::kOk;
    case 1:
      return MeasureStatus::kIllegal;
    case 5:
      return MeasureStatus::kWrongAnswer;
    default:  // compiling, running and waiting for the device are one thing here
      return MeasureStatus::kFailed;
  }
}

json choice_of(const json& entity) {
  json choice = json::object();
  for (const json& knob : entity) {
    const json& value = knob.at(2);
    choice[knob.at(0).get<std::string>()] =
        knob.at(1) == "sp" && value.is_array() && value.size() == 2 ? value.at(1) : value;
  }
  return choice;
}

void read_arco_part(const json& part, Record& record) {
  record.run = {part.at("run").get<std::string>(),     part.at("tuner").get<std::string>(),
                part.at("seed").get<uint64_t>(),       part.at("options"),
                part.at("command").get<std::string>(), record.run.created};
  record.space.knobs = part.at("knobs");
  record.ordinal = part.at("ordinal").get<uint64_t>();
  record.tag = part.at("tag").get<std::string>();
  Measurement& m = record.measurement;
  m.why = part.at("why").get<std::string>();
  m.cycles = part.at("cycles").get<double>();
  m.energy_pj = part.at("energy_pj").get<double>();
  m.area_mm2 = part.at("area_mm2").get<double>();
  m.dram_bytes = part.at("dram_bytes").get<uint64_t>();
}

// Throws json::exception or UserError for what is not a record.
Record from_line(const std::string& text, double clock_hz) {
  const json line = json::parse(text);
  const json& input = line.at("input");
  const json& result = line.at("result");
  Record record;
  const json& arguments = input.at(2);
  record.space.key = input.at(1).get<std::string>();
  if (!arguments.empty()) record.space.key = fmt::format("{} {}", record.space.key, arguments.dump());
  record.choice = choice_of(line.at("config").at("entity"));
  Measurement& m = record.measurement;
  m.index = line.at("config").at("index").get<uint64_t>();
  m.status = status_of(result.at(1).get<int64_t>());
  m.wall_seconds = result.at(2).get<double>();
  const double created = result.at(3).get<double>();
  if (!(created >= 0 && created < 1e12)) fail_user("the time stamp {} is not in seconds since 1970", created);
  record.run.created = static_cast<int64_t>(created);
  if (line.contains("arco")) {
    read_arco_part(line.at("arco"), record);
  } else {
    if (m.status == MeasureStatus::kOk) {
      const json& costs = result.at(0);
      if (costs.empty()) fail_user("an ok result has no costs");
      double sum = 0;
      for (const json& cost : costs) sum += cost.get<double>();
      m.cycles = sum / static_cast<double>(costs.size()) * clock_hz;
    }
    // Named by its text, a line is the same record however often and from wherever it comes.
    record.run.uid = record.run.tuner = "imported";
    record.run.options = json::object();
    record.ordinal = hash_text(text) >> 1;
  }
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (m.index > kMost || record.ordinal > kMost || m.dram_bytes > kMost) fail_user("a number is above 2^63");
  if (record.run.uid.empty() || record.space.key.empty()) fail_user("the name of the run or of the space is empty");
  if (const std::string problem = why_invalid(m); !problem.empty()) fail_user("{}", problem);
  return record;
}

}  // namespace

std::string export_autotvm_log(const RecordStore& store, double clock_hz) {
  std::string text;
  store.for_each([&](const Record& record) {
    text += to_line(record, clock_hz).dump(-1, ' ', false, json::error_handler_t::replace);
    text += '\n';
  });
  return text;
}

size_t import_autotvm_log(RecordStore& store, const std::string& text, const std::string& name, double clock_hz) {
  constexpr size_t kMostProblems = 20;
  ErrorList errors(name);
  std::vector<Record> records;
  size_t number = 0;
  if (const char* kind = binary_kind(text))
    fail_user("{}: looks like {}; expected a JSON record on each line", name, kind);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (line.back() == '\r') line.pop_back();
    try {
      records.push_back(from_line(line, clock_hz));
    } catch (const json::parse_error& error) {
      errors.add("{}", json_syntax_error(line, error, number));
    } catch (const json::exception&) {
      errors.add(
          "line {}: not a record in AutoTVM's layout: a part of input, config or result is missing or of another "
          "kind",
          number);
    } catch (const UserError& error) {
      errors.add("line {}: {}", number, error.what());
    }
    if (errors.problems().size() == kMostProblems) {
      errors.add("later lines were not looked at");
      break;
    }
  }
  errors.throw_if_any();
  return store.add_records(records);
}

}  // namespace arco
