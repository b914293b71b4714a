#include "arco/marl/agent_library.h"

#include <string_view>

#include "arco/base/error.h"
#include "arco/marl/bytes.h"
#include "arco/marl/weights.h"

namespace arco {
namespace {
constexpr std::string_view kMagic = "ARCOAGNT";
constexpr uint32_t kVersion = 1;
}  // namespace

AgentLibrary::AgentLibrary(std::span<const uint8_t> bytes, const std::string& source) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) {
    fail_user("{}: not a file of agents (expected one that begins with \"{}\"); make one with `arco pretrain -o FILE`",
              source, kMagic);
  }
  ByteReader reader(bytes.subspan(kMagic.size()), source);
  if (const uint64_t version = reader.number(4); version != kVersion) {
    fail_user("{}: agents of format version {}, this program reads version {}; make them again with `arco pretrain`",
              source, version, kVersion);
  }
  const uint64_t count = reader.number(4);
  for (uint64_t i = 0; i < count; ++i) {
    const auto name = reader.block(reader.number(4));
    const auto weights = reader.block(reader.number(4));
    decode_weights(weights, source);  // says what is wrong with them now, not when they are first used
    const auto [at, is_new] =
        sets_.emplace(std::string(name.begin(), name.end()), std::vector<uint8_t>(weights.begin(), weights.end()));
    if (!is_new) fail_user("{}: holds agents for \"{}\" twice; make it again with `arco pretrain`", source, at->first);
  }
  if (!reader.at_end()) fail_user("{}: goes on after its last agents; make it again with `arco pretrain`", source);
}

std::vector<uint8_t> AgentLibrary::bytes() const {
  std::vector<uint8_t> bytes(kMagic.begin(), kMagic.end());
  put_number(bytes, kVersion, 4);
  put_number(bytes, sets_.size(), 4);
  for (const auto& [name, weights] : sets_) {
    put_number(bytes, name.size(), 4);
    bytes.insert(bytes.end(), name.begin(), name.end());
    put_number(bytes, weights.size(), 4);
    bytes.insert(bytes.end(), weights.begin(), weights.end());
  }
  return bytes;
}

const std::vector<uint8_t>* AgentLibrary::find(const std::string& world) const {
  const auto found = sets_.find(world);
  return found == sets_.end() ? nullptr : &found->second;
}

}  // namespace arco
