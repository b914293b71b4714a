#include "arco/search/network_space.h"

#include <cmath>

#include "arco/base/error.h"
#include "arco/schedule/candidates.h"

namespace arco {

NetworkSpace::NetworkSpace(const ChipTable& table, size_t focus)
    : table_(table), joint_(table.space(focus)), focus_(focus) {
  knobs_ = joint_.knobs();
}

std::optional<Choice> NetworkSpace::choice_of(size_t chip, const Schedule& schedule) const {
  return joint_.choice_of({table_.chip(chip), schedule});
}

std::string NetworkSpace::key() const {
  std::string text = "network of " + joint_.key();
  // The schedules of the other tasks depend on what they are chosen for.
  const Objective objective = joint_.options().objective;
  if (needs_energy(objective)) text += fmt::format(" | for {}", to_string(objective));
  for (const WeightedTask& task : table_.tasks()) {
    text += fmt::format(" | {:g} x {}", task.weight, task.workload.to_string());
  }
  return text;
}

bool NetworkSpace::legal(const Choice& choice) const {
  return joint_.legal(choice) && table_.score(joint_.chip_number(choice)).why.empty();
}

std::string NetworkSpace::why_illegal(const Choice& choice) const {
  const std::string why = joint_.why_illegal(choice);
  return why.empty() ? table_.score(joint_.chip_number(choice)).why : why;
}

size_t NetworkSpace::feature_count() const {
  return joint_.feature_count() + 2;
}

void NetworkSpace::features(const Choice& choice, std::span<float> out) const {
  const size_t own = joint_.feature_count();
  joint_.features(choice, out.first(own));
  const bool fits = legal(choice);
  const ChipScore* score = fits ? &table_.score(joint_.chip_number(choice)) : nullptr;
  out[own] = fits ? static_cast<float>(std::log2(table_.cost(score->estimate))) : 0;
  out[own + 1] = fits ? static_cast<float>(std::log2(table_.cost(score->bound))) : 0;
}

double NetworkSpace::cost(const Measurement& measurement) const {
  return table_.cost(metrics_of(measurement));
}

// The sum with the focus task's part exchanged.
double NetworkSpace::exchanged(Metrics sum, const Metrics& before, const Metrics& now) const {
  const double weight = table_.tasks()[focus_].weight;
  sum.cycles += weight * (now.cycles - before.cycles);
  if (now.energy_pj > 0) sum.energy_pj += weight * (now.energy_pj - before.energy_pj);
  return table_.cost(sum);
}

double NetworkSpace::bound(const Choice& choice) const {
  const ChipScore& score = table_.score(joint_.chip_number(choice));
  return exchanged(score.bound, score.bounds[focus_], joint_.bound_metrics(choice));
}

double NetworkSpace::estimate(const Choice& choice) const {
  const ChipScore& score = table_.score(joint_.chip_number(choice));
  return exchanged(score.estimate, score.estimates[focus_], joint_.estimate_metrics(choice));
}

Choice NetworkSpace::default_choice() const {
  const Choice start = joint_.default_choice();
  if (legal(start)) return start;
  for (size_t chip = 0; chip < table_.chip_count(); ++chip) {
    const ChipScore& score = table_.score(chip);
    if (!score.why.empty()) continue;
    if (const auto choice = choice_of(chip, score.schedules[focus_])) return *choice;
  }
  fail_user("no chip within the budget runs all {} layers; allow more of what the budget limits",
            table_.tasks().size());
}

}  // namespace arco
