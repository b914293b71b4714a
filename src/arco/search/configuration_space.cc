// Choices map to values by position. The hardware part of a choice is a number in mixed radix: the legality, area and
// bytes of every chip are computed once.
#include "arco/search/configuration_space.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "arco/base/error.h"
#include "arco/schedule/activity.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/schedule/geometry.h"
#include "arco/schedule/legality.h"

namespace arco {

const std::vector<HardwareKnob>& full_hardware_knobs() {
  static const std::vector<HardwareKnob> knobs = {
      {"batch", &HardwareConfig::log2_batch, 0, 3},
      {"block_in", &HardwareConfig::log2_block_in, 3, 7},
      {"block_out", &HardwareConfig::log2_block_out, 3, 7},
      {"inp_buffer", &HardwareConfig::log2_inp_buffer, 12, 18},
      {"wgt_buffer", &HardwareConfig::log2_wgt_buffer, 13, 19},
      {"acc_buffer", &HardwareConfig::log2_acc_buffer, 13, 18},
      {"uop_buffer", &HardwareConfig::log2_uop_buffer, 11, 15},
  };
  return knobs;
}

const std::vector<HardwareKnob>& paper_hardware_knobs() {
  static const std::vector<HardwareKnob> knobs = {
      {"tile_b", &HardwareConfig::log2_batch, 0, 3},
      {"tile_ci", &HardwareConfig::log2_block_in, 3, 6},
      {"tile_co", &HardwareConfig::log2_block_out, 3, 6},
  };
  return knobs;
}

std::string why_chip_illegal(const HardwareConfig& hardware, const Budget& budget) {
  std::vector<std::string> reasons = hardware.violations();
  const std::vector<std::string> over = budget.violations(hardware);
  reasons.insert(reasons.end(), over.begin(), over.end());
  std::string text;
  for (const std::string& reason : reasons) text += (text.empty() ? "" : "; ") + reason;
  return text;
}

bool has_schedule(const SpaceOptions& options, const Workload& workload, const HardwareConfig& hardware,
                  const Schedule& s) {
  if (!options.only_paper_schedules()) return true;
  const Extents extents = extents_of(workload, hardware);
  return s.order == LoopOrder::kSpatialOuter && s.tile_b == 1 && s.tile_ci == extents.ci_step &&
         s.tile_co == extents.co_step;
}

ConfigurationSpace::ConfigurationSpace(const Workload& workload, const SpaceOptions& options)
    : workload_(workload), options_(options), contexts_(workload) {
  if (options_.kind != SpaceKind::kSoftware) options_.hardware.variant = IsaVariant::kVtaPlus;
  if (options_.kind == SpaceKind::kPaper) add_hardware_knobs(paper_hardware_knobs());
  if (options_.kind == SpaceKind::kFull) add_hardware_knobs(full_hardware_knobs());
  chips_ = std::make_shared<const std::vector<Chip>>(make_chips());
  add_schedule_knobs();
}

ConfigurationSpace::ConfigurationSpace(const Workload& workload, const ConfigurationSpace& like)
    : workload_(workload), options_(like.options_), contexts_(workload), chips_(like.chips_) {
  add_hardware_knobs(like.hardware_knobs_);
  add_schedule_knobs();
}

void ConfigurationSpace::add_knob(const char* name, Agent owner, std::vector<int64_t> values) {
  knobs_.push_back({name, owner, std::move(values)});
}

void ConfigurationSpace::add_hardware_knobs(const std::vector<HardwareKnob>& knobs) {
  hardware_knobs_ = knobs;
  for (const HardwareKnob& knob : knobs) {
    std::vector<int64_t> values;
    for (int log2 = knob.low; log2 <= knob.high; ++log2) values.push_back(int64_t{1} << log2);
    add_knob(knob.name, Agent::kHardware, std::move(values));
  }
}

std::vector<ConfigurationSpace::Chip> ConfigurationSpace::make_chips() const {
  size_t count = 1;
  for (const HardwareKnob& knob : hardware_knobs_) count *= static_cast<size_t>(knob.high - knob.low + 1);
  std::vector<Chip> chips(count);
  for (size_t i = 0; i < count; ++i) {
    Chip& chip = chips[i];
    chip.hardware = options_.hardware;
    size_t rest = i;
    for (const HardwareKnob& knob : hardware_knobs_) {
      const auto options = static_cast<size_t>(knob.high - knob.low + 1);
      chip.hardware.*knob.log2_field = knob.low + static_cast<int>(rest % options);
      rest /= options;
    }
    chip.area_mm2 = area_of(chip.hardware).total();
    chip.buffer_bytes = buffer_bytes(chip.hardware);
    const bool affordable = !options_.budget.area_mm2 || chip.area_mm2 <= *options_.budget.area_mm2;
    chip.legal = affordable && why_chip_illegal(chip.hardware, options_.budget).empty();
  }
  return chips;
}

void ConfigurationSpace::add_schedule_knobs() {
  // A split's options differ between chips with other blocks: the knob has the values of all of them, and those that do
  // not divide are illegal.
  std::array<std::set<int64_t>, 5> values;
  std::set<std::array<int, 3>> seen;
  for (const Chip& chip : *chips_) {
    const HardwareConfig& hw = chip.hardware;
    if (!chip.legal || !seen.insert({hw.log2_batch, hw.log2_block_in, hw.log2_block_out}).second) continue;
    const TileChoices tiles = tile_choices(workload_, hw);
    const std::vector<int64_t>* lists[] = {&tiles.b, &tiles.h, &tiles.w, &tiles.ci, &tiles.co};
    for (size_t i = 0; i < values.size(); ++i) values[i].insert(lists[i]->begin(), lists[i]->end());
  }
  const auto list = [&](size_t i) {
    return values[i].empty() ? std::vector<int64_t>{1} : std::vector<int64_t>(values[i].begin(), values[i].end());
  };
  const bool paper = options_.only_paper_schedules();
  add_knob(paper ? "h_threading" : "h_threads", Agent::kScheduling, {1, 2});
  add_knob(paper ? "oc_threading" : "oc_threads", Agent::kScheduling, {1, 2});
  if (!paper) add_knob("order", Agent::kScheduling, {0, 1});
  add_knob("tile_h", Agent::kMapping, list(1));
  add_knob("tile_w", Agent::kMapping, list(2));
  if (paper) return;
  add_knob("tile_b", Agent::kMapping, list(0));
  add_knob("tile_ci", Agent::kMapping, list(3));
  add_knob("tile_co", Agent::kMapping, list(4));
}

size_t ConfigurationSpace::chip_number(const Choice& choice) const {
  size_t index = 0;
  for (size_t i = hardware_knobs_.size(); i-- > 0;) {
    index = index * knobs_[i].values.size() + static_cast<size_t>(choice[i]);
  }
  return index;
}

Schedule ConfigurationSpace::schedule_of(const Choice& choice, const HardwareConfig& hardware) const {
  size_t at = hardware_knobs_.size();
  const auto next = [&] {
    const int64_t value = knobs_[at].values[static_cast<size_t>(choice[at])];
    ++at;
    return value;
  };
  Schedule s;
  s.h_threads = static_cast<int>(next());
  s.oc_threads = static_cast<int>(next());
  const bool paper = options_.only_paper_schedules();
  if (!paper) s.order = static_cast<LoopOrder>(next());
  s.tile_h = next();
  s.tile_w = next();
  if (paper) {
    const Extents extents = extents_of(workload_, hardware);
    s.tile_ci = extents.ci_step;
    s.tile_co = extents.co_step;
  } else {
    s.tile_b = next();
    s.tile_ci = next();
    s.tile_co = next();
  }
  return s;
}

Configuration ConfigurationSpace::configuration(const Choice& choice) const {
  const Chip& chip = chip_of(choice);
  return {chip.hardware, schedule_of(choice, chip.hardware)};
}

std::optional<Choice> ConfigurationSpace::choice_of(const Configuration& c) const {
  std::vector<int64_t> values;
  for (const HardwareKnob& knob : hardware_knobs_) values.push_back(int64_t{1} << (c.hardware.*knob.log2_field));
  const Schedule& s = c.schedule;
  values.insert(values.end(), {s.h_threads, s.oc_threads});
  const bool paper = options_.only_paper_schedules();
  if (!paper) values.push_back(static_cast<int64_t>(s.order));
  values.insert(values.end(), {s.tile_h, s.tile_w});
  if (!paper) values.insert(values.end(), {s.tile_b, s.tile_ci, s.tile_co});
  Choice choice;
  for (size_t i = 0; i < knobs_.size(); ++i) {
    const auto& options = knobs_[i].values;
    const auto found = std::find(options.begin(), options.end(), values[i]);
    if (found == options.end()) return std::nullopt;
    choice.push_back(static_cast<int>(found - options.begin()));
  }
  const Configuration back = configuration(choice);
  if (!(back.schedule == s) || back.hardware.to_string() != c.hardware.to_string()) return std::nullopt;
  return choice;
}

std::string ConfigurationSpace::key() const {
  const char* kinds[] = {"software", "paper", "full"};
  const bool paper_software = options_.kind == SpaceKind::kSoftware && options_.paper_schedules;
  std::string text = fmt::format("{} | {} | {}", workload_.to_string(),
                                 paper_software ? "paper-software" : kinds[static_cast<int>(options_.kind)],
                                 options_.hardware.to_string());
  const Budget& budget = options_.budget;
  if (options_.kind == SpaceKind::kSoftware) return text;
  if (budget.area_mm2) text += fmt::format(" | area {:.6f}", *budget.area_mm2);
  if (budget.buffer_bytes) text += fmt::format(" | buffers {}", *budget.buffer_bytes);
  if (budget.dsp) text += fmt::format(" | dsp {}", *budget.dsp);
  if (budget.bram36) text += fmt::format(" | bram36 {}", *budget.bram36);
  if (budget.lut) text += fmt::format(" | lut {}", *budget.lut);
  return text;
}

bool ConfigurationSpace::legal(const Choice& choice) const {
  const Chip& chip = chip_of(choice);
  return chip.legal && broken_rule(workload_, schedule_of(choice, chip.hardware), chip.hardware) == Rule::kNone;
}

std::string ConfigurationSpace::why_illegal(const Choice& choice) const {
  const Chip& chip = chip_of(choice);
  if (!chip.legal) return why_chip_illegal(chip.hardware, options_.budget);
  return arco::why_illegal(workload_, schedule_of(choice, chip.hardware), chip.hardware);
}

namespace {
// Features: the knobs (log2), then what follows from them.
constexpr size_t kDerivedFeatures = 26;
float log2_of(double value) {
  return static_cast<float>(std::log2(value + 1));
}
}  // namespace

size_t ConfigurationSpace::feature_count() const {
  return knobs_.size() + kDerivedFeatures;
}

void ConfigurationSpace::features(const Choice& choice, std::span<float> out) const {
  std::fill(out.begin(), out.end(), 0.0F);
  for (size_t i = 0; i < knobs_.size(); ++i) {
    out[i] = log2_of(static_cast<double>(knobs_[i].values[static_cast<size_t>(choice[i])]));
  }
  const Chip& chip = chip_of(choice);
  const Schedule s = schedule_of(choice, chip.hardware);
  const HardwareConfig& hw = chip.hardware;
  size_t at = knobs_.size();
  const auto put = [&](double value) { out[at++] = static_cast<float>(value); };
  const bool fits = broken_rule(workload_, s, hw) == Rule::kNone;
  put(fits && chip.legal);
  if (!fits) return;
  const Geometry g = geometry_of(workload_, s, hw);
  const EstimateContext& context = contexts_.on(hw);
  const CycleParts p = context.parts(s);
  const TransferCounts counts = context.transfers(s);
  const CycleCost cost = context.cost(s);
  put(static_cast<double>(g.inp_elements()) / static_cast<double>(hw.inp_depth()));
  put(static_cast<double>(g.wgt_elements()) / static_cast<double>(hw.wgt_depth()));
  put(static_cast<double>(g.acc_elements()) / static_cast<double>(hw.acc_depth()));
  const double sizes[] = {static_cast<double>(hw.macs_per_step()),
                          static_cast<double>(g.b_tiles),
                          static_cast<double>(g.h_tiles),
                          static_cast<double>(g.w_tiles),
                          static_cast<double>(g.ci_tiles),
                          static_cast<double>(g.co_tiles),
                          static_cast<double>(g.inp_tile),
                          static_cast<double>(g.wgt_tile),
                          static_cast<double>(g.acc_tile),
                          static_cast<double>(counts.inp),
                          static_cast<double>(counts.wgt),
                          p.gemm,
                          p.alu,
                          p.compute_dma,
                          p.load,
                          p.store,
                          p.read_beats,
                          p.fill,
                          p.drain,
                          cost.bound,
                          cost.estimate};
  for (const double size : sizes) out[at++] = log2_of(size);
  put(p.load / (p.compute() + 1));
}

std::vector<float> ConfigurationSpace::workload_descriptor() const {
  const Workload& w = workload_;
  std::vector<float> descriptor;
  for (const int64_t size : {w.n, w.h, w.w, w.ci * w.plane, w.co, w.kh, w.kw, w.stride_h, w.stride_w}) {
    descriptor.push_back(static_cast<float>(std::log2(static_cast<double>(size)) / 16));
  }
  return descriptor;
}

Resources ConfigurationSpace::resources(const Choice& choice) const {
  const Chip& chip = chip_of(choice);
  const HardwareConfig& hw = chip.hardware;
  Resources r;
  const double area_limit = options_.budget.area_mm2.value_or(chip.area_mm2);
  const auto byte_limit = static_cast<double>(options_.budget.buffer_bytes.value_or(chip.buffer_bytes));
  r.area = static_cast<float>(chip.area_mm2 / area_limit);
  r.memory = static_cast<float>(static_cast<double>(chip.buffer_bytes) / byte_limit);
  const Schedule s = schedule_of(choice, hw);
  if (broken_rule(workload_, s, hw) == Rule::kTileDivides) return r;
  const Geometry g = geometry_of(workload_, s, hw);
  const auto ratio = [](int64_t needed, int64_t depth) {
    return static_cast<float>(needed) / static_cast<float>(std::max<int64_t>(depth, 1));
  };
  r.inp = ratio(g.inp_elements(), hw.inp_depth());
  r.wgt = ratio(g.wgt_elements(), hw.wgt_depth());
  r.acc = ratio(g.acc_elements(), hw.acc_depth());
  return r;
}

double ConfigurationSpace::cost(const Measurement& measurement) const {
  return cost_of(options_.objective, metrics_of(measurement));
}

Metrics ConfigurationSpace::bound_metrics(const Choice& choice) const {
  const Chip& chip = chip_of(choice);
  const double energy = needs_energy(options_.objective) ? energy_bound(workload_, chip.hardware) : 0;
  const CycleCost cost = contexts_.on(chip.hardware).cost(schedule_of(choice, chip.hardware), Wanted::kBound);
  return {cost.bound, energy, chip.area_mm2};
}

Metrics ConfigurationSpace::estimate_metrics(const Choice& choice) const {
  const Chip& chip = chip_of(choice);
  const Schedule s = schedule_of(choice, chip.hardware);
  const EstimateContext& context = contexts_.on(chip.hardware);
  double energy = 0;
  if (needs_energy(options_.objective)) {
    energy = energy_estimate(workload_, chip.hardware, context.parts(s).read_beats);
  }
  return {context.cost(s, Wanted::kEstimate).estimate, energy, chip.area_mm2};
}

double ConfigurationSpace::bound(const Choice& choice) const {
  return cost_of(options_.objective, bound_metrics(choice));
}

double ConfigurationSpace::estimate(const Choice& choice) const {
  return cost_of(options_.objective, estimate_metrics(choice));
}

Choice ConfigurationSpace::default_choice() const {
  // The default VTA's core and buffers where the space has them, with the smallest legal tiles' best threads; else the
  // first legal point in index order.
  HardwareConfig plain = options_.hardware;
  if (options_.kind != SpaceKind::kSoftware) {
    const HardwareConfig vta;
    for (const HardwareKnob& knob : hardware_knobs_) plain.*knob.log2_field = vta.*knob.log2_field;
  }
  std::optional<Choice> found;
  if (!options_.only_paper_schedules()) {
    if (const auto schedule = best_estimated(workload_, plain)) found = choice_of({plain, *schedule});
    if (found && legal(*found)) return *found;
  }
  for (uint64_t index = 0; index < size(); ++index) {
    Choice choice = decode(index);
    if (legal(choice)) return choice;
  }
  return Choice(knobs_.size(), 0);
}

}  // namespace arco
