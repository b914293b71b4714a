#include "arco/search/co_optimiser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/search/ablation.h"
#include "arco/search/layer_designs.h"
#include "arco/search/pareto_search.h"
#include "arco/search/schedule_tuning.h"
#include "arco/search/test_workload.h"

namespace arco {
namespace {

using testing::HasSubstr;

using testing_support::convolution;

std::vector<WeightedTask> small_network() {
  return {{convolution(16, 14, 32, 3), 1}, {convolution(32, 14, 32, 3), 2}, {convolution(32, 7, 64, 1), 1}};
}

// Small enough for seconds; the defaults differ in amounts only.
CoOptimiserOptions quick(SpaceKind kind) {
  CoOptimiserOptions options;
  options.space.kind = kind;
  options.space.budget = default_budget();
  options.tuner.options = {{"first_updates", 1}, {"plan_updates", 1}, {"episodes", 8}, {"steps", 8}};
  options.trials = 32;
  options.layer_trials = 12;
  options.focus_tasks = 2;
  options.final_chips = 2;
  options.final_schedules = 3;
  options.reference_trials = 16;
  options.jobs = 1;
  return options;
}

class CoOptimiserTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() / fmt::format("arco_co_optimiser_{}", test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Design tune(const CoOptimiserOptions& options, const std::string& store,
              const std::vector<WeightedTask>& tasks = small_network()) {
    RecordStore records(folder_ / store);
    return co_optimise(tasks, options, records, {});
  }

  std::filesystem::path folder_;
};

// A convolution and the maxima of its results, two by two.
ChainTask chain_of(const Workload& conv) {
  ChainTask chain{conv, conv, conv, 1};
  chain.both.oh = chain.both.ow = conv.oh / 2;
  PoolStage stage;
  stage.h = stage.w = conv.oh;
  stage.kh = stage.kw = stage.stride_h = stage.stride_w = 2;
  chain.both.pool = stage;
  Workload& pool = chain.follower;
  pool = Workload{};
  pool.kind = WorkloadKind::kMaxPool;
  pool.ci = pool.co = conv.co;
  pool.h = pool.w = conv.oh;
  pool.oh = pool.ow = conv.oh / 2;
  pool.kh = pool.kw = pool.stride_h = pool.stride_w = 2;
  pool.shift_out = false;
  return chain;
}

TEST_F(CoOptimiserTest, JoinsLayersThatAreFasterTogether) {
  const ChainTask chain = chain_of(convolution(16, 14, 32, 3));
  const std::vector<WeightedTask> tasks{{chain.convolution, 1}, {chain.follower, 1}, {convolution(32, 7, 64, 1), 1}};
  CoOptimiserOptions options = quick(SpaceKind::kFull);
  const Design apart = tune(options, "apart.db", tasks);
  options.chains = {chain};
  const Design joined = tune(options, "joined.db", tasks);
  EXPECT_EQ(joined.hardware, apart.hardware);
  EXPECT_LT(joined.cycles, apart.cycles);
  EXPECT_LT(joined.energy_pj, apart.energy_pj);
  EXPECT_LE(joined.network_bound, apart.network_bound);
  EXPECT_LE(joined.network_bound, joined.cycles);
  ASSERT_TRUE(joined.reference && apart.reference);
  EXPECT_LT(joined.reference->cycles, apart.reference->cycles);
  EXPECT_TRUE(joined.schedule_for(chain.both));
  EXPECT_FALSE(joined.schedule_for(chain.follower));
  double sum = 0;
  for (const DesignTask& task : joined.tasks) {
    sum += task.weight * task.cycles;
    EXPECT_LE(task.bound, task.cycles) << task.workload;
  }
  EXPECT_DOUBLE_EQ(sum, joined.cycles);
}

TEST_F(CoOptimiserTest, CertificatesOfAFrontHoldForJoinedLayers) {
  const ChainTask chain = chain_of(convolution(16, 14, 32, 1));
  CoOptimiserOptions options = quick(SpaceKind::kFull);
  options.chains = {chain};
  RecordStore records(folder_ / "front.db");
  const DesignFront front = search_front({{chain.convolution, 1}, {chain.follower, 1}},
                                         {Objective::kLatency, Objective::kArea}, 4, options, records, {});
  size_t joined = 0;
  for (const FrontPoint& point : front.points) {
    joined += point.design.schedule_for(chain.both).has_value() ? 1 : 0;
    EXPECT_LE(point.bounds[0], point.costs[0]) << point.design.hardware.to_string();
  }
  EXPECT_GT(joined, 0U);
}

TEST_F(CoOptimiserTest, BeatsTheDefaultWithinTheBudget) {
  const Design design = tune(quick(SpaceKind::kFull), "a.db");
  ASSERT_TRUE(design.reference);
  EXPECT_TRUE(design.complete);
  EXPECT_LT(design.cycles, design.reference->cycles);
  EXPECT_LE(design.area_mm2, design.reference->area_mm2);
  EXPECT_GE(design.cycles, design.network_bound);
  double sum = 0;
  for (const DesignTask& task : design.tasks) sum += task.weight * task.cycles;
  EXPECT_DOUBLE_EQ(sum, design.cycles);
  EXPECT_EQ(parse_design(to_json(design).dump(), "again"), design);
}

TEST_F(CoOptimiserTest, IsTheSameWithOneAndTwoThreads) {
  CoOptimiserOptions options = quick(SpaceKind::kFull);
  const Design one = tune(options, "one.db");
  options.jobs = 2;
  const Design two = tune(options, "two.db");
  EXPECT_EQ(to_json(one).dump(), to_json(two).dump());
}

TEST_F(CoOptimiserTest, ResumesWithoutMeasuringAnythingTwice) {
  const CoOptimiserOptions options = quick(SpaceKind::kFull);
  const Design first = tune(options, "a.db");
  const size_t records = RecordStore(folder_ / "a.db").size();
  const Design again = tune(options, "a.db");
  EXPECT_EQ(RecordStore(folder_ / "a.db").size(), records);
  EXPECT_EQ(again.hardware.to_string(), first.hardware.to_string());
  EXPECT_EQ(again.cycles, first.cycles);
}

TEST_F(CoOptimiserTest, ResumesAShorterRunToSomethingNoWorse) {
  CoOptimiserOptions options = quick(SpaceKind::kFull);
  options.trials = 16;
  const Design short_run = tune(options, "a.db");
  options.trials = 48;
  const Design longer = tune(options, "a.db");
  EXPECT_LE(longer.cycles, short_run.cycles);
}

TEST_F(CoOptimiserTest, AGivenChipKeepsItsHardware) {
  CoOptimiserOptions options = quick(SpaceKind::kSoftware);
  options.space.budget = {};
  options.space.hardware.log2_inp_buffer = 14;
  const Design design = tune(options, "a.db");
  EXPECT_EQ(design.hardware.to_string(), options.space.hardware.to_string());
  EXPECT_GE(design.cycles, design.network_bound);
}

TEST_F(CoOptimiserTest, EveryTunerFindsAChip) {
  for (const char* name : {"autotvm", "genetic", "random", "annealing", "bayesian", "chameleon", "arco-paper"}) {
    CoOptimiserOptions options = quick(SpaceKind::kPaper);
    options.tuner = {name, nullptr};
    options.reference = false;
    if (options.tuner.name == "arco-paper") options.tuner.options = {{"episodes", 8}, {"steps", 8}};
    const Design design = tune(options, options.tuner.name + ".db");
    EXPECT_EQ(design.tuner, name);
    EXPECT_GE(design.cycles, design.network_bound) << name;
    EXPECT_EQ(design.tasks.size(), 3U) << name;
  }
}

TEST_F(CoOptimiserTest, TheExhaustiveTunerProvesThePapersSpace) {
  CoOptimiserOptions options = quick(SpaceKind::kPaper);
  const Design agents = tune(options, "agents.db");
  options.tuner = {"exhaustive", nullptr};
  options.trials = 100000;
  options.layer_trials = 1000;
  const Design best = tune(options, "best.db");
  EXPECT_LE(best.cycles, agents.cycles);
  EXPECT_LE(agents.cycles, 1.05 * best.cycles);
  EXPECT_EQ(best.network_bound, best.cycles);
  for (const DesignTask& task : best.tasks) EXPECT_EQ(task.bound, task.cycles) << task.workload;
}

TEST_F(CoOptimiserTest, TheExhaustiveTunerGivesTheGapThatIsLeft) {
  CoOptimiserOptions options = quick(SpaceKind::kFull);
  options.reference = false;
  options.tuner = {"exhaustive", nullptr};
  options.trials = 20;
  const Design few = tune(options, "few.db");
  EXPECT_LT(few.network_bound, few.cycles);
  options.trials = 60;
  options.jobs = 2;
  const Design more = tune(options, "more.db");
  EXPECT_LE(more.cycles, few.cycles);
  EXPECT_GE(more.network_bound, few.network_bound);
  options.jobs = 1;
  EXPECT_EQ(to_json(tune(options, "again.db")).dump(), to_json(more).dump());
}

TEST_F(CoOptimiserTest, TheExhaustiveTunerSearchesChipsOfNetworksWithChains) {
  const ChainTask chain = chain_of(convolution(16, 14, 32, 3));
  const std::vector<WeightedTask> tasks{{chain.convolution, 1}, {chain.follower, 1}, {convolution(32, 7, 64, 1), 1}};
  CoOptimiserOptions options = quick(SpaceKind::kFull);
  options.reference = false;
  options.tuner = {"exhaustive", nullptr};
  const Design apart = tune(options, "apart.db", tasks);
  options.chains = {chain};
  const Design joined = tune(options, "joined.db", tasks);
  EXPECT_EQ(joined.hardware, apart.hardware);
  EXPECT_TRUE(joined.schedule_for(chain.both));
  EXPECT_LT(joined.cycles, apart.cycles);
  EXPECT_LE(joined.network_bound, joined.cycles);
}

TEST_F(CoOptimiserTest, TheExhaustiveTunerProvesAGivenChip) {
  CoOptimiserOptions options = quick(SpaceKind::kSoftware);
  options.reference = false;
  options.tuner = {"exhaustive", nullptr};
  options.layer_trials = 100000;
  const Design design = tune(options, "a.db");
  EXPECT_EQ(design.network_bound, design.cycles);
}

TEST_F(CoOptimiserTest, AgentsOfOneRunServeAnother) {
  CoOptimiserOptions options = quick(SpaceKind::kPaper);
  options.reference = false;
  AgentLibrary learned;
  options.learned = &learned;
  tune(options, "first.db");
  EXPECT_EQ(learned.sets().size(), 2U);  // with the chip's knobs and without
  options.learned = nullptr;
  options.tuner.agents = std::make_shared<AgentLibrary>(learned);
  options.seed = 1;
  const Design second = tune(options, "second.db");
  EXPECT_GE(second.cycles, second.network_bound);
}

TEST_F(CoOptimiserTest, PutsATaskThatFitsNoChipAside) {
  std::vector<WeightedTask> tasks = small_network();
  Workload odd = convolution(32, 14, 32, 3);
  odd.pads = {20, 20, 20, 20};  // more padding than an instruction's field holds
  odd.oh = odd.ow = 52;
  tasks.push_back({odd, 3});
  for (const SpaceKind kind : {SpaceKind::kFull, SpaceKind::kSoftware}) {
    CoOptimiserOptions options = quick(kind);
    const Design design = tune(options, fmt::format("{}.db", static_cast<int>(kind)), tasks);
    EXPECT_EQ(design.tasks.size(), 3U);
    ASSERT_EQ(design.host_tasks.size(), 1U);
    EXPECT_EQ(design.host_tasks[0].workload, odd.to_string());
    EXPECT_EQ(design.host_tasks[0].weight, 3);
    EXPECT_THAT(design.host_tasks[0].why, HasSubstr("padding"));
    EXPECT_EQ(parse_design(to_json(design).dump(), "again"), design);
  }
}

TEST_F(CoOptimiserTest, SaysWhenNothingFits) {
  CoOptimiserOptions options = quick(SpaceKind::kFull);
  options.space.budget.area_mm2 = 1e-6;
  EXPECT_THROW(tune(options, "a.db"), UserError);
  Workload odd = convolution(32, 14, 32, 3);
  odd.pads = {20, 20, 20, 20};
  odd.oh = odd.ow = 52;
  EXPECT_THROW(tune(quick(SpaceKind::kFull), "b.db", {{odd, 1}}), UserError);
}

TEST_F(CoOptimiserTest, RefusesUnknownTunersAndOptions) {
  CoOptimiserOptions options = quick(SpaceKind::kPaper);
  options.tuner.name = "arcoo";
  EXPECT_THROW(tune(options, "a.db"), UserError);
  options.tuner = {"random", {{"legal_onli", true}}};
  EXPECT_THROW(tune(options, "a.db"), UserError);
}

TEST_F(CoOptimiserTest, PerLayerChipsAreAtLeastAsFastAsTheOptimumOfOneChip) {
  CoOptimiserOptions options = quick(SpaceKind::kPaper);
  options.tuner = {"exhaustive", nullptr};
  options.trials = 100000;
  RecordStore records(folder_ / "layers.db");
  const LayerDesigns layers = optimise_layers(small_network(), options, records, {});
  ASSERT_EQ(layers.layers.size(), 3U);
  options.layer_trials = 1000;
  EXPECT_LE(layers.cycles, tune(options, "one.db").cycles);
  for (const LayerDesign& layer : layers.layers) EXPECT_EQ(layer.cycles, layer.proven_bound);
  ASSERT_TRUE(layers.reference);
  EXPECT_EQ(to_json(layers).at("mode"), "per-layer");
}

TEST(Ablation, SetsTheOptionThatItNames) {
  for (const Ablation& ablation : ablations()) {
    TunerChoice choice;
    apply_ablation(ablation.name, choice);
    for (const auto& [key, value] : ablation.options.items()) EXPECT_EQ(choice.options.at(key), value);
  }
  TunerChoice mine{"arco", {{"single_agent", false}}};
  apply_ablation("single-agent", mine);
  EXPECT_EQ(mine.options.at("single_agent"), false);
  TunerChoice other{"random", nullptr};
  EXPECT_THROW(apply_ablation("single-agent", other), UserError);
  EXPECT_THROW(apply_ablation("single-agents", mine), UserError);
}

}  // namespace
}  // namespace arco
