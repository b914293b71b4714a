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

}  // namespace
}  // namespace arco
