// A world small enough to know its optimum: three agents turn knobs towards hidden targets.
// For tests and benchmarks of the learner.
#pragma once

#include <vector>

#include "arco/base/random.h"
#include "arco/marl/environment.h"

namespace arco {

// Every knob has `options` positions; the reward of a step is how much nearer all knobs together came to the target.
// An agent sees its own knobs; the state holds all of them. `extra_features` zeros widen both.
class ToyEnvironment : public VectorEnvironment {
 public:
  ToyEnvironment(int episodes, std::vector<int> knobs_per_agent, int options, int extra_features, uint64_t seed)
      : episodes_(episodes),
        knobs_per_agent_(std::move(knobs_per_agent)),
        options_(options),
        extra_(extra_features),
        random_(seed) {
    int knobs = 0;
    for (const int count : knobs_per_agent_) {
      first_knob_.push_back(knobs);
      knobs += count;
    }
    positions_.setZero(knobs, episodes_);
    for (int k = 0; k < knobs; ++k) target_.push_back(static_cast<int>(random_.below(options_)));
  }

  EnvironmentShape shape() const override {
    EnvironmentShape shape{
        .episodes = episodes_, .state_size = static_cast<int>(positions_.rows()) + extra_, .agents = {}};
    for (const int count : knobs_per_agent_)
      shape.agents.push_back({.observation_size = count + extra_, .heads = count});
    return shape;
  }

  void reset() override {
    for (int e = 0; e < episodes_; ++e) {
      for (int k = 0; k < positions_.rows(); ++k) positions_(k, e) = static_cast<float>(random_.below(options_));
    }
  }

  void observe(int agent, MatrixRef out) const override {
    out.setZero();
    out.topRows(knobs_per_agent_[agent]) =
        positions_.middleRows(first_knob_[agent], knobs_per_agent_[agent]) / static_cast<float>(options_ - 1);
  }

  void masks(int agent, MasksRef out) const override {
    for (int e = 0; e < episodes_; ++e) {
      for (int h = 0; h < knobs_per_agent_[agent]; ++h) {
        const float position = positions_(first_knob_[agent] + h, e);
        out(kMoves * h + kMoveDown, e) = position > 0;
        out(kMoves * h + kMoveStay, e) = 1;
        out(kMoves * h + kMoveUp, e) = position < static_cast<float>(options_ - 1);
      }
    }
  }

  void state(MatrixRef out) const override {
    out.setZero();
    out.topRows(positions_.rows()) = positions_ / static_cast<float>(options_ - 1);
  }

  void step(const std::vector<Moves>& moves, std::span<float> rewards, std::span<uint8_t> terminal) override {
    (void)terminal;
    for (int e = 0; e < episodes_; ++e) {
      const float before = distance(e);
      for (size_t a = 0; a < moves.size(); ++a) {
        for (int h = 0; h < knobs_per_agent_[a]; ++h) {
          positions_(first_knob_[a] + h, e) += static_cast<float>(moves[a](h, e) - kMoveStay);
        }
      }
      rewards[e] = before - distance(e);
    }
  }

  // Mean over the episodes of the sum over knobs of |position - target| / (options - 1).
  float mean_distance() const {
    float sum = 0;
    for (int e = 0; e < episodes_; ++e) sum += distance(e);
    return sum / static_cast<float>(episodes_);
  }
  const Matrix& positions() const { return positions_; }

 private:
  float distance(int episode) const {
    float sum = 0;
    for (int k = 0; k < positions_.rows(); ++k)
      sum += std::abs(positions_(k, episode) - static_cast<float>(target_[k]));
    return sum / static_cast<float>(options_ - 1);
  }

  int episodes_;
  std::vector<int> knobs_per_agent_;
  std::vector<int> first_knob_;
  int options_;
  int extra_;
  Random random_;
  Matrix positions_;  // [knobs x E]
  std::vector<int> target_;
};

}  // namespace arco
