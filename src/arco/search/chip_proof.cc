// Best first. A chip's bound is the sum of its layers' bounds:
//
//     layer not looked at      the closed form's least bound over all schedules (chip_table.h)
//     layer looked at          what branch and bound on its schedules has proven (tuners/exhaustive.h)
//
//     [ chips by bound ]  --least-->  first time: measure its best estimated schedules
//            ^                        then: measure the next schedules of the layer with the widest gap, best bound
//            first
//            +---- if the new bound is still below the best measured design ----+
//
// The least bound left is what no chip beats. When it reaches the best measured, the proof is complete.
#include "arco/search/chip_proof.h"

#include <algorithm>
#include <limits>
#include <queue>

#include "arco/base/interrupt.h"
#include "arco/base/parallel.h"
#include "arco/search/schedule_tuning.h"
#include "arco/search/tuners/exhaustive.h"

namespace arco {
namespace {
constexpr size_t kChipsAtOnce = 8;       // independent of the number of threads
constexpr size_t kSchedulesAtOnce = 16;  // of the widest layer
constexpr size_t kFirstChips = 16;       // of least estimate: a good design prunes from the start
}  // namespace

struct ChipProof::Layer {
  double least = std::numeric_limits<double>::infinity();  // measured
  double bound = 0;                                        // proven
  Schedule best;
  std::string key;                            // of the space
  std::unique_ptr<ConfigurationSpace> space;  // with its tuner, once it was looked at
  std::unique_ptr<Tuner> tuner;
};

struct ChipProof::Chip {
  std::vector<Layer> layers;
};

ChipProof::ChipProof(const ChipTable& table, NetworkMeter& meter, RecordedSearch& records,
                     const ChipProofOptions& options, Report report)
    : table_(table), meter_(meter), records_(records), options_(options), report_(std::move(report)) {}

ChipProof::~ChipProof() = default;

ChipDesign ChipProof::run() {
  std::priority_queue<Node> open;
  std::vector<std::pair<double, size_t>> estimated;
  for (size_t chip = 0; chip < table_.chip_count(); ++chip) {
    const std::optional<Metrics> bound = table_.bound(chip);
    if (!bound) continue;
    open.push({bound->cycles, chip});
    estimated.emplace_back(table_.estimated_cost(chip), chip);
  }
  proven_ = open.empty() ? 0 : open.top().bound;
  std::ranges::sort(estimated);
  std::vector<size_t> first;
  for (size_t i = 0; i < std::min(kFirstChips, estimated.size()); ++i) first.push_back(estimated[i].second);
  visit(first);

  size_t done = first.size();
  while (!interrupted() && done < options_.trials && !open.empty() && open.top().bound < best_.cost) {
    std::vector<size_t> chips;
    while (chips.size() < kChipsAtOnce && !open.empty() && open.top().bound < best_.cost) {
      chips.push_back(open.top().chip);
      open.pop();
    }
    visit(chips);
    for (const size_t chip : chips) {
      const double bound = bound_of(*chips_.at(chip));
      if (bound < best_.cost) open.push({bound, chip});
      if (bound >= best_.cost) chips_.erase(chip);
    }
    done += chips.size();
    if (interrupted()) break;
    proven_ = open.empty() ? best_.cost : std::max(proven_, open.top().bound);
    report_(done, options_.trials, best_);
  }
  return best_;
}

void ChipProof::visit(const std::vector<size_t>& chips) {
  std::vector<size_t> known;
  std::vector<ChipDesign> designs;
  for (const size_t chip : chips) {
    if (chips_.contains(chip)) {
      known.push_back(chip);
    } else {
      chips_.emplace(chip, std::make_unique<Chip>());
      designs.push_back({table_.chip(chip), table_.score(chip).schedules});
    }
  }
  meter_.measure(designs);
  for (const size_t chip : chips) {
    if (chips_.at(chip)->layers.empty()) begin(chip);
  }
  parallel_for(known.size(), options_.jobs, [&](size_t i) { look_closer(known[i]); });
  for (const size_t chip : chips) conclude(chip);
}

void ChipProof::begin(size_t number) {
  const ChipScore& score = table_.score(number);
  for (size_t t = 0; t < table_.tasks().size(); ++t) {
    Layer layer;
    layer.bound = score.bounds[t].cycles;
    layer.best = score.schedules[t];
    const Measurement* m = meter_.layers().find({t, table_.chip(number), layer.best});
    if (m != nullptr && m->status == MeasureStatus::kOk) layer.least = m->cycles;
    chips_.at(number)->layers.push_back(std::move(layer));
  }
}

size_t ChipProof::widest_task(const Chip& chip) const {
  size_t widest = 0;
  double gap = -1;
  for (size_t t = 0; t < chip.layers.size(); ++t) {
    const double weighted = table_.tasks()[t].weight * (chip.layers[t].least - chip.layers[t].bound);
    if (weighted <= gap) continue;
    gap = weighted;
    widest = t;
  }
  return widest;
}

void ChipProof::look_closer(size_t number) {
  Chip& chip = *chips_.at(number);
  const size_t task = widest_task(chip);
  Layer& layer = chip.layers[task];
  if (!layer.space) {
    layer.space = std::make_unique<ConfigurationSpace>(table_.tasks()[task].workload,
                                                       schedules_on(table_.chip(number), table_.space(task).options()));
    layer.key = layer.space->key();
    layer.tuner = make_exhaustive(*layer.space, {.jobs = 1});
  }
  const TuneResult result =
      records_.run(*layer.space, layer.key, *layer.tuner, make_simulator_measurer(*layer.space, options_.timing),
                   kSchedulesAtOnce, kSchedulesAtOnce);
  layer.bound = std::max(layer.bound, layer.tuner->proven_bound());
  if (result.best.status != MeasureStatus::kOk || result.best.cycles >= layer.least) return;
  layer.least = result.best.cycles;
  layer.best = layer.space->schedule(layer.space->decode(result.best.index));
}

// The best of what was measured on a chip is a design.
void ChipProof::conclude(size_t number) {
  const Chip& chip = *chips_.at(number);
  double cycles = 0;
  for (size_t t = 0; t < chip.layers.size(); ++t) cycles += table_.tasks()[t].weight * chip.layers[t].least;
  if (cycles >= best_.cost) return;
  best_ = {table_.chip(number), {}, {}, cycles};
  best_.total.cycles = cycles;
  for (const Layer& layer : chip.layers) best_.schedules.push_back(layer.best);
}

double ChipProof::bound_of(const Chip& chip) const {
  double bound = 0;
  for (size_t t = 0; t < chip.layers.size(); ++t) {
    bound += table_.tasks()[t].weight * std::min(chip.layers[t].bound, chip.layers[t].least);
  }
  return bound;
}

}  // namespace arco
