//     fitness(c) = prior(c) + shift + trees(features(c)),   prior = -log2(estimate / reference), or 0
//
// The shift is the mean residual, so that the trees, which are shrunk towards zero, only learn differences. A
// measurement that failed although it was legal counts as twice as slow as the slowest.
#include "arco/search/residual_model.h"

#include <algorithm>
#include <cmath>

namespace arco {

ResidualModel::ResidualModel(const SearchSpace& space, const ResidualModelOptions& options)
    : space_(space), options_(options), cache_(space, 100'000) {
  const Choice standard = space.default_choice();
  if (space.legal(standard)) reference_ = std::max(space.estimate(standard), 1.0);
}

float ResidualModel::fitness_of(double cost) const {
  return static_cast<float>(-std::log2(std::max(cost, 1e-9) / reference_));
}

float ResidualModel::prior(uint64_t index) const {
  return options_.estimate_as_prior ? fitness_of(space_.estimate(space_.decode(index))) : 0.0F;
}

void ResidualModel::fit(const History& history, uint64_t seed) {
  std::vector<uint64_t> indices;
  std::vector<float> targets, margins;
  float worst = 0;
  for (const Measurement& m : history.results()) {
    if (m.status == MeasureStatus::kOk) worst = std::min(worst, fitness_of(m.cost));
  }
  double residuals = 0;
  for (const Measurement& m : history.results()) {
    const bool ok = m.status == MeasureStatus::kOk;
    if (!space_.legal(space_.decode(m.index))) continue;
    indices.push_back(m.index);
    targets.push_back(ok ? fitness_of(m.cost) : worst - 1);
    margins.push_back(prior(m.index));
    residuals += targets.back() - margins.back();
  }
  if (indices.empty()) return;
  shift_ = static_cast<float>(residuals / static_cast<double>(indices.size()));
  highest_correction_ = targets[0] - margins[0];
  for (size_t i = 0; i < indices.size(); ++i) {
    highest_correction_ = std::max(highest_correction_, targets[i] - margins[i]);
    margins[i] += shift_;
  }
  EnsembleParameters parameters;
  parameters.replicas = options_.replicas;
  parameters.rounds = options_.rounds;
  ensemble_.emplace(parameters, seed);
  ensemble_->fit(cache_.rows(indices), targets, margins);
}

Fitness ResidualModel::predict(std::span<const uint64_t> indices, bool cached) {
  if (!ensemble_) return predict_prior(indices);
  std::vector<float> margins;
  for (const uint64_t index : indices) margins.push_back(prior(index) + shift_);
  FeatureMatrix rows;
  if (cached) {
    rows = cache_.rows(indices);
  } else {
    rows = FeatureMatrix(indices.size(), space_.feature_count());
    for (size_t i = 0; i < indices.size(); ++i) space_.features(space_.decode(indices[i]), rows.row(i));
  }
  TreeEnsemble::Prediction prediction = ensemble_->predict(rows, margins);
  return {.mean = std::move(prediction.mean), .spread = std::move(prediction.spread)};
}

Fitness ResidualModel::predict_prior(std::span<const uint64_t> indices) const {
  Fitness fitness;
  for (const uint64_t index : indices) fitness.mean.push_back(prior(index));
  fitness.spread.assign(indices.size(), 0.0F);
  return fitness;
}

}  // namespace arco
