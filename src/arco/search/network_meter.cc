#include "arco/search/network_meter.h"

#include "arco/hardware/area.h"

namespace arco {
namespace {

std::vector<Workload> workloads_of(const std::vector<WeightedTask>& tasks) {
  std::vector<Workload> workloads;
  for (const WeightedTask& task : tasks) workloads.push_back(task.workload);
  return workloads;
}

}  // namespace

NetworkMeter::NetworkMeter(std::vector<WeightedTask> tasks, const TimingModel& timing, int jobs)
    : tasks_(std::move(tasks)), layers_(workloads_of(tasks_), timing, jobs) {}

void NetworkMeter::measure(const std::vector<ChipDesign>& designs) {
  std::vector<LayerPoint> points;
  for (const ChipDesign& design : designs) {
    for (size_t t = 0; t < design.schedules.size(); ++t) points.push_back({t, design.hardware, design.schedules[t]});
  }
  layers_.measure(points);
}

std::optional<Measurement> NetworkMeter::total(const ChipDesign& design) const {
  if (design.schedules.size() != tasks_.size()) return std::nullopt;
  Measurement sum;
  double bytes = 0;
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const Measurement* layer = layers_.find({t, design.hardware, design.schedules[t]});
    if (layer == nullptr || layer->status != MeasureStatus::kOk) return std::nullopt;
    const double weight = tasks_[t].weight;
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
  design.cycles = sum ? sum->cycles : std::numeric_limits<double>::infinity();
}

}  // namespace arco
