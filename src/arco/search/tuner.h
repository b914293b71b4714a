// The seam between search algorithms and measuring: ask for configurations, tell what they measured.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arco/search/measurement.h"
#include "arco/search/residual_transfer.h"
#include "arco/search/space.h"

namespace arco {

class Tuner {
 public:
  virtual ~Tuner() = default;
  // Up to `count` configurations never asked before, best guess first. Empty: the tuner has nothing left to try.
  virtual std::vector<uint64_t> ask(size_t count) = 0;
  // Results of configurations, asked for or not (a resumed run tells the recorded ones first).
  virtual void tell(const std::vector<Measurement>& results) = 0;
  // What searches of other spaces with the same features measured, before the first ask. Most tuners have no use for
  // it.
  virtual void learn_from_others(const std::vector<TransferSource>& others) { (void)others; }
  // True once the tuner can prove that nothing better is left.
  virtual bool proved_optimal() const { return false; }
  // Cost that no legal configuration can beat, measured or not; 0: nothing is proven.
  virtual double proven_bound() const { return 0; }
  // Of the time inside ask and tell, what fitting cost models took. For reports only.
  virtual double fit_seconds() const { return 0; }
};

struct TuneResult {
  Measurement best;                  // status ok, or kIllegal when nothing legal was found
  std::vector<Measurement> history;  // in order of measuring
  bool proved_optimal = false;
  double proven_bound = 0;  // cost; best.cost / proven_bound - 1 is the proven gap
  double measure_seconds = 0;
  double search_seconds = 0;  // inside ask and tell, fitting included
  double fit_seconds = 0;
  // Until each member of history was known; 0 for those known from the start.
  struct Elapsed {
    double measure_seconds = 0;
    double search_seconds = 0;
  };
  std::vector<Elapsed> elapsed;
};

// Runs ask, measure, tell until `trials` measurements, an empty ask, a proof, or an interrupt.
// `known` measurements count as trials already done. Batches have `batch` configurations.
TuneResult run_tuner(Tuner& tuner, const Measurer& measure, size_t trials, size_t batch = 16,
                     const std::vector<Measurement>& known = {});

}  // namespace arco
