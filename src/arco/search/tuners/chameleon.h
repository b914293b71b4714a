// CHAMELEON (Ahn et al., ICLR 2020), the second baseline of the paper: PPO exploration of a cost model, adaptive
// sampling of what it found. Defaults are those of its released code.
#pragma once

#include <concepts>
#include <memory>

#include "arco/search/adaptive_sampling.h"
#include "arco/search/cost_model.h"
#include "arco/search/tuner.h"
#include "arco/search/tuners/options.h"
#include "arco/search/tuners/ppo_explorer.h"

namespace arco {

struct ChameleonOptions {
  size_t plan_size = 64;      // candidates of an exploration, and random measurements at first
  size_t iterations = 0;      // plans after which to end; 0: no limit
  size_t patience = 0;        // plans in a row that bring less than least_gain, after which to end; 0: no limit
  double least_gain = 0.001;  // relative
  bool legal_only = false;    // the published one spends measurements on what is illegal
  TreeParameters trees;       // squared error on throughput relative to the best
  PpoExplorerOptions explorer;
  AdaptiveSamplingOptions sampling;
};

// The values of the paper's appendix (recalled, not re-read).
struct ChameleonPaperOptions : ChameleonOptions {
  ChameleonPaperOptions() {
    iterations = 16;
    patience = 3;
    explorer.clip = 0.3;
    explorer.entropy_coefficient = 0.1;
    sampling.two_knobs = false;
  }
};

template <typename Options, typename Visitor>
requires std::derived_from<std::remove_const_t<Options>, ChameleonOptions>
void visit_options(Options& o, const Visitor& visit) {
  visit("plan_size", o.plan_size, 1, 100'000);
  visit("iterations", o.iterations, 0, 1e9);
  visit("patience", o.patience, 0, 1e9);
  visit("least_gain", o.least_gain, 0, 1);
  visit("legal_only", o.legal_only);
  visit("max_depth", o.trees.max_depth, 1, 12);
  visit("eta", o.trees.eta, 1e-6, 1);
  visit("gamma", o.trees.gamma, 0, 1e9);
  visit("min_child_weight", o.trees.min_child_weight, 0, 1e9);
  visit("subsample", o.trees.subsample, 1e-3, 1);
  visit("lambda", o.trees.lambda, 0, 1e9);
  visit("alpha", o.trees.alpha, 0, 1e9);
  visit("rounds", o.trees.rounds, 1, 100'000);
  visit("tree_patience", o.trees.patience, 0, 100'000);
  visit("episodes", o.explorer.episodes, 1, 100'000);
  visit("steps", o.explorer.steps, 1, 100'000);
  visit("converged_share", o.explorer.converged_share, 0, 1);
  visit("temperature", o.explorer.temperature, 1e-3, 1e3);
  visit("width", o.explorer.width, 1, 1024);
  visit("rate", o.explorer.rate, 1e-8, 1);
  visit("discount", o.explorer.discount, 0, 1);
  visit("gae_lambda", o.explorer.gae_lambda, 0, 1);
  visit("epochs", o.explorer.epochs, 0, 1000);
  visit("samples", o.explorer.samples, 1, 100'000);
  visit("clip", o.explorer.clip, 1e-3, 1);
  visit("value_coefficient", o.explorer.value_coefficient, 0, 1e6);
  visit("entropy_coefficient", o.explorer.entropy_coefficient, 0, 1e3);
  visit("cluster_step", o.sampling.cluster_step, 1, 10'000);
  visit("most_clusters", o.sampling.most_clusters, 1, 10'000);
  visit("knee", o.sampling.knee, 1e-3, 1e6);
  visit("kmeans_iterations", o.sampling.iterations, 1, 100'000);
  visit("synthesis_tries", o.sampling.tries, 0, 100'000);
  visit("two_knobs", o.sampling.two_knobs);
}

// The space must outlive the tuner.
std::unique_ptr<Tuner> make_chameleon(const SearchSpace& space, const ChameleonOptions& options, uint64_t seed);

}  // namespace arco
