// What the tuners' agents train on: boosted trees that learn how measurements differ from the closed-form estimate.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "arco/search/cost_model.h"
#include "arco/search/feature_cache.h"
#include "arco/search/history.h"
#include "arco/search/knob_environment.h"
#include "arco/search/residual_transfer.h"
#include "arco/search/space.h"

namespace arco {

struct ResidualModelOptions {
  int replicas = 5;               // bootstrap models: their spread says how sure they are
  int rounds = 60;                // trees of each
  bool estimate_as_prior = true;  // learn log2(estimate / measured); else the fitness itself
};

// Fitness = -log2(cost / reference). Statically illegal configurations are neither learned nor asked about.
class ResidualModel {
 public:
  // The space must outlive the model. The reference is the estimate of the space's default configuration.
  ResidualModel(const SearchSpace& space, const ResidualModelOptions& options);

  // What other searches taught becomes part of the prior, from the next fit on; nullptr: nothing.
  void set_transfer(std::shared_ptr<const ResidualTransfer> transfer) { transfer_ = std::move(transfer); }
  // From scratch, from all results.
  void fit(const History& history, uint64_t seed);
  // Of legal configurations. Before the first fit: the prior, with spread 0. Thread-safe except for `cached`, which
  // keeps features for the next time.
  Fitness predict(std::span<const uint64_t> indices, bool cached = true);
  Fitness predict_prior(std::span<const uint64_t> indices);

  float fitness_of(double cost) const;
  // No training row, here or in the transfer, was better than its estimate by more than this.
  float highest_correction() const { return highest_correction_; }

 private:
  float closed_form(uint64_t index) const;
  FeatureMatrix rows_of(std::span<const uint64_t> indices, bool cached);
  // closed_form, plus what the transfer says.
  std::vector<float> priors(std::span<const uint64_t> indices, const FeatureMatrix& rows) const;

  const SearchSpace& space_;
  ResidualModelOptions options_;
  double reference_ = 1;  // cost
  FeatureCache cache_;
  std::shared_ptr<const ResidualTransfer> transfer_;
  std::optional<TreeEnsemble> ensemble_;
  float shift_ = 0;  // mean of target - prior
  float highest_correction_ = 0;
};

}  // namespace arco
