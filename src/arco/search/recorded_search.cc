#include "arco/search/recorded_search.h"

#include <algorithm>

#include "arco/search/tuners/arco.h"
#include "arco/search/tuners/registry.h"

namespace arco {

std::unique_ptr<Tuner> make_planned_tuner(const TunerChoice& choice, const SearchSpace& space, size_t trials,
                                          uint64_t seed) {
  nlohmann::json options = choice.options.is_object() ? choice.options : nlohmann::json::object();
  const nlohmann::json known = resolve_options(choice.name, choice.options);
  if (known.contains("expected_trials") && !options.contains("expected_trials")) {
    options["expected_trials"] = std::max<size_t>(trials, 1);
  }
  return make_tuner(choice.name, space, options, seed);
}

size_t batch_of(const TunerChoice& choice, size_t most) {
  const nlohmann::json options = resolve_options(choice.name, choice.options);
  for (const char* name : {"batch", "plan_size", "population"}) {
    if (options.contains(name)) return std::clamp<size_t>(options.at(name).get<size_t>(), 1, most);
  }
  return most;
}

RecordedSearch::RecordedSearch(RecordStore& records, const RunDescription& run) : records_(records) {
  run_ = records_.add_run(run);
}

int64_t RecordedSearch::space_id(const SearchSpace& space, const std::string& key) {
  return records_.add_space(describe_space(key, space));
}

std::vector<Measurement> RecordedSearch::known(const SearchSpace& space, const std::string& key) {
  const std::lock_guard lock(mutex_);
  space_id(space, key);
  return records_.known(key, space);
}

void RecordedSearch::add(const SearchSpace& space, const std::string& key, const std::vector<Measurement>& measured,
                         const std::string& tag) {
  const std::lock_guard lock(mutex_);
  records_.add(run_, space_id(space, key), space, measured, std::vector<std::string>(measured.size(), tag));
}

TuneResult RecordedSearch::run(const SearchSpace& space, const std::string& key, Tuner& tuner, const Measurer& measure,
                               size_t trials, size_t batch, const std::vector<Measurement>& known) {
  const auto* arco = dynamic_cast<const ArcoTuner*>(&tuner);
  int64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = space_id(space, key);
  }
  const Measurer recorded = [&](const std::vector<uint64_t>& indices) {
    std::vector<Measurement> results = measure(indices);
    std::vector<std::string> tags;
    for (const Measurement& m : results) {
      const auto reason = arco == nullptr ? std::nullopt : arco->reason(m.index);
      tags.emplace_back(reason ? to_string(*reason) : "");
    }
    const std::lock_guard lock(mutex_);
    records_.add(run_, id, space, results, tags);
    return results;
  };
  TuneResult result = run_tuner(tuner, recorded, trials, batch, known);
  const std::lock_guard lock(mutex_);
  effort_.add(result);
  return result;
}

SearchEffort RecordedSearch::effort() const {
  const std::lock_guard lock(mutex_);
  return effort_;
}

void SearchEffort::add(const TuneResult& result) {
  measurements += result.history.size();
  for (const Measurement& m : result.history) invalid += m.status == MeasureStatus::kOk ? 0 : 1;
  measure_seconds += result.measure_seconds;
  search_seconds += result.search_seconds;
  fit_seconds += result.fit_seconds;
}

}  // namespace arco
