// The agents that ARCO comes with, pretrained on the closed form (data/agents.bin, made by `arco pretrain`).
#pragma once

#include <string>

#include "arco/marl/agent_library.h"
#include "arco/marl/mappo.h"
#include "arco/search/space.h"

namespace arco {

// The world that agents of a space live in, as an AgentLibrary names it: who turns which knobs, and the networks'
// sizes. Agents fit every space with the same text.
std::string agents_world(const SearchSpace& space, const MappoOptions& agents);

const AgentLibrary& shipped_agents();

}  // namespace arco
