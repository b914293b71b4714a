// Running tuners, chosen by name, so that every measurement is in the record store before the next is asked for.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "arco/marl/agent_library.h"
#include "arco/search/configuration_space.h"
#include "arco/search/record_store.h"
#include "arco/search/tuner.h"
#include "arco/sim/cycle.h"

namespace arco {

// A tuner as the command line names it.
struct TunerChoice {
  std::string name = "arco";
  nlohmann::json options;  // overrides of its defaults by name; null: none
  // ARCO: what its agents start with, where it fits; nullptr: those that ARCO ships.
  std::shared_ptr<const AgentLibrary> agents = {};
};

// The tuner for a search of about `trials` measurements: what depends on their number and was not given is set to fit.
// UserError for an unknown name or option.
std::unique_ptr<Tuner> make_planned_tuner(const TunerChoice& choice, const SearchSpace& space, size_t trials,
                                          uint64_t seed);
// Measurements between two asks: the tuner's own batch or plan where it has one, at most `most`.
size_t batch_of(const TunerChoice& choice, size_t most);

// What searching took, for reports.
struct SearchEffort {
  uint64_t measurements = 0;  // asked for by tuners, illegal ones included
  uint64_t invalid = 0;       // of these, those that brought no cycles
  double measure_seconds = 0;
  double search_seconds = 0;  // inside the tuners, fitting included
  double fit_seconds = 0;

  void add(const TuneResult& result);
};

// Several threads may search different spaces at a time.
class RecordedSearch {
 public:
  // `records` must outlive it. Adds a run.
  RecordedSearch(RecordStore& records, const RunDescription& run);

  // What was measured in a space by this run and those before it. Adds the space.
  std::vector<Measurement> known(const SearchSpace& space, const std::string& key);
  // A measurer that takes from the store what is known and stores what is new before it returns it. `tag` says why
  // configurations were asked for. Whoever asks the same again gets the same: a search that was killed goes on where it
  // stood by searching again from its start. `this`, `space` and `key` must outlive the measurer.
  Measurer measurer(const SearchSpace& space, const std::string& key, Measurer measure,
                    std::function<std::string(uint64_t)> tag = {});
  // Runs the tuner as run_tuner() does, with measurer(); `seeds` count as trials. The best may be an older measurement
  // that this tuner did not ask for.
  TuneResult run(const SearchSpace& space, const std::string& key, Tuner& tuner, const Measurer& measure, size_t trials,
                 size_t batch, const std::vector<Measurement>& seeds = {});
  // Of all finished run()s.
  SearchEffort effort() const;
  // Measurements stored so far.
  uint64_t stored() const;

 private:
  int64_t space_id(const SearchSpace& space, const std::string& key);

  RecordStore& records_;
  mutable std::mutex mutex_;
  SearchEffort effort_;
  uint64_t stored_ = 0;
  int64_t run_ = 0;
};

}  // namespace arco
