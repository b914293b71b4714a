// Confidence sampling: of many configurations that the agents met, the few that are worth measuring.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "arco/base/random.h"
#include "arco/search/space.h"

namespace arco {

// How a configuration came to be measured.
enum class ChoiceReason : uint8_t {
  kInitial,      // before anything was measured: default, best bounds, spread over the space
  kExact,        // best of the whole space by the model
  kTop,          // best of the agents' configurations by the model (without confidence sampling)
  kKept,         // confidence sampling: drawn and above the soft threshold
  kSynthesised,  // confidence sampling: made of the kept ones' most frequent knob values
  kDrawn,        // confidence sampling: next by probability, where synthesis found nothing new
  kRandom,       // exploration
};
const char* to_string(ChoiceReason reason);

struct ConfidenceSamplingOptions {
  // At most so many configurations, the best by the model. A softmax over thousands would hardly ever draw the best.
  size_t pool = 128;
  bool mix_model = true;          // confidence is half the critic's, half the model's
  double optimism = 1;            // spreads added to the model's fitness
  double drawn_per_slot = 2;      // candidates drawn for each one wanted
  double threshold_width = 0.25;  // of the soft threshold, in standard deviations; 0: a hard one
  int synthesis_tries = 64;       // for each configuration to make
  double random_share = 0.05;     // of the batch, at least one unless 0
};

// A configuration that was not measured, as critic and model see it.
struct ConfidenceCandidate {
  uint64_t index = 0;
  float critic = 0;  // in units of fitness
  float mean = 0;
  float spread = 0;
};

struct ConfidentChoice {
  uint64_t index = 0;
  ChoiceReason reason = ChoiceReason::kKept;
  double confidence = 0;   // z-scored over the pool; kept and drawn ones only
  double probability = 0;  // likewise
};

struct ConfidenceSurroundings {
  const SearchSpace& space;
  std::function<bool(uint64_t)> open;                         // legal and never visited
  std::function<std::optional<uint64_t>(Random&)> draw_open;  // uniform among those; empty if there is none
};

// Up to `batch` different open configurations, most confident first: kept, synthesised, drawn, then random.
// `temperature` of the probabilities falls from 1 to 0.3 over a search. Fewer when nothing else is open.
std::vector<ConfidentChoice> confidence_sampling(const ConfidenceSurroundings& surroundings,
                                                 const std::vector<ConfidenceCandidate>& pool, size_t batch,
                                                 double temperature, const ConfidenceSamplingOptions& options,
                                                 Random& random);

}  // namespace arco
