// log pi_j = z_j - max z - log sum_k exp(z_k - max z), with masked z = -1e10, so that exp is exactly 0 for them.
#include "arco/marl/policy.h"

#include <algorithm>
#include <cmath>

#include "arco/base/error.h"

namespace arco {

HeadDistribution head_distribution(const float* logits, const uint8_t* mask) {
  ARCO_CHECK(mask[0] || mask[1] || mask[2], "a head without an available move");
  float z[kMoves];
  for (int j = 0; j < kMoves; ++j) z[j] = mask[j] ? logits[j] : kMaskedLogit;
  const float largest = std::max({z[0], z[1], z[2]});
  HeadDistribution head;
  float sum = 0;
  for (int j = 0; j < kMoves; ++j) sum += head.probability[j] = std::exp(z[j] - largest);
  const float log_sum = std::log(sum);
  head.entropy = 0;
  for (int j = 0; j < kMoves; ++j) {
    head.probability[j] /= sum;
    head.log_probability[j] = z[j] - largest - log_sum;
    head.entropy -= head.probability[j] * head.log_probability[j];
  }
  return head;
}

void sample_moves(const Matrix& logits, const Masks& masks, Random& random, Moves& moves, Matrix& log_probabilities) {
  const Eigen::Index heads = logits.rows() / kMoves;
  moves.resize(heads, logits.cols());
  log_probabilities.resize(heads, logits.cols());
  for (Eigen::Index s = 0; s < logits.cols(); ++s) {
    for (Eigen::Index h = 0; h < heads; ++h) {
      const uint8_t* mask = &masks(kMoves * h, s);
      const HeadDistribution head = head_distribution(&logits(kMoves * h, s), mask);
      const float u = static_cast<float>(random.uniform());
      int move = u < head.probability[0] ? 0 : u < head.probability[0] + head.probability[1] ? 1 : 2;
      // Rounding may leave a sliver of u to a move that is not available.
      while (!mask[move]) move = (move + kMoves - 1) % kMoves;
      moves(h, s) = static_cast<int8_t>(move);
      log_probabilities(h, s) = head.log_probability[move];
    }
  }
}

Moves best_moves(const Matrix& logits, const Masks& masks) {
  Moves moves(logits.rows() / kMoves, logits.cols());
  for (Eigen::Index s = 0; s < logits.cols(); ++s) {
    for (Eigen::Index h = 0; h < moves.rows(); ++h) {
      const HeadDistribution head = head_distribution(&logits(kMoves * h, s), &masks(kMoves * h, s));
      moves(h, s) =
          static_cast<int8_t>(std::max_element(head.probability, head.probability + kMoves) - head.probability);
    }
  }
  return moves;
}

}  // namespace arco
