// Weights as bytes: a versioned, checked format for the networks of one learner.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arco/base/error.h"
#include "arco/marl/network.h"

namespace arco {

struct NetworkWeights {
  std::vector<uint32_t> widths;  // inputs, then the outputs of every layer
  std::vector<double> extra;     // what belongs to the network beside its parameters
  std::vector<float> parameters;
};

NetworkWeights weights_of(const Network& network);

// Little-endian: "ARCOMARL", u32 version, u32 networks; per network u32 counts of widths, extra and parameters, then
// these as u32, f64, f32; at the end the 64-bit FNV-1a hash of all before.
std::vector<uint8_t> encode_weights(const std::vector<NetworkWeights>& networks);

// Throws UserError naming `source` when the bytes are not of this format and version, damaged, or hold numbers that
// are not finite. Allocates no more than the size of the input warrants.
std::vector<NetworkWeights> decode_weights(std::span<const uint8_t> bytes, const std::string& source);

// Adds to `errors` what keeps `weights` from fitting into `network` with `extra` further numbers.
void check_weights(const NetworkWeights& weights, const Network& network, size_t extra, const std::string& name,
                   ErrorList& errors);

}  // namespace arco
