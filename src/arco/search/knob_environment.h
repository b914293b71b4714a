// A search space as the agents' world: E walks through the space, every agent turning its own knobs by one position.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "arco/base/random.h"
#include "arco/marl/environment.h"
#include "arco/search/space.h"

namespace arco {

// fitness = -log2(cost / reference cost), as a model sees it: larger is better, 1 is twice as fast.
struct Fitness {
  std::vector<float> mean;
  std::vector<float> spread;  // how unsure the model is, in the same unit
};
using FitnessModel = std::function<Fitness(std::span<const uint64_t>)>;

struct KnobEnvironmentOptions {
  int episodes = 64;               // E walks at a time
  int steps = 24;                  // length of a walk
  bool paper_reward = false;       // fitness itself as reward; else its change, so that the return is the improvement
  double area_penalty = 2;         // per 100 % above the allowed area
  double memory_penalty = 2;       // per 100 % above the allowed memory
  double illegal_penalty = 1;      // half as fast again: as bad as a bad configuration
  double most_penalty = 4;         // demands can exceed a limit a hundredfold; gradients should not
  double measured_starts = 0.5;    // share of walks that start at the best measured configurations,
  double predicted_starts = 0.25;  // and at the best predicted ones that are unvisited; the rest starts anywhere legal
};

// Where walks may start. Lists best first; walks share them in turn.
struct StartStates {
  std::vector<uint64_t> measured;
  std::vector<uint64_t> predicted;
  std::function<uint64_t(Random&)> draw;  // any legal configuration
};

// The decentralised Markov decision process of the co-optimisation.
//   agents        the owners of at least one knob, in the order of Agent
//   moves         one position down, stay, one up, per owned knob; masked are moves that leave the range or that alone
//                 (all other knobs at rest) would be illegal. An illegal joint move leaves the walk where it is.
//   observation   own knob positions / (options - 1), workload descriptor, 5 resources, fitness relative to the best
//                 measured, step / T, one-hot of the agent
//   state         all knob positions, workload descriptor, 5 resources, fitness and its spread, step / T
//   reward        fitness - penalty of the configuration reached, or its change; the last step of a walk adds what its
//                 best configuration is better than the best measured
class KnobEnvironment : public VectorEnvironment {
 public:
  // The space must outlive the environment and have a knob with several options.
  KnobEnvironment(const SearchSpace& space, const KnobEnvironmentOptions& options, uint64_t seed);

  // What the agents train on from the next reset on. `best_measured`: fitness of the best measurement, or 0.
  void set_model(FitnessModel model, float best_measured, StartStates starts);

  EnvironmentShape shape() const override;
  void reset() override;
  void observe(int agent, MatrixRef out) const override;
  void masks(int agent, MasksRef out) const override;
  void state(MatrixRef out) const override;
  void step(const std::vector<Moves>& moves, std::span<float> rewards, std::span<uint8_t> terminal) override;

  // Every legal configuration met since clear_met(), once each, in the order of meeting.
  const std::vector<uint64_t>& met() const { return met_; }
  void clear_met();

  // What agents and critic would see in these legal configurations at the end of a walk.
  void describe(std::span<const uint64_t> indices, std::vector<Matrix>& observations, Matrix& states);
  Fitness fitness(std::span<const uint64_t> indices);

  // Where each walk is now.
  std::vector<uint64_t> positions() const;
  const std::vector<std::vector<int>>& knobs_of_agents() const { return knobs_of_agents_; }

 private:
  struct Point {
    uint64_t index = 0;
    Choice choice;
    Resources resources;
    float penalty = 0;
    std::vector<uint8_t> down, up;  // per knob: may it move alone?
    float mean = 0, spread = 0;     // of the present model
    uint64_t model = 0;             // which model these are from
  };

  Point* point_at(uint64_t index);
  void predict(const std::vector<Point*>& points);
  float penalty_of(const Resources& resources, bool legal) const;
  void fill_state(const Point& point, float time, float* out) const;
  void fill_observation(const Point& point, int agent, float time, float* out) const;
  uint64_t start_of(int episode);
  float time() const { return static_cast<float>(step_) / static_cast<float>(options_.steps); }
  // Where a joint move leads: the new point, or null (and the penalty) if that is illegal.
  Point* moved(const Point& from, const std::vector<Moves>& moves, int episode, float& penalty);

  const SearchSpace& space_;
  KnobEnvironmentOptions options_;
  Random random_;
  std::vector<Agent> agents_;
  std::vector<std::vector<int>> knobs_of_agents_;
  std::vector<float> descriptor_;

  FitnessModel model_;
  uint64_t model_number_ = 0;
  float best_measured_ = 0;
  StartStates starts_;

  std::unordered_map<uint64_t, Point> points_;             // looked up only, never iterated over
  std::unordered_map<uint64_t, float> illegal_penalties_;  // likewise
  std::vector<Point*> at_;                                 // per episode
  std::vector<float> best_in_walk_;
  int step_ = 0;
  std::vector<uint64_t> met_;
  std::unordered_set<uint64_t> met_set_;
};

}  // namespace arco
