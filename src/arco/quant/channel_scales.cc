// The widest channel gets a multiplier of up to 15 bits, the others in proportion, rounded up so that their weights
// stay within int8. With a residual the multipliers are powers of two: what scales the residual to the accumulator's
// units is 2^k / multiplier then, a whole number.
//
// The product must fit in 31 bits. Bits of the accumulator are dropped for that by the first shift; where it would come
// within kGuardBits of the output's last bit, the multipliers give up bits instead, down to kFewestBits.
#include "arco/quant/channel_scales.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "arco/quant/brought_scales.h"
#include "arco/quant/scales.h"

namespace arco {

namespace {

constexpr int kGuardBits = 4;
constexpr int kFewestBits = 8;
constexpr double kAccumulatorLimit = 2147483648.0;
// Weights may reach 127.49, which still rounds to 127.
const double kHighestWeight = std::nextafter(127.5, 0.0);

int bits_of(int32_t value) {
  return static_cast<int>(std::bit_width(static_cast<uint32_t>(value)));
}

struct Channel {
  double step = 0;  // that the weights bring; 0: none
  double max_abs = 0;
  double sum_abs = 0;
  double bias = 0;  // absolute
};

std::vector<Channel> channels_of(const Tensor& weights, const Array* bias) {
  std::vector<Channel> channels(static_cast<size_t>(weights.shape[0]));
  const std::vector<double> steps = channel_steps(weights);
  const auto values = weights.constant->data<float>();
  const size_t length = values.size() / channels.size();
  for (size_t c = 0; c < channels.size(); ++c) {
    if (!steps.empty()) channels[c].step = steps[c];
    for (const float value : values.subspan(c * length, length)) {
      const double magnitude = std::fabs(static_cast<double>(value));
      channels[c].max_abs = std::max(channels[c].max_abs, magnitude);
      channels[c].sum_abs += magnitude;
    }
    if (bias != nullptr) channels[c].bias = std::fabs(static_cast<double>(bias->data<float>()[c]));
  }
  return channels;
}

class Chooser {
 public:
  Chooser(const Tensor& weights, const Array* bias, const NeighbourExponents& exponents)
      : channels_(channels_of(weights, bias)),
        length_(static_cast<double>(weights.constant->size()) / static_cast<double>(channels_.size())),
        at_(exponents) {}

  std::optional<ChannelScales> choose() const {
    double widest = 0;
    for (const Channel& channel : channels_) widest = std::max(widest, step_of(channel));
    if (widest == 0) return std::nullopt;
    int exponent = largest_exponent(widest, kHighestMultiplier);
    std::optional<ChannelScales> best;
    for (int bits = bits_of(kHighestMultiplier); bits >= kFewestBits; --bits, --exponent) {
      auto scales = at_exponent(exponent);
      if (!scales) continue;
      const int32_t largest = *std::max_element(scales->multipliers.begin(), scales->multipliers.end());
      best = std::move(scales);
      const bool precise = best->product_shift >= bits_of(largest) + kGuardBits;
      if (precise || best->shift == 0) break;
    }
    return best;
  }

 private:
  // The finest step with which the channel's weights fit in int8, or their own.
  static double step_of(const Channel& channel) {
    return channel.step > 0 ? channel.step : channel.max_abs / kHighestWeight;
  }

  std::optional<ChannelScales> at_exponent(int exponent) const {
    ChannelScales scales;
    scales.exponent = exponent;
    const int total_shift = at_.input + exponent - at_.output;
    if (total_shift < 1) return std::nullopt;
    for (const Channel& channel : channels_) {
      const double multiplier = multiplier_of(channel, exponent);
      if (multiplier > kHighestMultiplier) return std::nullopt;
      scales.multipliers.push_back(static_cast<int32_t>(multiplier));
    }
    if (at_.residual && !set_residual(scales)) return std::nullopt;
    scales.shift = std::max(0, total_shift - kHighestShift);
    for (; scales.shift < total_shift; ++scales.shift) {
      scales.product_shift = total_shift - scales.shift;
      if (fits(scales)) return scales;
    }
    return std::nullopt;
  }

  // Least multiplier with which weights fit in int8 and the bias in 30 bits.
  double multiplier_of(const Channel& channel, int exponent) const {
    const double for_weights = std::ldexp(step_of(channel), exponent);
    const double for_bias = std::ldexp(channel.bias / kHighestBias, exponent + at_.input);
    const double rounded = channel.step > 0 ? std::round(for_weights) : std::ceil(for_weights);
    const double needed = std::max({1.0, rounded, std::ceil(for_bias)});
    return at_.residual ? std::exp2(std::ceil(std::log2(needed))) : needed;
  }

  // residual_multiplier * multiplier * 2^residual_shift = 2^(input + exponent - residual)
  bool set_residual(ChannelScales& scales) const {
    const int sum = at_.input + scales.exponent - *at_.residual;
    const auto log2 = [](int32_t power) { return bits_of(power) - 1; };
    const int highest = log2(*std::max_element(scales.multipliers.begin(), scales.multipliers.end()));
    scales.residual_shift = sum - highest;
    if (scales.residual_shift < 0 || scales.residual_shift > kHighestResidualShift) return false;
    for (const int32_t multiplier : scales.multipliers) {
      scales.residual_multipliers.push_back(int32_t{1} << (highest - log2(multiplier)));
    }
    return true;
  }

  // Whether no input can make an accumulator or a product overflow.
  bool fits(const ChannelScales& scales) const {
    for (size_t c = 0; c < channels_.size(); ++c) {
      const auto multiplier = static_cast<double>(scales.multipliers[c]);
      const double unit = std::ldexp(1.0, scales.exponent) / multiplier;
      double worst = (channels_[c].sum_abs * unit + length_ / 2) * 128;
      worst += std::ldexp(channels_[c].bias * unit, at_.input) + 1;
      worst += static_cast<double>(channel_offset(scales.shift, scales.product_shift, scales.multipliers[c]));
      if (at_.residual) worst += std::ldexp(128 * unit, at_.input - *at_.residual);
      if (worst >= kAccumulatorLimit) return false;
      if ((std::ldexp(worst, -scales.shift) + 1) * multiplier >= kAccumulatorLimit) return false;
    }
    return true;
  }

  const std::vector<Channel> channels_;
  const double length_;  // weights of a channel
  const NeighbourExponents at_;
};

}  // namespace

int64_t channel_offset(int shift, int product_shift, int64_t multiplier) {
  const int64_t half = int64_t{1} << (shift + product_shift - 1);
  return (half + multiplier / 2) / multiplier + (shift > 0 ? int64_t{1} << (shift - 1) : 0);
}

std::optional<ChannelScales> choose_channel_scales(const Tensor& weights, const Array* bias,
                                                   const NeighbourExponents& exponents) {
  return Chooser(weights, bias, exponents).choose();
}

}  // namespace arco
