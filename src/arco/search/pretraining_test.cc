// Agents that learned before: made anew they are the same, and they know something of layers they never saw.
#include "arco/search/pretraining.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/base/error.h"
#include "arco/search/configuration_space.h"
#include "arco/search/schedule_tuning.h"
#include "arco/search/shipped_agents.h"
#include "arco/search/simulator_measurer.h"
#include "arco/search/test_workload.h"
#include "arco/search/tuners/arco.h"

namespace arco {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

using testing_support::convolution;

// Sizes that no network of the zoo has and that random worlds are not made of.
const std::vector<Workload>& unseen_layers() {
  static const std::vector<Workload> all{convolution(80, 30, 80, 3), convolution(160, 15, 144, 3),
                                         convolution(208, 18, 208, 1)};
  return all;
}

// The agents alone: nothing but their walks chooses what is measured after one random batch.
ArcoOptions agents_only(bool pretrained) {
  ArcoOptions options;
  options.batch = 8;
  options.random_start = true;
  options.enumerate_limit = 0;
  options.exact_share = 0;
  options.prune = false;
  options.surrogate.estimate_as_prior = false;
  options.sampling.mix_model = false;
  options.sampling.random_share = 0;
  options.first_updates = 0;
  options.plan_updates = 1;
  options.patience_rounds = 0;
  options.pretrained = pretrained;
  return options;
}

constexpr uint64_t kSeeds = 2;

double mean_log2_cycles(const SpaceOptions& options, bool pretrained, size_t trials) {
  double sum = 0;
  for (const Workload& layer : unseen_layers()) {
    const ConfigurationSpace space(layer, options);
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      ArcoTuner tuner(space, agents_only(pretrained), seed);
      sum += std::log2(run_tuner(tuner, make_simulator_measurer(space), trials, 8).best.cycles);
    }
  }
  return sum / static_cast<double>(kSeeds * unseen_layers().size());
}

TEST(Pretraining, TheSeedDecidesEveryByteForAnyNumberOfThreads) {
  const std::vector<Workload> workloads{convolution(32, 14, 32, 3)};
  const auto one = pretrain_agents(workloads, {.updates = 3, .seed = 1, .jobs = 1}).bytes();
  EXPECT_EQ(pretrain_agents(workloads, {.updates = 3, .seed = 1, .jobs = 2}).bytes(), one);
  EXPECT_NE(pretrain_agents(workloads, {.updates = 3, .seed = 2, .jobs = 2}).bytes(), one);
}

TEST(Pretraining, ShippedAgentsAreSmallAndFitEveryKindOfSpace) {
  EXPECT_LE(shipped_agents().bytes().size(), size_t{1} << 20);
  for (const SpaceKind kind : {SpaceKind::kFull, SpaceKind::kPaper, SpaceKind::kSoftware}) {
    for (const bool paper_schedules : {false, true}) {
      SpaceOptions options;
      options.kind = kind;
      options.paper_schedules = kind == SpaceKind::kSoftware && paper_schedules;
      const ConfigurationSpace space(convolution(32, 14, 32, 3), options);
      const auto* agents = shipped_agents().find(agents_world(space, ArcoTuner::agent_options({})));
      ASSERT_NE(agents, nullptr) << space.key();
      EXPECT_EQ(ArcoTuner(space, {}, 1).save_agents(), *agents);
    }
  }
}

TEST(Pretraining, OtherNetworksStartFresh) {
  const ConfigurationSpace space(convolution(32, 14, 32, 3), schedules_on(HardwareConfig()));
  ArcoOptions wide;
  wide.actor_width = 32;
  EXPECT_EQ(shipped_agents().find(agents_world(space, ArcoTuner::agent_options(wide))), nullptr);
  EXPECT_NE(ArcoTuner(space, wide, 1).save_agents(), ArcoTuner(space, wide, 2).save_agents());
}

// Where the chip is searched too. On a given chip the spaces are small and fresh agents do as well.
TEST(Pretraining, PretrainedAgentsBeatFreshOnesOnLayersTheyNeverSaw) {
  SpaceOptions joint;
  joint.kind = SpaceKind::kFull;
  joint.budget = default_budget();
  EXPECT_LT(mean_log2_cycles(joint, true, 24), mean_log2_cycles(joint, false, 24) - 0.3);
}

TEST(AgentLibrary, SaysWhatIsWrongWithAFile) {
  const AgentLibrary library = pretrain_agents({}, {.updates = 1, .seed = 1, .jobs = 1});
  const std::vector<uint8_t> bytes = library.bytes();
  EXPECT_EQ(AgentLibrary(bytes, "a.bin").sets(), library.sets());
  const auto reading = [](std::vector<uint8_t> wrong) { return [wrong] { AgentLibrary(wrong, "a.bin"); }; };
  EXPECT_THAT(reading({'P', 'K', 3, 4}), ThrowsMessage<UserError>(HasSubstr("a.bin: not a file of agents")));
  EXPECT_THAT(reading({}), ThrowsMessage<UserError>(HasSubstr("arco pretrain -o FILE")));
  std::vector<uint8_t> wrong = bytes;
  wrong[8] = 9;
  EXPECT_THAT(reading(wrong), ThrowsMessage<UserError>(HasSubstr("format version 9")));
  wrong = bytes;
  wrong.push_back(0);
  EXPECT_THAT(reading(wrong), ThrowsMessage<UserError>(HasSubstr("goes on after")));
  wrong = bytes;
  wrong[wrong.size() / 2] ^= 1;
  EXPECT_THAT(reading(wrong), ThrowsMessage<UserError>(HasSubstr("damaged")));
  for (const size_t size : {size_t{9}, size_t{20}, bytes.size() / 3, bytes.size() - 1}) {
    EXPECT_THAT(reading({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}),
                ThrowsMessage<UserError>(HasSubstr("a.bin")))
        << size;
  }
}

}  // namespace
}  // namespace arco
