// Simulated annealing on real measurements, without a model.
#pragma once

#include <memory>

#include "arco/search/tuner.h"
#include "arco/search/tuners/options.h"

namespace arco {

struct AnnealingOptions {
  size_t chains = 8;         // walks side by side: a batch of measurements has one step of each
  double temperature = 0.5;  // at the start, in log2(cycles): a step 1.4 times slower is taken with probability 1/e
  double half_life = 64;     // measurements after which the temperature has halved
  int patience = 64;         // moves without anything new to measure before a chain starts elsewhere
  bool legal_only = true;    // do not spend measurements on what is known to be illegal
};

template <OptionsOf<AnnealingOptions> Options, typename Visitor>
void visit_options(Options& o, const Visitor& visit) {
  visit("chains", o.chains, 1, 10'000);
  visit("temperature", o.temperature, 0, 100);
  visit("half_life", o.half_life, 1, 1e9);
  visit("patience", o.patience, 1, 100'000);
  visit("legal_only", o.legal_only);
}

std::unique_ptr<Tuner> make_annealing(const SearchSpace& space, const AnnealingOptions& options, uint64_t seed);

}  // namespace arco
