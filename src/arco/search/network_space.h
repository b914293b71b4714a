// One chip for a whole network as a search space: the hardware knobs, and the schedule knobs of one task in focus while
// every other task runs its best estimated schedule on that chip. Measurements are of the whole network.
#pragma once

#include "arco/search/chip_table.h"
#include "arco/search/space.h"

namespace arco {

class NetworkSpace : public SearchSpace {
 public:
  // The table must outlive the space.
  NetworkSpace(const ChipTable& table, size_t focus);

  size_t focus() const { return focus_; }
  const ChipTable& table() const { return table_; }
  size_t chip_number(const Choice& choice) const { return joint_.chip_number(choice); }
  Schedule schedule(const Choice& choice) const { return joint_.schedule(choice); }
  // The choice of a chip with the focus task's schedule.
  std::optional<Choice> choice_of(size_t chip, const Schedule& schedule) const;
  std::string key() const;

  std::string why_illegal(const Choice& choice) const override;
  bool legal(const Choice& choice) const override;
  size_t feature_count() const override;
  void features(const Choice& choice, std::span<float> out) const override;
  std::vector<float> workload_descriptor() const override { return joint_.workload_descriptor(); }
  Resources resources(const Choice& choice) const override { return joint_.resources(choice); }
  double cost(const Measurement& measurement) const override;
  double bound(const Choice& choice) const override;
  double estimate(const Choice& choice) const override;
  Choice default_choice() const override;

 private:
  double exchanged(Metrics sum, const Metrics& before, const Metrics& now) const;

  const ChipTable& table_;
  const ConfigurationSpace& joint_;
  size_t focus_;
};

}  // namespace arco
