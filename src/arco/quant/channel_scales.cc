// The widest channel gets a multiplier of up to 15 bits, the others in proportion, rounded up so that their weights
// stay within int8. Weights that bring their steps keep their integers, with the nearest multiplier, where that changes
// results by little: a narrow channel's multiplier has few bits, but its sums are small too. With a residual and powers
// of two around, the multipliers are powers of two: what scales the residual to the accumulator's units is 2^k /
// multiplier then, a whole number.
//
// The product must fit in 31 bits. Bits of the accumulator are dropped for that by the first shift; where it would come
// within kGuardBits of the output's last bit, the multipliers give up bits instead, down to kFewestBits. Between grids,
// where multipliers are rounded, all numbers of bits are tried and the least error wins (in steps of the output):
//
//     half of what the first shift drops + range of y * relative error of the multiplier + the residual's error
#include "arco/quant/channel_scales.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "arco/quant/brought_scales.h"
#include "arco/quant/scales.h"

namespace arco {

namespace {

constexpr int kGuardBits = 4;
constexpr int kFewestBits = 8;
constexpr double kMostResidualError = 0.5;  // in steps of the output
constexpr double kMostStepError = 0.1;      // in steps of the output, for weights that keep their integers
// Weights may reach 127.49, which still rounds to 127.
const double kHighestWeight = std::nextafter(127.5, 0.0);

int bits_of(int32_t value) {
  return static_cast<int>(std::bit_width(static_cast<uint32_t>(value)));
}

// How far the integers of a grid may be from its zero point.
double reach_of(const Grid& grid) {
  return 128 + std::abs(static_cast<double>(grid.zero));
}

struct Channel {
  double step = 0;  // that the weights bring; 0: none
  double max_abs = 0;
  double positive = 0, negative = 0;  // sums of weights, as absolute values
  double bias = 0;                    // absolute

  double sum_abs() const { return positive + negative; }
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
      (value < 0 ? channels[c].negative : channels[c].positive) += magnitude;
    }
    if (bias != nullptr) channels[c].bias = std::fabs(static_cast<double>(bias->data<float>()[c]));
  }
  return channels;
}

class Chooser {
 public:
  Chooser(const Tensor& weights, const Array* bias, const Neighbours& neighbours)
      : channels_(channels_of(weights, bias)),
        length_(static_cast<double>(weights.constant->size()) / static_cast<double>(channels_.size())),
        at_(neighbours),
        ratio_(neighbours.output.step / neighbours.input.step) {}

  std::optional<ChannelScales> choose() const {
    double widest = 0;
    for (const Channel& channel : channels_) widest = std::max(widest, step_of(channel));
    if (widest == 0 && !at_.has_grids) return std::nullopt;
    // Without weights any step does.
    int total_shift = largest_exponent(widest > 0 ? widest / ratio_ : 1.0 / 128, kHighestMultiplier);
    std::optional<ChannelScales> best;
    double least_error = std::numeric_limits<double>::infinity();
    for (int bits = bits_of(kHighestMultiplier); bits >= kFewestBits; --bits, --total_shift) {
      auto scales = at_shift(total_shift);
      if (!scales) continue;
      if (at_.has_grids) {
        const double error = error_of(*scales);
        if (error >= least_error) continue;
        least_error = error;
        best = std::move(scales);
        continue;
      }
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

  std::optional<ChannelScales> at_shift(int total_shift) const {
    if (total_shift < 1) return std::nullopt;
    ChannelScales scales;
    scales.unit = std::ldexp(ratio_, -total_shift);
    for (const Channel& channel : channels_) {
      const double multiplier = multiplier_of(channel, scales.unit, total_shift);
      if (multiplier > kHighestMultiplier) return std::nullopt;
      scales.multipliers.push_back(static_cast<int32_t>(multiplier));
      const double step = multiplier * scales.unit;
      scales.steps.push_back(keeps_step(channel, step) ? channel.step : step);
    }
    if (at_.residual && !(at_.has_grids ? set_nearest_residual(scales) : set_exact_residual(scales))) {
      return std::nullopt;
    }
    scales.shift = std::max(0, total_shift - kHighestShift);
    for (; scales.shift < total_shift; ++scales.shift) {
      scales.product_shift = total_shift - scales.shift;
      if (fits(scales)) return scales;
    }
    return std::nullopt;
  }

  // Least multiplier with which weights fit in int8, the bias in 30 bits and the zero point in 29.
  double multiplier_of(const Channel& channel, double unit, int total_shift) const {
    const double for_weights = step_of(channel) / unit;
    const double for_bias = channel.bias / kHighestBias / (unit * at_.input.step);
    const double for_zero = std::ldexp(std::abs(static_cast<double>(at_.output.zero)), total_shift) / kHighestBias * 2;
    const double nearest = std::round(for_weights);
    const double rounded = keeps_step(channel, nearest * unit) ? nearest : std::ceil(for_weights);
    const double needed = std::max({1.0, rounded, std::ceil(for_bias), std::ceil(for_zero)});
    return at_.residual && !at_.has_grids ? std::exp2(std::ceil(std::log2(needed))) : needed;
  }

  // Whether the integers that the channel brings may count in these steps instead of their own.
  bool keeps_step(const Channel& channel, double step) const {
    if (channel.step == 0) return false;
    const double off = std::fabs(step / channel.step - 1);
    return off <= kStepTolerance || off * reach_of_sums(channel) <= kMostStepError;
  }

  // What a step of the residual is in units of the accumulator where the multiplier is 1.
  double residual_units(const ChannelScales& scales) const {
    return at_.residual->step / (at_.input.step * scales.unit);
  }

  // residual_multiplier * multiplier * 2^residual_shift = residual_units, a power of two
  bool set_exact_residual(ChannelScales& scales) const {
    const int sum = std::ilogb(residual_units(scales));
    const auto log2 = [](int32_t power) { return bits_of(power) - 1; };
    const int highest = log2(*std::max_element(scales.multipliers.begin(), scales.multipliers.end()));
    scales.residual_shift = sum - highest;
    if (scales.residual_shift < 0 || scales.residual_shift > kHighestResidualShift) return false;
    for (const int32_t multiplier : scales.multipliers) {
      scales.residual_multipliers.push_back(int32_t{1} << (highest - log2(multiplier)));
    }
    return true;
  }

  bool set_nearest_residual(ChannelScales& scales) const {
    const double units = residual_units(scales);
    const double most = units / *std::min_element(scales.multipliers.begin(), scales.multipliers.end());
    while (std::ldexp(most, -scales.residual_shift) > kHighestMultiplier) ++scales.residual_shift;
    if (scales.residual_shift > kHighestResidualShift) return false;
    for (const int32_t multiplier : scales.multipliers) {
      const double nearest = std::round(std::ldexp(units / multiplier, -scales.residual_shift));
      scales.residual_multipliers.push_back(std::max(1, static_cast<int32_t>(nearest)));
    }
    for (size_t c = 0; c < channels_.size(); ++c) {
      if (residual_error(scales, c) > kMostResidualError) return false;
    }
    return true;
  }

  // In steps of the output, as the two below.
  double residual_error(const ChannelScales& scales, size_t c) const {
    const double exact = residual_units(scales) / scales.multipliers[c];
    const double off = std::fabs(std::ldexp(scales.residual_multipliers[c], scales.residual_shift) - exact);
    return reach_of(*at_.residual) * off * scales.multipliers[c] * scales.unit / ratio_;
  }
  double multiplier_error(const ChannelScales& scales, size_t c) const {
    const Channel& channel = channels_[c];
    if (channel.step == 0) return 0;
    return reach_of_sums(channel) * std::fabs(scales.multipliers[c] * scales.unit / channel.step - 1);
  }
  double error_of(const ChannelScales& scales) const {
    double worst = 0;
    for (size_t c = 0; c < channels_.size(); ++c) {
      double error = multiplier_error(scales, c);
      if (scales.shift > 0) error += std::ldexp(scales.multipliers[c], -scales.product_shift - 1);
      if (at_.residual) error += residual_error(scales, c);
      worst = std::max(worst, error);
    }
    return worst;
  }

  // The greatest sum of products of a channel, weights as they are, input in integers less its zero point.
  double greatest_sum(const Channel& channel) const {
    const double above = 128.0 - at_.input.zero;
    const double below = 128.0 + at_.input.zero;
    return std::max(above * channel.positive + below * channel.negative,
                    below * channel.positive + above * channel.negative);
  }
  // How much of the output they can take, in its steps.
  double reach_of_sums(const Channel& channel) const {
    return std::min(reach_of(at_.output), greatest_sum(channel) / ratio_);
  }

  // Whether no input can make an accumulator or a product overflow.
  bool fits(const ChannelScales& scales) const {
    for (size_t c = 0; c < channels_.size(); ++c) {
      const auto multiplier = static_cast<double>(scales.multipliers[c]);
      const double unit = scales.unit * multiplier;
      const double rounded = length_ / 2;  // of the weights, in their steps
      double bias = channels_[c].bias / (unit * at_.input.step) + 1;
      double worst = greatest_sum(channels_[c]) / scales.steps[c] + rounded * reach_of(at_.input) + bias;
      const auto offset = static_cast<double>(
          std::abs(channel_offset(scales.shift, scales.product_shift, scales.multipliers[c], at_.output.zero)));
      worst += offset;
      bias += std::abs(static_cast<double>(at_.input.zero)) * (channels_[c].sum_abs() / scales.steps[c] + rounded);
      if (at_.residual) {
        const double step = at_.residual->step / (unit * at_.input.step) + 1;
        worst += reach_of(*at_.residual) * step;
        bias += std::abs(static_cast<double>(at_.residual->zero)) * step;
      }
      if (at_.has_grids && std::max(bias, offset) > kHighestBias) return false;
      if (worst >= kAccumulatorLimit) return false;
      if ((std::ldexp(worst, -scales.shift) + 1) * multiplier >= kAccumulatorLimit) return false;
    }
    return true;
  }

  const std::vector<Channel> channels_;
  const double length_;  // weights of a channel
  const Neighbours at_;
  const double ratio_;  // step of the output in steps of the input
};

}  // namespace

int64_t channel_offset(int shift, int product_shift, int64_t multiplier, int32_t zero) {
  const int64_t half = int64_t{1} << (shift + product_shift - 1);
  const int64_t numerator = half + 2 * half * zero + multiplier / 2;
  const int64_t rounded_down = numerator / multiplier - (numerator % multiplier < 0 ? 1 : 0);
  return rounded_down + (shift > 0 ? int64_t{1} << (shift - 1) : 0);
}

std::optional<ChannelScales> choose_channel_scales(const Tensor& weights, const Array* bias,
                                                   const Neighbours& neighbours) {
  return Chooser(weights, bias, neighbours).choose();
}

}  // namespace arco
