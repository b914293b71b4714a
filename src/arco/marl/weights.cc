#include "arco/marl/weights.h"

#include <bit>
#include <cmath>
#include <string_view>

#include "arco/marl/bytes.h"

namespace arco {
namespace {

constexpr std::string_view kMagic = "ARCOMARL";
constexpr uint32_t kVersion = 1;

uint64_t fnv1a(std::span<const uint8_t> bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

template <typename T>
T finite(T value, const std::string& source) {
  if (!std::isfinite(value))
    fail_user("{}: holds a weight that is not a finite number; train the agents again", source);
  return value;
}

NetworkWeights read_network(ByteReader& reader, const std::string& source) {
  NetworkWeights network;
  const uint64_t widths = reader.number(4), extra = reader.number(4), parameters = reader.number(4);
  reader.need(widths, 4);
  network.widths.resize(widths);
  for (uint32_t& width : network.widths) width = static_cast<uint32_t>(reader.number(4));
  reader.need(extra, 8);
  network.extra.resize(extra);
  for (double& value : network.extra) value = finite(std::bit_cast<double>(reader.number(8)), source);
  reader.need(parameters, 4);
  network.parameters.resize(parameters);
  for (float& value : network.parameters) {
    value = finite(std::bit_cast<float>(static_cast<uint32_t>(reader.number(4))), source);
  }
  return network;
}

}  // namespace

NetworkWeights weights_of(const Network& network) {
  NetworkWeights weights;
  weights.widths.push_back(network.inputs());
  for (const LayerSpec& layer : network.layers()) weights.widths.push_back(layer.outputs);
  weights.parameters.assign(network.parameters().begin(), network.parameters().end());
  return weights;
}

std::vector<uint8_t> encode_weights(const std::vector<NetworkWeights>& networks) {
  std::vector<uint8_t> bytes(kMagic.begin(), kMagic.end());
  put_number(bytes, kVersion, 4);
  put_number(bytes, networks.size(), 4);
  for (const NetworkWeights& network : networks) {
    put_number(bytes, network.widths.size(), 4);
    put_number(bytes, network.extra.size(), 4);
    put_number(bytes, network.parameters.size(), 4);
    for (const uint32_t width : network.widths) put_number(bytes, width, 4);
    for (const double value : network.extra) put_number(bytes, std::bit_cast<uint64_t>(value), 8);
    for (const float value : network.parameters) put_number(bytes, std::bit_cast<uint32_t>(value), 4);
  }
  put_number(bytes, fnv1a(bytes), 8);
  return bytes;
}

std::vector<NetworkWeights> decode_weights(std::span<const uint8_t> bytes, const std::string& source) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic) || bytes.size() < kMagic.size() + 16) {
    fail_user("{}: not agents' weights (expected a file that begins with \"{}\"); give a file written by ARCO", source,
              kMagic);
  }
  ByteReader reader(bytes.subspan(kMagic.size()), source);
  const uint64_t version = reader.number(4);
  if (version != kVersion) {
    fail_user("{}: weights of format version {}, this program reads version {}; save them again with this program",
              source, version, kVersion);
  }
  const std::span<const uint8_t> body = bytes.first(bytes.size() - 8);
  if (ByteReader(bytes.last(8), source).number(8) != fnv1a(body)) {
    fail_user("{}: damaged (its checksum does not match its {} bytes); copy or save it again", source, bytes.size());
  }
  ByteReader networks(body.subspan(kMagic.size() + 4), source);
  const uint64_t count = networks.number(4);
  networks.need(count, 12);
  std::vector<NetworkWeights> result;
  for (uint64_t i = 0; i < count; ++i) result.push_back(read_network(networks, source));
  if (!networks.at_end()) fail_user("{}: goes on after its last network; save it again", source);
  return result;
}

void check_weights(const NetworkWeights& weights, const Network& network, size_t extra, const std::string& name,
                   ErrorList& errors) {
  const NetworkWeights expected = weights_of(network);
  if (weights.widths != expected.widths) {
    errors.add("{}: layers {} found, {} expected", name, fmt::join(weights.widths, "-"),
               fmt::join(expected.widths, "-"));
  } else if (weights.parameters.size() != expected.parameters.size() || weights.extra.size() != extra) {
    errors.add("{}: {} parameters and {} further numbers found, {} and {} expected", name, weights.parameters.size(),
               weights.extra.size(), expected.parameters.size(), extra);
  }
}

}  // namespace arco
