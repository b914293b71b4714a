// Multi-discrete policies: each head chooses one of three moves, independently given the observation.
#pragma once

#include "arco/base/random.h"
#include "arco/marl/matrix.h"

namespace arco {

// Unavailable moves get this logit, before softmax, in the rollout and in the update alike.
constexpr float kMaskedLogit = -1e10f;

struct HeadDistribution {
  float probability[kMoves];
  float log_probability[kMoves];
  float entropy;
};

// Softmax of three logits under a mask; at least one move must be available.
HeadDistribution head_distribution(const float* logits, const uint8_t* mask);

// Draws one move per head and sample. logits, masks [3 * heads x samples]; moves, log_probabilities [heads x samples].
void sample_moves(const Matrix& logits, const Masks& masks, Random& random, Moves& moves, Matrix& log_probabilities);

// The most probable move of every head.
Moves best_moves(const Matrix& logits, const Masks& masks);

}  // namespace arco
