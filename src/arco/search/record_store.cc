// One row per measurement. A record is the same in two stores if run (by its uid), space (by its key), ordinal and
// point are; that makes merging and importing repeatable without doubles.
#include "arco/search/record_store.h"

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <map>
#include <random>
#include <unordered_set>

#include "arco/base/error.h"
#include "arco/base/random.h"
#include "arco/search/record_schema.h"

namespace arco {
namespace {

using nlohmann::json;

int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A name for a run that no other run has. It never reaches a result.
std::string new_uid() {
  std::random_device device;
  uint64_t word = mix64(static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
  word = mix64(word ^ static_cast<uint64_t>(getpid()));
  const uint64_t other = (static_cast<uint64_t>(device()) << 32) | device();
  return fmt::format("{:016x}{:016x}", word, other);
}

// Names and values of a choice.
json choice_values(const SearchSpace& space, const Choice& choice) {
  json values = json::object();
  for (size_t j = 0; j < choice.size(); ++j) {
    const Knob& knob = space.knobs()[j];
    values[knob.name] = knob.values[static_cast<size_t>(choice[j])];
  }
  return values;
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void bind_all(SQLite::Statement& statement, const Measurement& m) {
  statement.bind(":point", static_cast<int64_t>(m.index));
  statement.bind(":status", static_cast<int>(m.status));
  statement.bind(":why", m.why);
  statement.bind(":cycles", m.cycles);
  statement.bind(":energy", m.energy_pj);
  statement.bind(":area", m.area_mm2);
  statement.bind(":dram_bytes", static_cast<int64_t>(m.dram_bytes));
  statement.bind(":wall", m.wall_seconds);
}

// Neighbouring rows mostly have the same run and space: what was parsed last.
struct JsonMemo {
  std::string text;
  json value = nlohmann::json::value_t::discarded;
};

constexpr const char* kInsertRecord =
    "INSERT INTO records (space, run, ordinal, point, choice, status, why, cycles, energy, area, dram_bytes, wall, "
    "tag) "
    "VALUES (:space, :run, :ordinal, :point, :choice, :status, :why, :cycles, :energy, :area, :dram_bytes, :wall, "
    ":tag) "
    "ON CONFLICT (space, run, ordinal, point) DO NOTHING";

constexpr const char* kSelectRecords =
    "SELECT records.id, point, status, why, cycles, energy, area, dram_bytes, wall, choice, ordinal, tag, key, knobs, "
    "uid, "
    "tuner, seed, options, command, created FROM records JOIN spaces ON spaces.id = space JOIN runs ON runs.id = run "
    "WHERE :key = '' OR key = :key ORDER BY records.id";

Measurement read_measurement(SQLite::Statement& row) {
  Measurement m;
  m.index = static_cast<uint64_t>(row.getColumn("point").getInt64());
  m.status = static_cast<MeasureStatus>(row.getColumn("status").getInt());
  m.why = row.getColumn("why").getString();
  m.cycles = row.getColumn("cycles").getDouble();
  m.energy_pj = row.getColumn("energy").getDouble();
  m.area_mm2 = row.getColumn("area").getDouble();
  m.dram_bytes = static_cast<uint64_t>(row.getColumn("dram_bytes").getInt64());
  m.wall_seconds = row.getColumn("wall").getDouble();
  return m;
}

}  // namespace

struct RecordStore::State {
  std::filesystem::path path;
  SQLite::Database database;
  std::map<int64_t, uint64_t> next_ordinal;  // per run

  // The value of a JSON column; what cannot be read is a damaged row.
  json read_json(SQLite::Statement& row, const char* column) const {
    JsonMemo ignored;
    return read_json(row, column, ignored);
  }
  const json& read_json(SQLite::Statement& row, const char* column, JsonMemo& memo) const {
    std::string text = row.getColumn(column).getString();
    if (text == memo.text) return memo.value;
    memo.value = json::parse(text, nullptr, false);
    memo.text = std::move(text);
    if (memo.value.is_discarded()) fail_damaged(fmt::format("column {} is not JSON", column));
    return memo.value;
  }
  [[noreturn]] void fail_damaged(const std::string& what) const {
    fail_user("{}: the record store is damaged ({}). Name a new file, or delete the row.", path.string(), what);
  }
  RunDescription read_run(SQLite::Statement& row, JsonMemo& options) const {
    return {row.getColumn("uid").getString(),
            row.getColumn("tuner").getString(),
            static_cast<uint64_t>(row.getColumn("seed").getInt64()),
            read_json(row, "options", options),
            row.getColumn("command").getString(),
            row.getColumn("created").getInt64()};
  }
  uint64_t take_ordinal(int64_t run);
  int64_t insert_run(const RunDescription& run);
  int64_t insert_space(const SpaceDescription& space);
  bool insert(SQLite::Statement& statement, int64_t run, int64_t space, const Record& record) const;
};

uint64_t RecordStore::State::take_ordinal(int64_t run) {
  auto found = next_ordinal.find(run);
  if (found == next_ordinal.end()) {
    SQLite::Statement query(database, "SELECT coalesce(max(ordinal) + 1, 0) FROM records WHERE run = ?");
    query.bind(1, run);
    query.executeStep();
    found = next_ordinal.emplace(run, static_cast<uint64_t>(query.getColumn(0).getInt64())).first;
  }
  return found->second++;
}

int64_t RecordStore::State::insert_run(const RunDescription& run) {
  const std::string uid = run.uid.empty() ? new_uid() : run.uid;
  SQLite::Statement insert_row(
      database,
      "INSERT INTO runs (uid, tuner, seed, options, command, created) VALUES (?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (uid) DO NOTHING");
  insert_row.bind(1, uid);
  insert_row.bind(2, run.tuner);
  insert_row.bind(3, static_cast<int64_t>(run.seed));
  insert_row.bind(4, dump(run.options));
  insert_row.bind(5, run.command);
  insert_row.bind(6, run.created == 0 ? now() : run.created);
  insert_row.exec();
  SQLite::Statement query(database, "SELECT id FROM runs WHERE uid = ?");
  query.bind(1, uid);
  query.executeStep();
  return query.getColumn(0).getInt64();
}

int64_t RecordStore::State::insert_space(const SpaceDescription& space) {
  SQLite::Statement insert_row(database, "INSERT INTO spaces (key, knobs) VALUES (?, ?) ON CONFLICT (key) DO NOTHING");
  insert_row.bind(1, space.key);
  insert_row.bind(2, dump(space.knobs));
  insert_row.exec();
  SQLite::Statement query(database, "SELECT id, knobs FROM spaces WHERE key = ?");
  query.bind(1, space.key);
  query.executeStep();
  const int64_t id = query.getColumn("id").getInt64();
  const json known = read_json(query, "knobs");
  if (space.knobs.is_null() || known == space.knobs) return id;
  if (!known.is_null()) {
    fail_user(
        "{}: the space \"{}\" was recorded with other knobs, so its records cannot be used. Name a new file.\n"
        "  recorded: {}\n  now:      {}",
        path.string(), space.key, dump(known), dump(space.knobs));
  }
  SQLite::Statement update(database, "UPDATE spaces SET knobs = ? WHERE id = ?");
  update.bind(1, dump(space.knobs));
  update.bind(2, id);
  update.exec();
  return id;
}

// False if the record was there already.
bool RecordStore::State::insert(SQLite::Statement& statement, int64_t run, int64_t space, const Record& record) const {
  statement.reset();
  bind_all(statement, record.measurement);
  statement.bind(":space", space);
  statement.bind(":run", run);
  statement.bind(":ordinal", static_cast<int64_t>(record.ordinal));
  statement.bind(":choice", dump(record.choice));
  statement.bind(":tag", record.tag);
  return statement.exec() > 0;
}

SpaceDescription describe_space(const std::string& key, const SearchSpace& space) {
  json knobs = json::array();
  for (const Knob& knob : space.knobs()) knobs.push_back({{"name", knob.name}, {"values", knob.values}});
  return {key, std::move(knobs)};
}

std::string why_invalid(const Measurement& m) {
  switch (m.status) {
    case MeasureStatus::kOk:
      if (!(m.cycles > 0)) return fmt::format("cycles of an ok measurement must be positive, not {}", m.cycles);
      break;
    case MeasureStatus::kIllegal:
    case MeasureStatus::kWrongAnswer:
    case MeasureStatus::kFailed:
      break;
    default:
      return fmt::format("status {} is none of 0, 1, 4, 5", static_cast<int>(m.status));
  }
  for (const double value : {m.cycles, m.energy_pj, m.area_mm2, m.wall_seconds}) {
    if (!std::isfinite(value) || value < 0) return fmt::format("the number {} is negative or not finite", value);
  }
  return "";
}

RecordStore::RecordStore(const std::filesystem::path& path, StoreMode mode, int busy_milliseconds) {
  std::error_code ignored;  // the opening below says what is wrong
  if (mode == StoreMode::kMustExist && !std::filesystem::exists(path, ignored)) {
    fail_user("{}: there is no such record store. Tune first, or name another file.", path.string());
  }
  if (mode == StoreMode::kOpenOrCreate && path.has_parent_path()) {
    std::filesystem::create_directories(path.parent_path(), ignored);
  }
  with_sqlite_errors(path, [&] {
    state_.reset(new State{
        path, SQLite::Database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, busy_milliseconds), {}});
    open_schema(state_->database, path);
  });
}

RecordStore::~RecordStore() = default;
RecordStore::RecordStore(RecordStore&&) noexcept = default;
RecordStore& RecordStore::operator=(RecordStore&&) noexcept = default;

const std::filesystem::path& RecordStore::path() const {
  return state_->path;
}

int64_t RecordStore::add_run(const RunDescription& run) {
  return with_sqlite_errors(path(), [&] { return state_->insert_run(run); });
}

int64_t RecordStore::add_space(const SpaceDescription& space) {
  return with_sqlite_errors(path(), [&] { return state_->insert_space(space); });
}

void RecordStore::add(int64_t run, int64_t space_id, const SearchSpace& space,
                      std::span<const Measurement> measurements, std::span<const std::string> tags) {
  ARCO_CHECK(tags.empty() || tags.size() == measurements.size(), "{} tags for {} measurements", tags.size(),
             measurements.size());
  with_sqlite_errors(path(), [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement statement(state_->database, kInsertRecord);
    for (size_t i = 0; i < measurements.size(); ++i) {
      Record record;
      record.measurement = measurements[i];
      const std::string problem = why_invalid(record.measurement);
      ARCO_CHECK(problem.empty(), "measurement of {}: {}", measurements[i].index, problem);
      record.ordinal = state_->take_ordinal(run);
      record.choice = choice_values(space, space.decode(measurements[i].index));
      if (!tags.empty()) record.tag = tags[i];
      state_->insert(statement, run, space_id, record);
    }
    transaction.commit();
  });
}

size_t RecordStore::add_records(std::span<const Record> records) {
  return with_sqlite_errors(path(), [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement statement(state_->database, kInsertRecord);
    state_->next_ordinal.clear();
    size_t added = 0;
    for (const Record& record : records) {
      const int64_t run = state_->insert_run(record.run);
      const int64_t space = state_->insert_space(record.space);
      added += state_->insert(statement, run, space, record) ? 1 : 0;
    }
    transaction.commit();
    return added;
  });
}

std::vector<Measurement> RecordStore::known(const std::string& key, const SearchSpace& space) const {
  std::vector<Measurement> measurements;
  if (key.empty()) return measurements;
  std::unordered_set<uint64_t> seen;
  const uint64_t size = space.size();
  for_each(
      [&](const Record& record) {
        const Measurement& m = record.measurement;
        if (m.index >= size || record.choice != choice_values(space, space.decode(m.index))) {
          state_->fail_damaged(fmt::format("configuration {} of \"{}\" is {}, which the space does not have there",
                                           m.index, key, dump(record.choice)));
        }
        if (!seen.insert(m.index).second) return;
        measurements.push_back(m);
        if (m.status == MeasureStatus::kOk) measurements.back().cost = space.cost(m);
      },
      key);
  return measurements;
}

void RecordStore::for_each(const std::function<void(const Record&)>& visit, const std::string& key) const {
  with_sqlite_errors(path(), [&] {
    SQLite::Statement row(state_->database, kSelectRecords);
    row.bind(":key", key);
    JsonMemo options;
    JsonMemo knobs;
    while (row.executeStep()) {
      Record record;
      record.run = state_->read_run(row, options);
      record.space = {row.getColumn("key").getString(), state_->read_json(row, "knobs", knobs)};
      record.ordinal = static_cast<uint64_t>(row.getColumn("ordinal").getInt64());
      record.choice = state_->read_json(row, "choice");
      record.measurement = read_measurement(row);
      record.tag = row.getColumn("tag").getString();
      const std::string problem = why_invalid(record.measurement);
      if (!problem.empty()) {
        state_->fail_damaged(fmt::format("record {}: {}", row.getColumn(0).getInt64(), problem));
      }
      visit(record);
    }
  });
}

std::vector<Record> RecordStore::records(const std::string& key) const {
  std::vector<Record> all;
  for_each([&](const Record& record) { all.push_back(record); }, key);
  return all;
}

std::vector<RunDescription> RecordStore::runs() const {
  return with_sqlite_errors(path(), [&] {
    std::vector<RunDescription> all;
    SQLite::Statement row(state_->database, "SELECT uid, tuner, seed, options, command, created FROM runs ORDER BY id");
    JsonMemo options;
    while (row.executeStep()) all.push_back(state_->read_run(row, options));
    return all;
  });
}

std::vector<SpaceDescription> RecordStore::spaces() const {
  return with_sqlite_errors(path(), [&] {
    std::vector<SpaceDescription> all;
    SQLite::Statement row(state_->database, "SELECT key, knobs FROM spaces ORDER BY id");
    while (row.executeStep()) all.push_back({row.getColumn("key").getString(), state_->read_json(row, "knobs")});
    return all;
  });
}

size_t RecordStore::size() const {
  return with_sqlite_errors(path(), [&] {
    return static_cast<size_t>(state_->database.execAndGet("SELECT count(*) FROM records").getInt64());
  });
}

size_t RecordStore::merge(const std::filesystem::path& other) {
  std::error_code ignored;  // of a missing file the opening below complains
  if (std::filesystem::equivalent(path(), other, ignored)) {
    fail_user("{}: this is the record store to merge into. Name another one.", other.string());
  }
  const RecordStore source(other, StoreMode::kMustExist);
  return with_sqlite_errors(path(), [&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement statement(state_->database, kInsertRecord);
    state_->next_ordinal.clear();
    std::map<std::string, int64_t> run_ids;
    std::map<std::string, int64_t> space_ids;
    for (const RunDescription& run : source.runs()) run_ids[run.uid] = state_->insert_run(run);
    for (const SpaceDescription& space : source.spaces()) space_ids[space.key] = state_->insert_space(space);
    size_t added = 0;
    // A run that is still going on may add to its store meanwhile; its newest records wait for the next merge.
    source.for_each([&](const Record& record) {
      const auto run = run_ids.find(record.run.uid);
      const auto space = space_ids.find(record.space.key);
      if (run == run_ids.end() || space == space_ids.end()) return;
      added += state_->insert(statement, run->second, space->second, record) ? 1 : 0;
    });
    transaction.commit();
    return added;
  });
}

Measurer recording_measurer(Measurer measure, RecordStore& store, int64_t run, int64_t space_id,
                            const SearchSpace& space, std::function<std::string(uint64_t)> tag) {
  return [measure = std::move(measure), &store, run, space_id, &space,
          tag = std::move(tag)](const std::vector<uint64_t>& indices) {
    const std::vector<Measurement> results = measure(indices);
    std::vector<std::string> tags;
    for (const Measurement& m : results) {
      if (tag) tags.push_back(tag(m.index));
    }
    store.add(run, space_id, space, results, tags);
    return results;
  };
}

}  // namespace arco
