#include "arco/search/network_meter.h"

#include "arco/hardware/area.h"

namespace arco {
namespace {

std::vector<Workload> workloads_of(const std::vector<WeightedTask>& tasks) {
  std::vector<Workload> workloads;
  for (const WeightedTask& task : tasks) workloads.push_back(task.workload);
  return workloads;
}

void append_points(const ChipDesign& design, std::vector<LayerPoint>& points) {
  for (size_t t = 0; t < design.schedules.size(); ++t) points.push_back({t, design.hardware, design.schedules[t]});
}

}  // namespace

NetworkMeter::NetworkMeter(const ChipTable& table, const TimingModel& timing, int jobs)
    : table_(table), layers_(workloads_of(table.tasks()), timing, jobs) {}

void NetworkMeter::measure(const std::vector<ChipDesign>& designs) {
  std::vector<LayerPoint> points;
  for (const ChipDesign& design : designs) append_points(design, points);
  layers_.measure(points);
}

void NetworkMeter::count(const ChipDesign& design) {
  std::vector<LayerPoint> points;
  append_points(design, points);
  layers_.count(points);
}

std::optional<Measurement> NetworkMeter::total(const ChipDesign& design) const {
  if (design.schedules.size() != tasks().size()) return std::nullopt;
  Measurement sum;
  double bytes = 0;
  for (size_t t = 0; t < tasks().size(); ++t) {
    const Measurement* layer = layers_.find({t, design.hardware, design.schedules[t]});
    if (layer == nullptr || layer->status != MeasureStatus::kOk) return std::nullopt;
    const double weight = tasks()[t].weight;
    sum.cycles += weight * layer->cycles;
    sum.energy_pj += weight * layer->energy_pj;
    bytes += weight * static_cast<double>(layer->dram_bytes);
    sum.wall_seconds += layer->wall_seconds;
  }
  sum.dram_bytes = static_cast<uint64_t>(bytes);
  sum.area_mm2 = area_of(design.hardware).total();
  return sum;
}

void NetworkMeter::update(ChipDesign& design) const {
  const auto sum = total(design);
  design.total = sum ? metrics_of(*sum) : Metrics{};
  design.cost = sum ? table_.cost(design.total) : std::numeric_limits<double>::infinity();
}

void NetworkMeter::choose_schedules(ChipDesign& design, const std::vector<std::vector<Schedule>>& candidates) const {
  update(design);
  // One pass finds the best where costs add up; a product of sums, or a limit on one, may take more.
  constexpr int kMostPasses = 8;
  for (int pass = 0; pass < kMostPasses; ++pass) {
    const double before = design.cost;
    for (size_t t = 0; t < candidates.size(); ++t) {
      for (const Schedule& schedule : candidates[t]) exchange_if_cheaper(design, t, schedule);
    }
    if (design.cost >= before) return;
  }
}

void NetworkMeter::exchange_if_cheaper(ChipDesign& design, size_t task, const Schedule& schedule) const {
  const Measurement* now = layers_.find({task, design.hardware, schedule});
  const Measurement* old = layers_.find({task, design.hardware, design.schedules[task]});
  if (now == nullptr || now->status != MeasureStatus::kOk) return;
  if (old == nullptr || old->status != MeasureStatus::kOk) {
    design.schedules[task] = schedule;
    return update(design);
  }
  const double weight = tasks()[task].weight;
  Metrics total = design.total;
  total.cycles += weight * (now->cycles - old->cycles);
  total.energy_pj += weight * (now->energy_pj - old->energy_pj);
  if (table_.cost(total) >= design.cost) return;
  design.schedules[task] = schedule;
  update(design);  // sums again, so that nothing drifts
}

}  // namespace arco
