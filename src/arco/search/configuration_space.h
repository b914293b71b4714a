// The joint space of one workload: hardware knobs and schedule knobs of the VTA family.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "arco/hardware/area.h"
#include "arco/hardware/hardware_config.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"
#include "arco/search/estimate_contexts.h"
#include "arco/search/objective.h"
#include "arco/search/space.h"

namespace arco {

// A point of the joint space.
struct Configuration {
  HardwareConfig hardware;
  Schedule schedule;
};

enum class SpaceKind : uint8_t {
  kSoftware,  // schedule knobs on given hardware
  kPaper,     // the paper's seven: BATCH, BLOCK_IN, BLOCK_OUT (as tile_b, tile_ci, tile_co), threads, tile_h, tile_w
  kFull,      // core shape and buffer sizes, all tile splits, threads, loop order
};

struct SpaceOptions {
  SpaceKind kind = SpaceKind::kFull;
  HardwareConfig hardware;  // kSoftware: the chip; otherwise what no knob sets (interface width, burst length)
  Budget budget;
  Objective objective = Objective::kLatency;
  bool energy_estimates = false;  // in tables of chips, even where the objective does not ask for them
  bool paper_schedules = false;   // kSoftware: only the schedule knobs of the paper's space (kPaper has no others)

  // Schedules are what threads, tile_h and tile_w say: no splits of batch and channels, rows outermost.
  bool only_paper_schedules() const { return paper_schedules || kind == SpaceKind::kPaper; }
};
// Whether a space with these options has a schedule, apart from legality.
bool has_schedule(const SpaceOptions& options, const Workload& workload, const HardwareConfig& hardware,
                  const Schedule& schedule);

// The hardware knobs of the full space, in knob order; also used to enumerate chips for a whole network.
struct HardwareKnob {
  const char* name;
  int HardwareConfig::*log2_field;
  int low, high;  // log2, both included
};
const std::vector<HardwareKnob>& full_hardware_knobs();
const std::vector<HardwareKnob>& paper_hardware_knobs();

class ConfigurationSpace : public SearchSpace {
 public:
  ConfigurationSpace(const Workload& workload, const SpaceOptions& options);
  // With the options and the chips of another space, which are shared.
  ConfigurationSpace(const Workload& workload, const ConfigurationSpace& like);

  Configuration configuration(const Choice& choice) const;
  // The choice that stands for a configuration; nothing if a knob lacks the value.
  std::optional<Choice> choice_of(const Configuration& configuration) const;
  const Workload& workload() const { return workload_; }
  const SpaceOptions& options() const { return options_; }

  // The chips of the space: every combination of the hardware knobs, the same numbering for all workloads.
  size_t chip_count() const { return chips_->size(); }
  size_t chip_number(const Choice& choice) const;
  const HardwareConfig& chip(size_t number) const { return (*chips_)[number].hardware; }
  bool chip_legal(size_t number) const { return (*chips_)[number].legal; }
  double chip_area(size_t number) const { return (*chips_)[number].area_mm2; }
  Schedule schedule(const Choice& choice) const { return schedule_of(choice, chip(chip_number(choice))); }
  // What bound() and estimate() are made of; without energy where the objective does not ask for it.
  Metrics bound_metrics(const Choice& choice) const;
  Metrics estimate_metrics(const Choice& choice) const;
  // Text that identifies the space in the record store: equal texts, equal spaces.
  std::string key() const;

  std::string why_illegal(const Choice& choice) const override;
  bool legal(const Choice& choice) const override;
  size_t feature_count() const override;
  void features(const Choice& choice, std::span<float> out) const override;
  std::vector<float> workload_descriptor() const override;
  Resources resources(const Choice& choice) const override;
  double cost(const Measurement& measurement) const override;
  double bound(const Choice& choice) const override;
  double estimate(const Choice& choice) const override;
  Choice default_choice() const override;

 private:
  struct Chip {
    HardwareConfig hardware;
    bool legal = false;
    double area_mm2 = 0;
    int64_t buffer_bytes = 0;
  };
  void add_hardware_knobs(const std::vector<HardwareKnob>& knobs);
  void add_schedule_knobs();
  void add_knob(const char* name, Agent owner, std::vector<int64_t> values);
  std::vector<Chip> make_chips() const;
  const Chip& chip_of(const Choice& choice) const { return (*chips_)[chip_number(choice)]; }
  Schedule schedule_of(const Choice& choice, const HardwareConfig& hardware) const;

  Workload workload_;
  SpaceOptions options_;
  EstimateContexts contexts_;
  std::vector<HardwareKnob> hardware_knobs_;
  std::shared_ptr<const std::vector<Chip>> chips_;  // by mixed radix of the hardware knobs, first least significant
};

// Why a chip cannot be: the rules of its instruction set, then the budget. "" if it can.
std::string why_chip_illegal(const HardwareConfig& hardware, const Budget& budget);

}  // namespace arco
