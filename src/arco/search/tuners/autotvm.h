// AutoTVM's XGBoost tuner (Chen et al., "Learning to Optimize Tensor Programs", 2018), as released: boosted trees that
// rank, simulated annealing over them. The baseline of the paper.
#pragma once

#include <memory>

#include "arco/search/tuner.h"
#include "arco/search/tuners/model_annealing.h"
#include "arco/search/tuners/options.h"

namespace arco {

struct AutoTvmOptions {
  size_t plan_size = 64;              // measurements between two fits of the model
  double epsilon = 0.05;              // share of each plan drawn at random, at its end
  double diversity_filter_ratio = 0;  // 0: off; else >= 1: plan from so many times more candidates, by diversity
  size_t early_stopping = 0;          // end when so many measurements brought nothing better; 0: never
  bool transfer = false;              // tasks in turn, each beginning with what those before it measured
  size_t transfer_least = 500;        // measurements that it takes to learn from
  bool legal_only = false;            // the published one spends measurements on what is illegal
  TreeParameters trees{.loss = TreeLoss::kRank};
  ModelAnnealingOptions annealing;
};

template <OptionsOf<AutoTvmOptions> Options, typename Visitor>
void visit_options(Options& o, const Visitor& visit) {
  visit("plan_size", o.plan_size, 1, 100'000);
  visit("epsilon", o.epsilon, 0, 1);
  visit("diversity_filter_ratio", o.diversity_filter_ratio, 0, 1000);
  visit("early_stopping", o.early_stopping, 0, 1e9);
  visit("transfer", o.transfer);
  visit("transfer_least", o.transfer_least, 1, 1e9);
  visit("legal_only", o.legal_only);
  visit("loss", o.trees.loss);
  visit("max_depth", o.trees.max_depth, 1, 12);
  visit("eta", o.trees.eta, 1e-6, 1);
  visit("gamma", o.trees.gamma, 0, 1e9);
  visit("min_child_weight", o.trees.min_child_weight, 0, 1e9);
  visit("subsample", o.trees.subsample, 1e-3, 1);
  visit("lambda", o.trees.lambda, 0, 1e9);
  visit("alpha", o.trees.alpha, 0, 1e9);
  visit("rounds", o.trees.rounds, 1, 100'000);
  visit("patience", o.trees.patience, 0, 100'000);
  visit("annealing_chains", o.annealing.chains, 1, 100'000);
  visit("annealing_iterations", o.annealing.iterations, 0, 1'000'000);
  visit("annealing_early_stop", o.annealing.early_stop, 1, 1'000'000);
  visit("annealing_temperature", o.annealing.temperature_start, 0, 1e6);
}

std::unique_ptr<Tuner> make_autotvm(const SearchSpace& space, const AutoTvmOptions& options, uint64_t seed);

}  // namespace arco
