// What measurements of some layers say about others: how far the closed form is off, by features and workload.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "arco/search/cost_model.h"
#include "arco/search/measurement.h"
#include "arco/search/space.h"

namespace arco {

// The results of one search.
struct TransferSource {
  const SearchSpace& space;
  std::span<const Measurement> results;
};

class ResidualTransfer {
 public:
  // Learns log2(estimate / cost) of everything that was measured, from features and workload descriptors. The spaces
  // must have equally many of both. nullptr where too little was measured to say anything, or where layers do not help
  // to predict each other.
  static std::shared_ptr<const ResidualTransfer> learn(std::span<const TransferSource> sources, uint64_t seed);

  // For rows of a space's features: by how much fitness exceeds what the estimate says.
  std::vector<float> predict(const FeatureMatrix& features, std::span<const float> descriptor) const;
  // Nothing that was learned from exceeded its estimate's fitness by more.
  float highest() const { return highest_; }

 private:
  TreeModel trees_;
  float mean_ = 0;
  float highest_ = 0;
};

}  // namespace arco
