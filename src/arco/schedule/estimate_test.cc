// Bound and estimate come out of vectors of several schedules: company and processor must not change them.
#include "arco/schedule/estimate.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <vector>

#include "arco/schedule/candidates.h"

namespace arco {
namespace {

Workload layer(WorkloadKind kind, int64_t channels, int64_t size, int64_t kernel) {
  Workload w;
  w.kind = kind;
  w.ci = w.co = channels;
  w.h = w.w = w.oh = w.ow = size;
  w.kh = w.kw = kernel;
  w.pads = {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
  w.has_bias = kind == WorkloadKind::kConv2d;
  return w;
}

std::vector<Workload> layers() {
  std::vector<Workload> all{layer(WorkloadKind::kConv2d, 64, 28, 3), layer(WorkloadKind::kConv2d, 48, 9, 1),
                            layer(WorkloadKind::kConv2d, 64, 14, 3), layer(WorkloadKind::kMaxPool, 32, 12, 3),
                            layer(WorkloadKind::kAdd, 48, 14, 1)};
  all[1].has_residual = true;
  all[2].groups = 4;
  return all;
}

std::vector<Schedule> legal_schedules(const Workload& workload, const HardwareConfig& hardware) {
  std::vector<Schedule> all;
  for_each_legal(workload, hardware, [&](const Schedule& s) { all.push_back(s); });
  return all;
}

std::vector<CycleCost> costs_of(const Workload& workload, const HardwareConfig& hardware,
                                const std::vector<Schedule>& schedules) {
  std::vector<CycleCost> costs(schedules.size());
  EstimateContext(workload, hardware).costs(schedules, costs);
  return costs;
}

void expect_same(const CycleCost& a, const CycleCost& b, const Workload& workload, const Schedule& schedule) {
  EXPECT_EQ(a.bound, b.bound) << workload.to_string() << ", " << schedule.to_string();
  EXPECT_EQ(a.estimate, b.estimate) << workload.to_string() << ", " << schedule.to_string();
}

TEST(Estimate, DoesNotDependOnCompany) {
  const HardwareConfig hardware;
  for (const Workload& workload : layers()) {
    const std::vector<Schedule> schedules = legal_schedules(workload, hardware);
    const std::vector<CycleCost> together = costs_of(workload, hardware, schedules);
    const EstimateContext context(workload, hardware);
    for (size_t i = 0; i < schedules.size(); ++i) {
      expect_same(together[i], context.cost(schedules[i]), workload, schedules[i]);
      EXPECT_LE(together[i].bound, together[i].estimate);
      EXPECT_GT(together[i].bound, 0);
    }
  }
}

TEST(Estimate, DoesNotDependOnTheProcessor) {
  const HardwareConfig hardware;
  for (const Workload& workload : layers()) {
    const std::vector<Schedule> schedules = legal_schedules(workload, hardware);
    const std::vector<CycleCost> widest = costs_of(workload, hardware, schedules);
    // As on a processor without any extension of its instruction set.
    hwy::SetSupportedTargetsForTest(HWY_STATIC_TARGET);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    EXPECT_EQ(hwy::SupportedTargets(), HWY_STATIC_TARGET);
    const std::vector<CycleCost> narrowest = costs_of(workload, hardware, schedules);
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (size_t i = 0; i < schedules.size(); ++i) expect_same(widest[i], narrowest[i], workload, schedules[i]);
  }
}

TEST(Estimate, NothingToDoCostsNothing) {
  const Workload workload = layers()[0];
  EXPECT_NO_THROW(EstimateContext(workload, HardwareConfig{}).costs({}, {}));
}

}  // namespace
}  // namespace arco
