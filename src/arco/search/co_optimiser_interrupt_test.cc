// An interrupt in any phase leaves a design of which every figure was measured.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/search/co_optimiser.h"

namespace arco {
namespace {

TEST(CoOptimiserInterrupt, TheDesignHoldsWhatWasMeasured) {
  Workload w;
  w.ci = w.co = 32;
  w.h = w.w = w.oh = w.ow = 12;
  w.kh = w.kw = 3;
  w.pads = {1, 1, 1, 1};
  w.has_bias = true;
  for (const std::string phase : {"chips", "schedules", "default VTA"}) {
    const auto path = std::filesystem::path(testing::TempDir()) / fmt::format("arco_int_{}.db", getpid());
    std::filesystem::remove(path);
    CoOptimiserOptions options;
    options.space.kind = SpaceKind::kPaper;
    options.trials = 24;
    options.layer_trials = 8;
    options.jobs = 1;
    Design design;
    {
      RecordStore records(path);
      design = co_optimise({{w, 1}}, options, records, [&](const TuneProgress& p) {
        if (p.phase == phase) set_interrupted(true);
      });
    }
    EXPECT_TRUE(interrupted()) << phase << " was not reached";
    set_interrupted(false);
    std::filesystem::remove(path);
    EXPECT_FALSE(design.complete) << phase;
    EXPECT_TRUE(std::isfinite(design.cycles)) << phase;
    EXPECT_GT(design.cycles, 0) << phase;
    ASSERT_EQ(design.tasks.size(), 1U);
    EXPECT_EQ(design.tasks[0].cycles, design.cycles) << phase;
  }
}

Workload convolution(int64_t size, int64_t ci, int64_t co, int64_t kernel, int64_t stride) {
  Workload w;
  w.ci = ci;
  w.co = co;
  w.h = w.w = size;
  w.oh = w.ow = size / stride;
  w.kh = w.kw = kernel;
  w.stride_h = w.stride_w = stride;
  if (kernel == 3) w.pads = {1, 1, 1, 1};
  w.has_bias = true;
  return w;
}

// The tuners have found faster schedules, but nobody may measure them once more.
TEST(CoOptimiserInterrupt, AfterTheLastScheduleWasTuned) {
  const auto path = std::filesystem::path(testing::TempDir()) / fmt::format("arco_last_{}.db", getpid());
  std::filesystem::remove(path);
  CoOptimiserOptions options;
  options.space.kind = SpaceKind::kSoftware;
  options.space.hardware.log2_inp_buffer = 13;
  options.space.hardware.log2_acc_buffer = 14;
  options.layer_trials = 32;
  const std::vector<WeightedTask> tasks{{convolution(56, 64, 128, 1, 2), 1},
                                        {convolution(28, 128, 128, 3, 1), 1},
                                        {convolution(14, 256, 512, 1, 2), 1},
                                        {convolution(56, 64, 64, 3, 1), 1}};
  double given = 0;
  Design design;
  {
    RecordStore records(path);
    design = co_optimise(tasks, options, records, [&](const TuneProgress& p) {
      if (std::string(p.phase) != "schedules") return;
      given = p.best_cycles;
      if (p.done == p.planned) set_interrupted(true);
    });
  }
  set_interrupted(false);
  std::filesystem::remove(path);
  EXPECT_FALSE(design.complete);
  EXPECT_TRUE(std::isfinite(design.cycles));
  EXPECT_GT(design.cycles, 0);
  EXPECT_LE(design.cycles, given);
  double sum = 0;
  for (const DesignTask& task : design.tasks) sum += task.cycles;
  EXPECT_EQ(sum, design.cycles);
}

}  // namespace
}  // namespace arco
