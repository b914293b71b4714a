// A finite space of configurations, one choice per knob, as every tuner sees it: no tuner knows what a knob means.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arco/search/measurement.h"

namespace arco {

// Which ARCO agent moves a knob.
enum class Agent : uint8_t { kHardware = 0, kScheduling = 1, kMapping = 2 };
constexpr int kAgentCount = 3;
const char* to_string(Agent agent);

struct Knob {
  std::string name;  // "tile_h", "block_in"
  Agent owner = Agent::kMapping;
  std::vector<int64_t> values;  // ascending
};

// choice[j] is a position in knobs()[j].values.
using Choice = std::vector<int>;

// How close a configuration comes to its limits: 1 is the limit. Parts of observations and penalties.
struct Resources {
  float area = 0;    // area / allowed area
  float memory = 0;  // on-chip bytes / allowed bytes
  float inp = 0;     // demanded bytes / buffer bytes
  float wgt = 0;
  float acc = 0;
};

class SearchSpace {
 public:
  virtual ~SearchSpace() = default;

  const std::vector<Knob>& knobs() const { return knobs_; }
  uint64_t size() const;  // product of the options, illegal ones included

  // Mixed radix, first knob least significant.
  uint64_t encode(const Choice& choice) const;
  Choice decode(uint64_t index) const;

  // Static legality: "" or the first violated rule with needed and available amounts. Must be cheap (< 1 us).
  virtual std::string why_illegal(const Choice& choice) const = 0;
  virtual bool legal(const Choice& choice) const { return why_illegal(choice).empty(); }

  // Inputs of a learned cost model. Any choice, legal or not.
  virtual size_t feature_count() const = 0;
  virtual void features(const Choice& choice, std::span<float> out) const = 0;
  // log2 descriptors of the workload, scaled to about [0, 1]; the same for all choices of a space.
  virtual std::vector<float> workload_descriptor() const = 0;
  virtual Resources resources(const Choice& choice) const = 0;

  // What tuners minimise, of a measurement that is ok: by default its cycles.
  virtual double cost(const Measurement& measurement) const { return measurement.cycles; }
  // The same in closed form; only for legal choices. bound() never exceeds the measured cost.
  virtual double bound(const Choice& choice) const = 0;
  virtual double estimate(const Choice& choice) const = 0;
  // The configuration that stands for "untuned": legal whenever the space has a legal point.
  virtual Choice default_choice() const = 0;

 protected:
  std::vector<Knob> knobs_;
};

}  // namespace arco
