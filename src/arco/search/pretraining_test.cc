// Agents that learned before: made anew they are the same, and they know something of layers they never saw.
#include "arco/search/pretraining.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "arco/base/error.h"
#include "arco/search/configuration_space.h"
#include "arco/search/schedule_tuning.h"
#include "arco/search/shipped_agents.h"
#include "arco/search/tuners/arco.h"

namespace arco {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

Workload convolution(int64_t ci, int64_t size, int64_t co, int64_t kernel) {
  Workload w;
  w.ci = ci;
  w.h = w.w = w.oh = w.ow = size;
  w.co = co;
  w.kh = w.kw = kernel;
  w.pads = {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
  w.has_bias = true;
  return w;
}

TEST(Pretraining, TheSeedDecidesEveryByteForAnyNumberOfThreads) {
  const std::vector<Workload> workloads{convolution(32, 14, 32, 3)};
  const auto one = pretrain_agents(workloads, {.updates = 3, .seed = 1, .jobs = 1}).bytes();
  EXPECT_EQ(pretrain_agents(workloads, {.updates = 3, .seed = 1, .jobs = 2}).bytes(), one);
  EXPECT_NE(pretrain_agents(workloads, {.updates = 3, .seed = 2, .jobs = 2}).bytes(), one);
}

TEST(Pretraining, OtherNetworksStartFresh) {
  const ConfigurationSpace space(convolution(32, 14, 32, 3), schedules_on(HardwareConfig()));
  ArcoOptions wide;
  wide.actor_width = 32;
  EXPECT_EQ(shipped_agents().find(agents_world(space, ArcoTuner::agent_options(wide))), nullptr);
  EXPECT_NE(ArcoTuner(space, wide, 1).save_agents(), ArcoTuner(space, wide, 2).save_agents());
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
