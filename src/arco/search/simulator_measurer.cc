#include "arco/search/simulator_measurer.h"

#include <chrono>

#include "arco/base/parallel.h"
#include "arco/hardware/energy.h"
#include "arco/lower/lower.h"
#include "arco/schedule/legality.h"

namespace arco {

Measurement measure_configuration(const Workload& workload, const Configuration& c, const TimingModel& timing) {
  const auto start = std::chrono::steady_clock::now();
  Measurement m;
  m.area_mm2 = area_of(c.hardware).total();
  m.why = why_illegal(workload, c.schedule, c.hardware);
  if (!m.why.empty()) {
    m.status = MeasureStatus::kIllegal;
  } else {
    const Program program = lower(workload, c.schedule, c.hardware, typical_numbers(workload));
    const CycleReport report = simulate_cycles(c.hardware, program.instructions, timing);
    m.cycles = static_cast<double>(report.cycles);
    m.dram_bytes = report.read_bytes + report.written_bytes;
    m.energy_pj = energy_of(c.hardware, activity_of(report)).total();
  }
  m.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return m;
}

Measurer make_simulator_measurer(const ConfigurationSpace& space, const TimingModel& timing, int jobs) {
  return [&space, timing, jobs](const std::vector<uint64_t>& indices) {
    std::vector<Measurement> results(indices.size());
    parallel_for(indices.size(), jobs, [&](size_t i) {
      const Choice choice = space.decode(indices[i]);
      const std::string why = space.why_illegal(choice);
      if (why.empty()) {
        results[i] = measure_configuration(space.workload(), space.configuration(choice), timing);
        results[i].cost = space.cost(results[i]);
      } else {
        results[i].status = MeasureStatus::kIllegal;
        results[i].why = why;
      }
      results[i].index = indices[i];
    });
    return results;
  };
}

}  // namespace arco
