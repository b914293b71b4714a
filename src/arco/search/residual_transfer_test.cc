// What layers teach each other, and the budget that follows what layers promise.
#include "arco/search/residual_transfer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "arco/search/configuration_space.h"
#include "arco/search/history.h"
#include "arco/search/residual_model.h"
#include "arco/search/schedule_tuning.h"
#include "arco/search/simulator_measurer.h"
#include "arco/search/test_workload.h"
#include "arco/search/testing_space.h"

namespace arco {
namespace {

using testing_support::convolution;

std::vector<Measurement> measure_some(const ConfigurationSpace& space, size_t count, uint64_t seed) {
  Random random(seed);
  const Measurer measure = make_simulator_measurer(space);
  std::vector<Measurement> results;
  while (results.size() < count) {
    const uint64_t index = random.below(space.size());
    if (space.legal(space.decode(index))) results.push_back(measure({index}).front());
  }
  return results;
}

double mean_error(ResidualModel& model, const std::vector<Measurement>& truth) {
  double sum = 0;
  for (const Measurement& m : truth) {
    const uint64_t index[] = {m.index};
    sum += std::abs(model.predict(index).mean[0] - model.fitness_of(m.cost)) / static_cast<double>(truth.size());
  }
  return sum;
}

std::vector<Measurement> measure_some(const TestingSpace& space, size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<Measurement> results;
  while (results.size() < count) {
    const uint64_t index = random.below(space.size());
    if (space.legal(space.decode(index))) results.push_back(measure_one(space, index));
  }
  return results;
}

TEST(ResidualTransfer, PredictsALayerThatWasNeverMeasured) {
  // Three layers whose estimate leaves out the latency; each has a ripple of its own.
  const TestingSpace one(1), two(2), other(3);
  const auto first = measure_some(one, 60, 1), second = measure_some(two, 60, 2), truth = measure_some(other, 40, 3);
  const auto transfer = ResidualTransfer::learn(std::vector<TransferSource>{{one, first}, {two, second}}, 1);
  ASSERT_NE(transfer, nullptr);
  ResidualModel alone(other, {}), taught(other, {});
  taught.set_transfer(transfer);
  EXPECT_LT(mean_error(taught, truth), 0.5 * mean_error(alone, truth));
  // With results of its own, too, it is better for what it was taught.
  History history(other);
  for (const Measurement& m : measure_some(other, 12, 4)) history.tell(m);
  alone.fit(history, 1);
  taught.fit(history, 1);
  EXPECT_LT(mean_error(taught, truth), mean_error(alone, truth));
}

TEST(ResidualTransfer, TeachesNothingWhereTheClosedFormIsNearlyExact) {
  const SpaceOptions options = schedules_on(HardwareConfig());
  const ConfigurationSpace one(convolution(64, 28, 64, 3), options), two(convolution(128, 14, 64, 3), options);
  const ConfigurationSpace other(convolution(96, 28, 96, 3), options);
  const auto first = measure_some(one, 60, 1), second = measure_some(two, 60, 2), truth = measure_some(other, 40, 3);
  ResidualModel alone(other, {}), taught(other, {});
  taught.set_transfer(ResidualTransfer::learn(std::vector<TransferSource>{{one, first}, {two, second}}, 1));
  EXPECT_LE(mean_error(taught, truth), mean_error(alone, truth));
}

TEST(ResidualTransfer, SaysNothingOfTooLittle) {
  const ConfigurationSpace space(convolution(64, 28, 64, 3), schedules_on(HardwareConfig()));
  const auto few = measure_some(space, 5, 1);
  EXPECT_EQ(ResidualTransfer::learn(std::vector<TransferSource>{{space, few}}, 1), nullptr);
  EXPECT_EQ(ResidualTransfer::learn({}, 1), nullptr);
}

TEST(LayerRounds, SpendTheBudgetWhereItPromisesMost) {
  const auto folder = std::filesystem::temp_directory_path() / "arco_layer_rounds";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::vector<WeightedTask> tasks;
  for (const int64_t channels : {16, 32, 48, 64, 80, 96, 112, 128})
    tasks.push_back({convolution(channels, 14, 64, 3), 1});
  tasks[3].weight = 1000;
  std::map<int, std::vector<size_t>> measured;
  for (const int jobs : {1, 2}) {
    RecordStore store(folder / std::to_string(jobs));
    RecordedSearch records(store, {"", "arco", 0, {}, "", 0});
    TaskTuningOptions options;
    options.tuner.options = {{"prune", false}, {"episodes", 8}, {"steps", 8}};
    options.trials = 12;
    options.jobs = jobs;
    size_t total = 0, last = 0;
    for (const TunedTask& task : tune_tasks(tasks, schedules_on(HardwareConfig()), options, records, [&](size_t done) {
           EXPECT_GE(done, last);
           last = done;
         })) {
      EXPECT_EQ(task.result.best.status, MeasureStatus::kOk);
      measured[jobs].push_back(task.result.history.size());
      total += task.result.history.size();
    }
    EXPECT_EQ(last, tasks.size());
    EXPECT_LE(total, 12 * tasks.size() + 4 * 8);
    EXPECT_EQ(store.size(), total);
  }
  EXPECT_EQ(measured[1], measured[2]);
  EXPECT_EQ(*std::ranges::max_element(measured[1]), measured[1][3]);
  EXPECT_GT(measured[1][3], *std::ranges::min_element(measured[1]));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace arco
