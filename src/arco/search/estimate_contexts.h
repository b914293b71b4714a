// The closed forms of one workload on many chips, from any thread. A context is built when it is first needed; chips
// that differ only in their buffers of data share one, because no closed form depends on those.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>

#include "arco/schedule/estimate.h"

namespace arco {

class EstimateContexts {
 public:
  explicit EstimateContexts(const Workload& workload) : workload_(workload) {}
  const EstimateContext& on(const HardwareConfig& hardware) const;

 private:
  using Key = std::array<int, 7>;  // all that tells chips apart, data buffers left out
  Workload workload_;
  mutable std::mutex mutex_;
  mutable std::map<Key, std::unique_ptr<const EstimateContext>> contexts_;
};

}  // namespace arco
