// Searches in processes of their own that are killed at random moments and go on from their records.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/base/random.h"
#include "arco/search/co_optimiser.h"
#include "arco/search/test_workload.h"

namespace arco {
namespace {

namespace fs = std::filesystem;

using testing_support::convolution;

const std::vector<WeightedTask>& tasks() {
  static const std::vector<WeightedTask> all{{convolution(16, 14, 32, 3), 1}, {convolution(32, 7, 64, 1), 2}};
  return all;
}

CoOptimiserOptions options_of(const std::string& tuner) {
  CoOptimiserOptions options;
  options.space.kind = SpaceKind::kPaper;
  options.space.budget = default_budget();
  options.tuner.name = tuner;
  if (tuner == "arco") {
    options.tuner.options = {{"first_updates", 1}, {"plan_updates", 1}, {"episodes", 4}, {"steps", 4}, {"batch", 8}};
  }
  if (tuner != "arco") options.tuner.options = {{"legal_only", true}};
  options.trials = 32;
  options.layer_trials = 12;
  options.focus_tasks = 2;
  options.final_schedules = 3;
  options.reference_trials = 12;
  options.jobs = 1;
  return options;
}

// Never returns. Tells the pipe how many measurements are stored, again and again, and writes the design at the end.
[[noreturn]] void search_until_killed(const std::string& tuner, const fs::path& store, const fs::path& design,
                                      int pipe) {
  try {
    RecordStore records(store);
    const Design found = co_optimise(tasks(), options_of(tuner), records, [&](const TuneProgress& p) {
      if (write(pipe, &p.stored, sizeof(p.stored)) != sizeof(p.stored)) _exit(3);
    });
    write_design(found, design);
  } catch (...) {
    _exit(2);
  }
  _exit(0);
}

struct Child {
  uint64_t stored = 0;   // what it said last
  uint64_t reports = 0;  // how often it said something
  bool finished = false;
};

// Runs the search; kills it `delay` microseconds after its `life`-th report.
Child run_child(const std::string& tuner, const fs::path& store, const fs::path& design, uint64_t life,
                useconds_t delay) {
  int ends[2];
  if (pipe(ends) != 0) throw RunError("no pipe");
  const pid_t child = fork();
  if (child == 0) search_until_killed(tuner, store, design, ends[1]);
  close(ends[1]);
  Child result;
  const auto next = [&] {
    if (read(ends[0], &result.stored, sizeof(result.stored)) != sizeof(result.stored)) return false;
    ++result.reports;
    return true;
  };
  while (result.reports < life && next()) {
  }
  if (result.reports == life) {
    usleep(delay);
    kill(child, SIGKILL);
  }
  while (next()) {
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  result.finished = WIFEXITED(status);
  EXPECT_TRUE(!result.finished || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
  return result;
}

class ResumeTest : public testing::TestWithParam<const char*> {
 protected:
  ResumeTest() : folder_(fs::path(testing::TempDir()) / fmt::format("arco_resume_{}_{}", GetParam(), getpid())) {
    fs::create_directories(folder_);
  }
  ~ResumeTest() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_P(ResumeTest, KillingTheSearchAtAnyMomentLosesNoMeasurementAndChangesNoByteOfTheDesign) {
  const std::string tuner = GetParam();
  constexpr uint64_t kNever = ~uint64_t{0};
  const Child whole = run_child(tuner, folder_ / "whole.db", folder_ / "whole.json", kNever, 0);
  ASSERT_TRUE(whole.finished);
  const std::string expected = read_text_file(folder_ / "whole.json");

  Random random(11);
  const fs::path store = folder_ / "killed.db";
  size_t before = 0;
  for (int round = 0; round < 20; ++round) {
    const uint64_t life = 1 + random.below(whole.reports);
    const auto delay = static_cast<useconds_t>(random.below(3000));
    const Child killed = run_child(tuner, store, folder_ / "killed.json", life, delay);
    const size_t now = RecordStore(store).size();
    ASSERT_GE(now, before + killed.stored) << "round " << round;
    before = now;
  }
  ASSERT_TRUE(run_child(tuner, store, folder_ / "killed.json", kNever, 0).finished);
  EXPECT_EQ(read_text_file(folder_ / "killed.json"), expected);

  std::set<std::pair<std::string, uint64_t>> different;
  RecordStore(store).for_each(
      [&](const Record& record) { different.emplace(record.space.key, record.measurement.index); });
  EXPECT_EQ(different.size(), RecordStore(store).size()) << "something was measured twice";
  EXPECT_EQ(different.size(), RecordStore(folder_ / "whole.db").size());
}

INSTANTIATE_TEST_SUITE_P(Tuners, ResumeTest, testing::Values("arco", "autotvm", "genetic"),
                         [](const auto& instance) { return std::string(instance.param); });

}  // namespace
}  // namespace arco
