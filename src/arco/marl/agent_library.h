// Agents for several worlds in one file: each set of weights (Mappo::save) under the name of the world it fits.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace arco {

class AgentLibrary {
 public:
  AgentLibrary() = default;
  // Throws UserError naming `source` unless the bytes come from bytes() and every set in them is whole.
  AgentLibrary(std::span<const uint8_t> bytes, const std::string& source);

  // "ARCOAGNT", u32 version, u32 sets; per set, in the order of the names: u32 length and name, u32 length and weights.
  std::vector<uint8_t> bytes() const;

  void put(const std::string& world, std::vector<uint8_t> weights) { sets_[world] = std::move(weights); }
  // nullptr if there are no agents for that world.
  const std::vector<uint8_t>* find(const std::string& world) const;
  const std::map<std::string, std::vector<uint8_t>>& sets() const { return sets_; }

 private:
  std::map<std::string, std::vector<uint8_t>> sets_;
};

}  // namespace arco
