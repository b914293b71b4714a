// The agents' world: masks, moves, rewards and what is observed, on the made-up accelerator space.
#include "arco/search/knob_environment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "arco/marl/mappo.h"
#include "arco/search/testing_space.h"

namespace arco {
namespace {

const TestingSpace& space() {
  static const TestingSpace instance;
  return instance;
}

float true_fitness(uint64_t index) {
  const double reference = space().estimate(space().default_choice());
  return static_cast<float>(-std::log2(space().cycles(space().decode(index)) / reference));
}

Fitness true_model(std::span<const uint64_t> indices) {
  Fitness fitness;
  for (const uint64_t index : indices) fitness.mean.push_back(true_fitness(index));
  fitness.spread.assign(indices.size(), 0.25F);
  return fitness;
}

uint64_t draw_legal(Random& random) {
  while (true) {
    const uint64_t index = random.below(space().size());
    if (space().legal(space().decode(index))) return index;
  }
}

KnobEnvironment make(KnobEnvironmentOptions options = {}, float best = 0, StartStates starts = {}) {
  KnobEnvironment environment(space(), options, 1);
  if (!starts.draw) starts.draw = draw_legal;
  environment.set_model(true_model, best, starts);
  environment.reset();
  return environment;
}

std::vector<Moves> rest(const KnobEnvironment& environment) {
  std::vector<Moves> moves;
  const EnvironmentShape shape = environment.shape();
  for (const AgentShape& agent : shape.agents) moves.push_back(Moves::Constant(agent.heads, shape.episodes, kMoveStay));
  return moves;
}

TEST(KnobEnvironment, AgentsOwnTheirKnobs) {
  const KnobEnvironment environment = make();
  EXPECT_EQ(environment.knobs_of_agents(), (std::vector<std::vector<int>>{{0, 1}, {2, 3}, {4, 5, 6}}));
  const EnvironmentShape shape = environment.shape();
  // own knobs + 4 descriptors + 5 resources + fitness + time + one-hot of 3
  EXPECT_EQ(shape.agents[0].observation_size, 2 + 4 + 10);
  EXPECT_EQ(shape.agents[2].observation_size, 3 + 4 + 10);
  EXPECT_EQ(shape.state_size, 7 + 4 + 8);
}

TEST(KnobEnvironment, MasksAreExactlyTheMovesThatAreIllegalAlone) {
  const KnobEnvironment environment = make();
  const auto positions = environment.positions();
  size_t closed = 0;
  for (int agent = 0; agent < 3; ++agent) {
    const auto& knobs = environment.knobs_of_agents()[static_cast<size_t>(agent)];
    Masks masks(kMoves * static_cast<Eigen::Index>(knobs.size()), 64);
    environment.masks(agent, masks);
    for (int e = 0; e < 64; ++e) {
      for (size_t h = 0; h < knobs.size(); ++h) {
        for (int move = 0; move < kMoves; ++move) {
          Choice choice = space().decode(positions[static_cast<size_t>(e)]);
          const auto knob = static_cast<size_t>(knobs[h]);
          choice[knob] += move - kMoveStay;
          const bool inside = choice[knob] >= 0 && choice[knob] < static_cast<int>(space().knobs()[knob].values.size());
          const bool open = masks(kMoves * static_cast<Eigen::Index>(h) + move, e) != 0;
          ASSERT_EQ(open, inside && space().legal(choice));
          closed += open ? 0 : 1;
        }
      }
    }
  }
  EXPECT_GT(closed, 100U);
}

TEST(KnobEnvironment, IllegalJointMovesStayAndArePenalised) {
  // From h_threads = oc_threads = 1 each thread knob may go up alone, but not both.
  const uint64_t start = space().encode({0, 1, 0, 0, 2, 2, 0});
  KnobEnvironment environment = make({.episodes = 4, .steps = 8}, 0, {{start}, {start}, {}});
  std::vector<Moves> moves = rest(environment);
  moves[1].setConstant(kMoveUp);
  std::vector<float> rewards(4);
  std::vector<uint8_t> terminal(4);
  environment.step(moves, rewards, terminal);
  EXPECT_EQ(environment.positions()[0], start);
  EXPECT_FLOAT_EQ(rewards[0], -1);
  moves[1].row(1).setConstant(kMoveStay);
  environment.step(moves, rewards, terminal);
  const uint64_t reached = space().encode({0, 1, 1, 0, 2, 2, 0});
  EXPECT_EQ(environment.positions()[0], reached);
  EXPECT_NEAR(rewards[0], true_fitness(reached) - true_fitness(start), 1e-5);
}

TEST(KnobEnvironment, ShapedReturnIsTheImprovementPlusTheBonus) {
  const KnobEnvironmentOptions options{.episodes = 16, .steps = 10, .illegal_penalty = 0, .most_penalty = 0};
  const float best_measured = -1.5F;
  KnobEnvironment environment = make(options, best_measured);
  const auto starts = environment.positions();
  Random random(4);
  std::vector<float> rewards(16), returns(16, 0), best(16);
  for (size_t e = 0; e < 16; ++e) best[e] = true_fitness(starts[e]);
  std::vector<uint8_t> terminal(16);
  for (int t = 0; t < 10; ++t) {
    std::vector<Moves> moves = rest(environment);
    for (Moves& agent : moves) {
      for (Eigen::Index i = 0; i < agent.size(); ++i) agent.data()[i] = static_cast<int8_t>(random.below(3));
    }
    environment.step(moves, rewards, terminal);
    for (size_t e = 0; e < 16; ++e) {
      returns[e] += rewards[e];
      best[e] = std::max(best[e], true_fitness(environment.positions()[e]));
    }
  }
  for (size_t e = 0; e < 16; ++e) {
    const float improvement = true_fitness(environment.positions()[e]) - true_fitness(starts[e]);
    EXPECT_NEAR(returns[e], improvement + std::max(0.0F, best[e] - best_measured), 1e-4);
  }
}

TEST(KnobEnvironment, PaperRewardIsTheFitnessItself) {
  KnobEnvironment environment = make({.episodes = 4, .steps = 2, .paper_reward = true}, -100);
  std::vector<float> rewards(4);
  std::vector<uint8_t> terminal(4);
  for (int t = 0; t < 2; ++t) {
    environment.step(rest(environment), rewards, terminal);
    for (size_t e = 0; e < 4; ++e) EXPECT_FLOAT_EQ(rewards[e], true_fitness(environment.positions()[e]));
  }
}

TEST(KnobEnvironment, StartsAreMixedAsAsked) {
  const uint64_t measured = space().encode({0, 1, 0, 0, 2, 2, 0}), predicted = space().encode({0, 0, 0, 0, 1, 1, 0});
  const KnobEnvironment environment = make({}, 0, {{measured}, {predicted}, {}});
  const auto positions = environment.positions();
  EXPECT_EQ(std::count(positions.begin(), positions.begin() + 32, measured), 32);
  EXPECT_EQ(std::count(positions.begin() + 32, positions.begin() + 48, predicted), 16);
  EXPECT_GT(std::set<uint64_t>(positions.begin() + 48, positions.end()).size(), 10U);
  EXPECT_EQ(environment.met().size(), std::set<uint64_t>(positions.begin(), positions.end()).size());
}

TEST(KnobEnvironment, ObservationsSayWhatTheyShould) {
  KnobEnvironment environment = make({.episodes = 2, .steps = 4}, 0.5F);
  std::vector<float> rewards(2);
  std::vector<uint8_t> terminal(2);
  environment.step(rest(environment), rewards, terminal);
  Matrix mapping(3 + 14, 2), state(7 + 12, 2);
  environment.observe(2, mapping);
  environment.state(state);
  const Choice choice = space().decode(environment.positions()[1]);
  const float fitness = true_fitness(environment.positions()[1]);
  EXPECT_FLOAT_EQ(mapping(0, 1), static_cast<float>(choice[4]) / 5);
  EXPECT_FLOAT_EQ(mapping(3, 1), 0.4F);
  EXPECT_FLOAT_EQ(mapping(7, 1), space().resources(choice).area);
  EXPECT_FLOAT_EQ(mapping(12, 1), fitness - 0.5F);
  EXPECT_FLOAT_EQ(mapping(13, 1), 0.25F);
  EXPECT_EQ(mapping(14, 1), 0);
  EXPECT_EQ(mapping(16, 1), 1);
  EXPECT_FLOAT_EQ(state(6, 1), static_cast<float>(choice[6]) / 3);
  EXPECT_FLOAT_EQ(state(16, 1), fitness);
  EXPECT_FLOAT_EQ(state(17, 1), 0.25F);
  EXPECT_FLOAT_EQ(state(18, 1), 0.25F);

  std::vector<Matrix> observations;
  Matrix states;
  environment.describe(environment.positions(), observations, states);
  mapping.row(13).setOnes();
  state.row(18).setOnes();
  EXPECT_EQ(observations[2], mapping);
  EXPECT_EQ(states, state);
}

// A space in which the hardware is given: two agents remain.
class SoftwareSpace : public TestingSpace {
 public:
  SoftwareSpace() { knobs_[0].owner = knobs_[1].owner = Agent::kMapping; }
};

TEST(KnobEnvironment, AgentsWithoutKnobsAreLeftOut) {
  const SoftwareSpace software;
  const KnobEnvironment environment(software, {}, 1);
  EXPECT_EQ(environment.knobs_of_agents(), (std::vector<std::vector<int>>{{2, 3}, {0, 1, 4, 5, 6}}));
}

TEST(KnobEnvironment, AgentsLearnToImproveConfigurations) {
  KnobEnvironment environment = make();
  MappoOptions options;
  options.planned_updates = 20;
  options.actor_rate = options.critic_rate = 3e-3;
  options.actor_hidden = options.critic_hidden = {32, 32};
  Mappo agents(environment.shape(), options, 3);
  const double before = agents.update(environment).mean_reward;
  double after = 0;
  for (int i = 0; i < 19; ++i) after = agents.update(environment).mean_reward;
  EXPECT_GT(after, before + 0.05);
}

}  // namespace
}  // namespace arco
