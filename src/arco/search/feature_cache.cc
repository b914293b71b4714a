// Two hash maps that are only looked into, never iterated over: their order cannot reach a result.
#include "arco/search/feature_cache.h"

#include <algorithm>

namespace arco {

FeatureCache::FeatureCache(const SearchSpace& space, size_t capacity)
    : space_(space), capacity_(capacity), table_(0, space.feature_count()) {}

FeatureMatrix FeatureCache::rows(std::span<const uint64_t> indices) {
  FeatureMatrix rows(indices.size(), table_.columns);
  for (size_t i = 0; i < indices.size(); ++i) {
    if (row_of_.size() >= capacity_ && !row_of_.contains(indices[i])) {
      row_of_.clear();
      table_ = FeatureMatrix(0, table_.columns);
    }
    const auto [entry, is_new] = row_of_.try_emplace(indices[i], table_.rows);
    if (is_new) space_.features(space_.decode(indices[i]), table_.add_row());
    std::ranges::copy(table_.row(entry->second), rows.row(i).begin());
  }
  return rows;
}

std::vector<float> ScoreCache::scores(std::span<const uint64_t> indices) {
  std::vector<uint64_t> unknown;
  for (const uint64_t index : indices) {
    if (score_of_.try_emplace(index, 0.0F).second) unknown.push_back(index);
  }
  if (!unknown.empty()) {
    const FeatureMatrix rows = features_.rows(unknown);
    const std::vector<float> fresh = model_.predict(rows, margins_ ? margins_(rows) : std::vector<float>());
    for (size_t i = 0; i < unknown.size(); ++i) score_of_[unknown[i]] = fresh[i];
  }
  std::vector<float> scores;
  scores.reserve(indices.size());
  for (const uint64_t index : indices) scores.push_back(score_of_.at(index));
  return scores;
}

}  // namespace arco
