// For each kind of space in turn (or at the same time; they share nothing):
//
//     a workload, on a given chip also a chip --> a space --> walks on the fitness of its closed-form estimate
//                      ^                                                      |
//                      +------------ next world <---- a few MAPPO updates ----+
//
// Walks start where they will start in a search: half at the best of what was looked at so far, a quarter at what is
// next best, the rest anywhere. What a search has measured by then is stood in for by a random sample.
#include "arco/search/pretraining.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "arco/base/error.h"
#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/search/configuration_space.h"
#include "arco/search/shipped_agents.h"
#include "arco/search/tuners/arco.h"

namespace arco {
namespace {

constexpr int kUpdatesPerWorld = 2;
constexpr size_t kSample = 64;  // configurations that stand for those measured
constexpr size_t kStarts = 16;

template <typename T, size_t N>
T pick(const std::array<T, N>& from, Random& random) {
  return from[random.below(N)];
}

Workload random_convolution(Random& random) {
  constexpr std::array<int64_t, 13> kChannels{3, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024};
  constexpr std::array<int64_t, 12> kSizes{1, 7, 8, 13, 14, 17, 27, 28, 35, 56, 112, 224};
  constexpr std::array<int64_t, 6> kKernels{1, 1, 3, 3, 5, 7};
  Workload w;
  w.ci = pick(kChannels, random);
  w.co = std::max<int64_t>(pick(kChannels, random), 8);
  w.h = w.w = pick(kSizes, random);
  w.kh = w.kw = w.h < 7 ? 1 : pick(kKernels, random);
  w.stride_h = w.stride_w = w.h < 7 ? 1 : random.between(1, 2);
  const int64_t pad = w.kh / 2;
  w.pads = {pad, pad, pad, pad};
  w.oh = w.ow = (w.h + 2 * pad - w.kh) / w.stride_h + 1;
  w.has_bias = true;
  w.has_residual = random.below(4) == 0;
  w.host_input = w.ci == 3;
  return w;
}

SpaceOptions joint_options(SpaceKind kind) {
  SpaceOptions options;
  options.kind = kind;
  options.hardware.variant = IsaVariant::kVtaPlus;
  options.budget = default_budget();
  return options;
}

// The default VTA, or any chip within its area.
HardwareConfig random_chip(const ConfigurationSpace& joint, Random& random) {
  constexpr int kTries = 1000;
  for (int i = 0; random.below(4) > 0 && i < kTries; ++i) {
    const size_t chip = random.below(joint.chip_count());
    if (joint.chip_legal(chip)) return joint.chip(chip);
  }
  return {};
}

// One kind of space: with the chip's knobs, or on given chips.
class Course {
 public:
  Course(const std::vector<Workload>& workloads, SpaceKind chips, bool given_chip, uint64_t seed)
      : workloads_(workloads), joint_(Workload(), joint_options(chips)), given_chip_(given_chip), random_(seed) {}

  void run(int updates, AgentLibrary& library, const std::function<void()>& updated) {
    ArcoOptions options;
    MappoOptions networks = ArcoTuner::agent_options(options);
    networks.planned_updates = updates;
    for (int done = 0; done < updates && !interrupted();) {
      const ConfigurationSpace space = next_space();
      if (!space.legal(space.default_choice())) continue;
      KnobEnvironment environment(space, options.environment, random_.next());
      if (!agents_) {
        world_ = agents_world(space, networks);
        agents_.emplace(environment.shape(), networks, random_.next());
      }
      ResidualModel closed_form(space, {});
      enter(environment, space, closed_form);
      for (int i = 0; i < kUpdatesPerWorld && done < updates && !interrupted(); ++i, ++done) {
        agents_->update(environment);
        updated();
      }
    }
    if (agents_) library.put(world_, agents_->save());
  }

 private:
  ConfigurationSpace next_space() {
    const bool known = !workloads_.empty() && random_.below(2) == 0;
    const Workload workload = known ? workloads_[random_.below(workloads_.size())] : random_convolution(random_);
    if (!given_chip_) return {workload, joint_};
    SpaceOptions options;
    options.paper_schedules = joint_.options().only_paper_schedules();
    options.kind = SpaceKind::kSoftware;
    options.hardware = random_chip(joint_, random_);
    return {workload, options};
  }

  static uint64_t draw_legal(const ConfigurationSpace& space, Random& random) {
    constexpr int kTries = 10'000;
    for (int i = 0; i < kTries; ++i) {
      const uint64_t index = random.below(space.size());
      if (space.legal(space.decode(index))) return index;
    }
    return space.encode(space.default_choice());
  }

  void enter(KnobEnvironment& environment, const ConfigurationSpace& space, ResidualModel& closed_form) {
    std::vector<uint64_t> sample;
    for (size_t i = 0; i < kSample; ++i) sample.push_back(draw_legal(space, random_));
    std::ranges::sort(sample);
    sample.erase(std::unique(sample.begin(), sample.end()), sample.end());
    std::ranges::stable_sort(sample, {}, [&](uint64_t index) { return space.estimate(space.decode(index)); });
    const float best = closed_form.predict_prior(std::span(sample).first(1)).mean[0];
    StartStates starts;
    for (size_t i = 0; i < sample.size() && i < 2 * kStarts; ++i) {
      (i < kStarts ? starts.measured : starts.predicted).push_back(sample[i]);
    }
    starts.draw = [&space](Random& random) { return draw_legal(space, random); };
    environment.set_model(
        [&closed_form](std::span<const uint64_t> indices) { return closed_form.predict_prior(indices); }, best,
        std::move(starts));
  }

  const std::vector<Workload>& workloads_;
  ConfigurationSpace joint_;  // shares its chips with every space of the course
  bool given_chip_;
  Random random_;
  std::string world_;
  std::optional<Mappo> agents_;
};

}  // namespace

AgentLibrary pretrain_agents(const std::vector<Workload>& workloads, const PretrainingOptions& options,
                             const std::function<void(int, int)>& progress) {
  ARCO_CHECK(options.updates >= 1, "{} updates", options.updates);
  constexpr std::array<std::pair<SpaceKind, bool>, 4> kCourses{
      {{SpaceKind::kFull, false}, {SpaceKind::kFull, true}, {SpaceKind::kPaper, false}, {SpaceKind::kPaper, true}}};
  std::array<AgentLibrary, kCourses.size()> learned;
  std::mutex counting;
  int done = 0;
  parallel_for(kCourses.size(), options.jobs, [&](size_t i) {
    const auto [kind, given_chip] = kCourses[i];
    Course course(workloads, kind, given_chip, Random(options.seed).fork(i).next());
    course.run(options.updates, learned[i], [&] {
      const std::lock_guard lock(counting);
      ++done;
      if (progress) progress(done, options.updates * static_cast<int>(kCourses.size()));
    });
  });
  AgentLibrary library;
  for (const AgentLibrary& one : learned) {
    for (const auto& [world, weights] : one.sets()) library.put(world, weights);
  }
  return library;
}

}  // namespace arco
