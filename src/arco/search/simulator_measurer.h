// Measures configurations by lowering them and simulating the program's cycles.
#pragma once

#include "arco/search/configuration_space.h"
#include "arco/search/measurement.h"
#include "arco/sim/cycle.h"

namespace arco {

// `jobs` configurations at a time; results do not depend on it. `space` must outlive the measurer.
Measurer make_simulator_measurer(const ConfigurationSpace& space, const TimingModel& timing = {}, int jobs = 1);

// One layer: cycles, DRAM bytes, energy and area; kIllegal with the reason where it does not fit.
Measurement measure_configuration(const Workload& workload, const Configuration& configuration,
                                  const TimingModel& timing = {});

}  // namespace arco
