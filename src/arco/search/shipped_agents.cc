// The file becomes part of the program when it is assembled.
#include "arco/search/shipped_agents.h"

#include <fmt/ranges.h>

#include <cstdint>
#include <span>

__asm__(
    ".pushsection .rodata\n"
    ".balign 8\n"
    "arco_shipped_agents_begin:\n"
    ".incbin \"" ARCO_AGENTS_FILE
    "\"\n"
    "arco_shipped_agents_end:\n"
    ".popsection\n");
extern "C" {
extern const uint8_t arco_shipped_agents_begin[];
extern const uint8_t arco_shipped_agents_end[];
}

namespace arco {

std::string agents_world(const SearchSpace& space, const MappoOptions& agents) {
  std::string world;
  for (int owner = 0; owner < kAgentCount; ++owner) {
    std::vector<std::string> names;
    for (const Knob& knob : space.knobs()) {
      if (knob.owner == static_cast<Agent>(owner)) names.push_back(knob.name);
    }
    if (!names.empty()) world += fmt::format("{} {}; ", to_string(static_cast<Agent>(owner)), fmt::join(names, ","));
  }
  return world + fmt::format("{} workload sizes; actors {}{}; critics {}{}", space.workload_descriptor().size(),
                             fmt::join(agents.actor_hidden, "-"), agents.single_agent ? " shared" : "",
                             fmt::join(agents.critic_hidden, "-"), agents.independent_critics ? " local" : "");
}

const AgentLibrary& shipped_agents() {
  static const AgentLibrary library(
      {arco_shipped_agents_begin, static_cast<size_t>(arco_shipped_agents_end - arco_shipped_agents_begin)},
      "ARCO's own agents");
  return library;
}

}  // namespace arco
