// Branch and bound over chips: the best chip for all tasks with a proof, or, when the trials are used up, with the gap
// that is left. For objectives that are the cycles of the network.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "arco/search/network_meter.h"
#include "arco/search/recorded_search.h"

namespace arco {

struct ChipProofOptions {
  size_t trials = 256;  // looks at a chip, each a few simulated schedules of one task
  int jobs = 0;         // threads, 0: all cores; the result is the same for any number
  TimingModel timing;
};

class ChipProof {
 public:
  using Report = std::function<void(size_t done, size_t planned, const ChipDesign& best)>;

  // All arguments must outlive it.
  ChipProof(const ChipTable& table, NetworkMeter& meter, RecordedSearch& records, const ChipProofOptions& options,
            Report report);
  ~ChipProof();

  // The best measured design; infinite cost if interrupted before there is one.
  ChipDesign run();
  // Cycles of the network that no chip of the table beats, measured or not.
  double proven_bound() const { return std::min(proven_, best_.cost); }

 private:
  struct Layer;
  struct Chip;
  struct Node {
    double bound;
    size_t chip;
    bool operator<(const Node& other) const {
      return bound != other.bound ? bound > other.bound : chip > other.chip;  // a heap's top is the least
    }
  };

  void visit(const std::vector<size_t>& chips);
  void begin(size_t number);
  void look_closer(size_t number);
  void conclude(size_t number);
  double bound_of(const Chip& chip) const;
  size_t widest_task(const Chip& chip) const;

  const ChipTable& table_;
  NetworkMeter& meter_;
  RecordedSearch& records_;
  ChipProofOptions options_;
  Report report_;
  std::map<size_t, std::unique_ptr<Chip>> chips_;  // begun, with a bound below the best
  ChipDesign best_;
  double proven_ = 0;
};

}  // namespace arco
