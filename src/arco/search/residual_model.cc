//     fitness(c) = prior(c) + shift + trees(features(c))
//     prior      = -log2(estimate / reference), or 0, + what other searches say of log2(estimate / cost)
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

float ResidualModel::closed_form(uint64_t index) const {
  return options_.estimate_as_prior ? fitness_of(space_.estimate(space_.decode(index))) : 0.0F;
}

FeatureMatrix ResidualModel::rows_of(std::span<const uint64_t> indices, bool cached) {
  if (cached) return cache_.rows(indices);
  FeatureMatrix rows(indices.size(), space_.feature_count());
  for (size_t i = 0; i < indices.size(); ++i) space_.features(space_.decode(indices[i]), rows.row(i));
  return rows;
}

std::vector<float> ResidualModel::priors(std::span<const uint64_t> indices, const FeatureMatrix& rows) const {
  std::vector<float> priors;
  for (const uint64_t index : indices) priors.push_back(closed_form(index));
  if (!transfer_ || !options_.estimate_as_prior) return priors;
  const std::vector<float> learned = transfer_->predict(rows, space_.workload_descriptor());
  for (size_t i = 0; i < priors.size(); ++i) priors[i] += learned[i];
  return priors;
}

void ResidualModel::fit(const History& history, uint64_t seed) {
  std::vector<uint64_t> indices;
  std::vector<float> targets;
  float worst = 0;
  for (const Measurement& m : history.results()) {
    if (m.status == MeasureStatus::kOk) worst = std::min(worst, fitness_of(m.cost));
  }
  for (const Measurement& m : history.results()) {
    if (!space_.legal(space_.decode(m.index))) continue;
    indices.push_back(m.index);
    targets.push_back(m.status == MeasureStatus::kOk ? fitness_of(m.cost) : worst - 1);
  }
  if (indices.empty()) return;
  const FeatureMatrix rows = rows_of(indices, true);
  std::vector<float> margins = priors(indices, rows);
  double residuals = 0;
  highest_correction_ = targets[0] - closed_form(indices[0]);
  for (size_t i = 0; i < indices.size(); ++i) {
    residuals += targets[i] - margins[i];
    highest_correction_ = std::max(highest_correction_, targets[i] - closed_form(indices[i]));
  }
  if (transfer_) highest_correction_ = std::max(highest_correction_, transfer_->highest());
  shift_ = static_cast<float>(residuals / static_cast<double>(indices.size()));
  for (float& margin : margins) margin += shift_;
  EnsembleParameters parameters;
  parameters.replicas = options_.replicas;
  parameters.rounds = options_.rounds;
  ensemble_.emplace(parameters, seed);
  ensemble_->fit(rows, targets, margins);
}

Fitness ResidualModel::predict(std::span<const uint64_t> indices, bool cached) {
  if (!ensemble_) return predict_prior(indices);
  const FeatureMatrix rows = rows_of(indices, cached);
  std::vector<float> margins = priors(indices, rows);
  for (float& margin : margins) margin += shift_;
  TreeEnsemble::Prediction prediction = ensemble_->predict(rows, margins);
  return {.mean = std::move(prediction.mean), .spread = std::move(prediction.spread)};
}

Fitness ResidualModel::predict_prior(std::span<const uint64_t> indices) {
  const FeatureMatrix rows = transfer_ ? rows_of(indices, true) : FeatureMatrix();
  return {.mean = priors(indices, rows), .spread = std::vector<float>(indices.size(), 0.0F)};
}

}  // namespace arco
