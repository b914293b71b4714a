// A genetic algorithm over the knobs, as AutoTVM ships it.
#pragma once

#include <memory>

#include "arco/search/tuner.h"
#include "arco/search/tuners/options.h"

namespace arco {

struct GeneticOptions {
  size_t population = 100;  // individuals measured per generation (the VTA tutorial takes 50)
  size_t elite = 3;         // best of all time that stay parents
  double mutation = 0.1;    // probability of a fresh random value, per knob of a child
  bool legal_only = false;  // the published one does not know what is legal
};

template <OptionsOf<GeneticOptions> Options, typename Visitor>
void visit_options(Options& o, const Visitor& visit) {
  visit("population", o.population, 2, 100'000);
  visit("elite", o.elite, 0, 100'000);
  visit("mutation", o.mutation, 0, 1);
  visit("legal_only", o.legal_only);
}

std::unique_ptr<Tuner> make_genetic(const SearchSpace& space, const GeneticOptions& options, uint64_t seed);

}  // namespace arco
