// Agents that have learned on the closed form before they see a measurement: walks through the spaces of many
// workloads.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "arco/marl/agent_library.h"
#include "arco/schedule/workload.h"

namespace arco {

struct PretrainingOptions {
  int updates = 60;  // of the agents of each world
  uint64_t seed = 0;
  int jobs = 0;  // worlds at a time, 0: all cores; the result is the same for any number
};

// Agents for every kind of space: the full one and the paper's, with the chip's knobs and on a given chip. Half of the
// worlds they walk in are of `workloads`, the others of random convolutions. Reports (done, all) updates, from one
// thread at a time. After an interrupt the agents are worth nothing.
AgentLibrary pretrain_agents(const std::vector<Workload>& workloads, const PretrainingOptions& options,
                             const std::function<void(int, int)>& progress = {});

}  // namespace arco
