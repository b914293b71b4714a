// Features of configurations, computed once: searches over a model come back to the same ones again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "arco/search/cost_model.h"
#include "arco/search/space.h"

namespace arco {

class FeatureCache {
 public:
  // Starts over when it holds `capacity` configurations.
  explicit FeatureCache(const SearchSpace& space, size_t capacity = 1'000'000);

  // One row per configuration, in their order.
  FeatureMatrix rows(std::span<const uint64_t> indices);
  size_t size() const { return row_of_.size(); }

 private:
  const SearchSpace& space_;
  size_t capacity_;
  FeatureMatrix table_;
  std::unordered_map<uint64_t, size_t> row_of_;
};

// Scores of one fitted model, computed once per configuration. Lives no longer than the fit.
class ScoreCache {
 public:
  // `margins` (empty: none) says what to add to the scores of rows.
  using Margins = std::function<std::vector<float>(const FeatureMatrix&)>;
  ScoreCache(const TreeModel& model, FeatureCache& features, Margins margins = {})
      : model_(model), features_(features), margins_(std::move(margins)) {}

  // One score per configuration, in their order; one call of the model for all that are new.
  std::vector<float> scores(std::span<const uint64_t> indices);

 private:
  const TreeModel& model_;
  FeatureCache& features_;
  Margins margins_;
  std::unordered_map<uint64_t, float> score_of_;
};

}  // namespace arco
