// Every measurement ever made, on disk: an SQLite database with a write-ahead log.
//
//     runs(id, uid, tuner, seed, options, command, created)      one per tuning run and process
//     spaces(id, key, knobs)                                     one per workload and hardware or space
//     records(id, space, run, ordinal, point, choice, status, why, cycles, energy, area, dram_bytes, wall, tag)
//
// `point` is the index in the space; energy in pJ, area in mm^2, wall in seconds, created in seconds since 1970 (UTC).
// What add() has returned from survives the death of the process at any moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "arco/search/measurement.h"
#include "arco/search/space.h"

namespace arco {

struct RunDescription {
  std::string uid;  // empty: a new one is made; the same run in two stores has the same uid
  std::string tuner;
  uint64_t seed = 0;
  nlohmann::json options;  // every hyper-parameter
  std::string command;
  int64_t created = 0;  // seconds since 1970; 0: now
};

struct SpaceDescription {
  std::string key;       // workload, hardware and space in words; equal keys mean equal spaces
  nlohmann::json knobs;  // [{"name": ..., "values": [...]}], or null if unknown
};

struct Record {
  RunDescription run;
  SpaceDescription space;
  uint64_t ordinal = 0;   // counts the measurements of a run
  nlohmann::json choice;  // {"tile_h": 7, ...}: values, not positions
  Measurement measurement;
  std::string tag;  // why it was asked for; may be empty
};

SpaceDescription describe_space(const std::string& key, const SearchSpace& space);

// "" or what cannot be in a measurement from outside: an unknown status, numbers that are negative or not finite.
std::string why_invalid(const Measurement& measurement);

enum class StoreMode : uint8_t { kOpenOrCreate, kMustExist };

// Used by one thread at a time. Several processes may have the same store open; a writer waits for the others up to
// `busy_milliseconds`. All members throw UserError for a file that is not a record store, damaged, of another version,
// in use or not writable, and RunError when the disk is full.
class RecordStore {
 public:
  explicit RecordStore(const std::filesystem::path& path, StoreMode mode = StoreMode::kOpenOrCreate,
                       int busy_milliseconds = 5000);
  ~RecordStore();
  RecordStore(RecordStore&&) noexcept;
  RecordStore& operator=(RecordStore&&) noexcept;

  const std::filesystem::path& path() const;

  // Finds or adds; return the id. A known key with other knobs is a UserError.
  int64_t add_run(const RunDescription& run);
  int64_t add_space(const SpaceDescription& space);

  // Stores a batch in one transaction. `tags`: empty, or one per measurement.
  void add(int64_t run, int64_t space_id, const SearchSpace& space, std::span<const Measurement> measurements,
           std::span<const std::string> tags = {});
  // Stores records as they are, except those that are here already; returns how many were new. One transaction.
  size_t add_records(std::span<const Record> records);

  // What was measured in the space of that key, in the order of measuring, each configuration once. UserError for a
  // record that the space cannot have.
  std::vector<Measurement> known(const std::string& key, const SearchSpace& space) const;

  // In the order of insertion. `key` empty: of all spaces.
  void for_each(const std::function<void(const Record&)>& visit, const std::string& key = "") const;
  std::vector<Record> records(const std::string& key = "") const;
  std::vector<RunDescription> runs() const;
  std::vector<SpaceDescription> spaces() const;
  size_t size() const;

  // Takes in everything of another store that is not here already; returns the number of new records.
  size_t merge(const std::filesystem::path& other);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A measurer that stores every batch before it returns it. `tag` may be empty. All arguments must outlive it.
Measurer recording_measurer(Measurer measure, RecordStore& store, int64_t run, int64_t space_id,
                            const SearchSpace& space, std::function<std::string(uint64_t)> tag = {});

}  // namespace arco
