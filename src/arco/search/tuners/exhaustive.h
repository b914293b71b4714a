// Branch and bound on the closed form: measures configurations in the order of their bound and stops with a proof.
#pragma once

#include <memory>

#include "arco/search/tuner.h"
#include "arco/search/tuners/options.h"

namespace arco {

struct ExhaustiveOptions {
  uint64_t most_configurations = uint64_t{1} << 24;  // of the space; each legal one takes 16 bytes
  int jobs = 0;                                      // threads that enumerate; 0: all cores
};

template <OptionsOf<ExhaustiveOptions> Options, typename Visitor>
void visit_options(Options& o, const Visitor& visit) {
  visit("most_configurations", o.most_configurations, 1, 1ULL << 32);
  visit("jobs", o.jobs, 0, 1024);
}

// proved_optimal() holds as soon as no configuration left has a bound below the best measured; proven_bound() is what
// the proof has reached so far. UserError if the space has more than `most_configurations`.
std::unique_ptr<Tuner> make_exhaustive(const SearchSpace& space, const ExhaustiveOptions& options);

}  // namespace arco
