#include "arco/search/recorded_search.h"

#include <algorithm>
#include <unordered_map>

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
  std::unique_ptr<Tuner> tuner = make_tuner(choice.name, space, options, seed);
  auto* arco = dynamic_cast<ArcoTuner*>(tuner.get());
  const std::vector<uint8_t>* agents = arco && choice.agents ? choice.agents->find(arco->world()) : nullptr;
  if (agents != nullptr) arco->load_agents(*agents, "the agents given");
  return tuner;
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

Measurer RecordedSearch::measurer(const SearchSpace& space, const std::string& key, Measurer measure,
                                  std::function<std::string(uint64_t)> tag) {
  auto found = std::make_shared<std::unordered_map<uint64_t, Measurement>>();
  for (const Measurement& m : known(space, key)) found->emplace(m.index, m);
  return [this, &space, &key, found, measure = std::move(measure),
          tag = std::move(tag)](const std::vector<uint64_t>& indices) {
    std::vector<uint64_t> missing;
    for (const uint64_t index : indices) {
      if (!found->contains(index)) missing.push_back(index);
    }
    const std::vector<Measurement> measured = missing.empty() ? std::vector<Measurement>() : measure(missing);
    std::vector<std::string> tags;
    for (const Measurement& m : measured) {
      if (tag) tags.push_back(tag(m.index));
      found->emplace(m.index, m);
    }
    if (!measured.empty()) {
      const std::lock_guard lock(mutex_);
      records_.add(run_, space_id(space, key), space, measured, tags);
      stored_ += measured.size();
    }
    std::vector<Measurement> results;
    for (const uint64_t index : indices) {
      const auto at = found->find(index);
      if (at == found->end()) break;  // interrupted: the first of them
      results.push_back(at->second);
    }
    return results;
  };
}

TuneResult RecordedSearch::run(const SearchSpace& space, const std::string& key, Tuner& tuner, const Measurer& measure,
                               size_t trials, size_t batch, const std::vector<Measurement>& seeds) {
  const auto* arco = dynamic_cast<const ArcoTuner*>(&tuner);
  const auto tag = [arco](uint64_t index) -> std::string {
    const auto reason = arco == nullptr ? std::nullopt : arco->reason(index);
    return reason ? to_string(*reason) : "";
  };
  TuneResult result = run_tuner(tuner, measurer(space, key, measure, tag), trials, batch, seeds);
  for (const Measurement& m : known(space, key)) {
    if (m.status != MeasureStatus::kOk) continue;
    if (result.best.status != MeasureStatus::kOk || m.cost < result.best.cost) result.best = m;
  }
  const std::lock_guard lock(mutex_);
  effort_.add(result);
  return result;
}

uint64_t RecordedSearch::stored() const {
  const std::lock_guard lock(mutex_);
  return stored_;
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
