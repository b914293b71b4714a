// Uniform sampling without repetition: what every other tuner has to beat.
#pragma once

#include <memory>

#include "arco/search/tuner.h"
#include "arco/search/tuners/options.h"

namespace arco {

struct RandomOptions {
  bool legal_only = false;  // AutoTVM's random tuner does not know what is legal
};

template <OptionsOf<RandomOptions> Options, typename Visitor>
void visit_options(Options& o, const Visitor& visit) {
  visit("legal_only", o.legal_only);
}

std::unique_ptr<Tuner> make_random(const SearchSpace& space, const RandomOptions& options, uint64_t seed);

}  // namespace arco
