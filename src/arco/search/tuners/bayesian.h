// Bayesian optimisation: an ensemble of boosted trees says how good and how sure, expected improvement decides.
#pragma once

#include <memory>

#include "arco/search/tuner.h"
#include "arco/search/tuners/options.h"

namespace arco {

struct BayesianOptions {
  size_t initial = 16;             // random legal configurations before the first model
  size_t candidates = 50'000;      // most that are scored per batch; all legal ones where the space has fewer
  size_t neighbourhoods = 32;      // best measured ones whose neighbours become candidates in larger spaces
  double exploration = 0.01;       // log2(cycles) by which an improvement must be larger to count
  double least_spread = 0.01;      // log2(cycles): trees that agree are not certain
  bool diverse_batch = true;       // prefer members of a batch that differ in more knobs
  bool estimate_as_prior = false;  // learn the residual to the closed-form estimate instead of the cycles
  int replicas = 5;                // members of the ensemble
  int rounds = 60;                 // trees of each
};

template <OptionsOf<BayesianOptions> Options, typename Visitor>
void visit_options(Options& o, const Visitor& visit) {
  visit("initial", o.initial, 1, 100'000);
  visit("candidates", o.candidates, 1, 10'000'000);
  visit("neighbourhoods", o.neighbourhoods, 0, 10'000);
  visit("exploration", o.exploration, 0, 100);
  visit("least_spread", o.least_spread, 1e-9, 100);
  visit("diverse_batch", o.diverse_batch);
  visit("estimate_as_prior", o.estimate_as_prior);
  visit("replicas", o.replicas, 1, 100);
  visit("rounds", o.rounds, 1, 10'000);
}

// Asks for legal configurations only.
std::unique_ptr<Tuner> make_bayesian(const SearchSpace& space, const BayesianOptions& options, uint64_t seed);

}  // namespace arco
