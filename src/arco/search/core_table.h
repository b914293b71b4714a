// What one core shape (BATCH, BLOCK_IN, BLOCK_OUT) can do for one workload, for all sizes of its buffers at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/schedule/schedule.h"
#include "arco/schedule/workload.h"
#include "arco/search/objective.h"

namespace arco {

// log2 of bytes of the smallest and the largest size of each buffer: input, weight, accumulator, micro-op.
struct BufferRange {
  std::array<int, 4> low{};
  std::array<int, 4> high{};
};

// The sizes of a chip's buffers in the order of BufferRange.
std::array<int, 4> log2_buffers(const HardwareConfig& hardware);

class CoreTable {
 public:
  struct Best {
    Schedule schedule;
    double estimate = std::numeric_limits<double>::infinity();  // cycles of that schedule
    double bound = std::numeric_limits<double>::infinity();     // cycles, least of all legal schedules, maybe another's
    double read_beats = 0;                                      // of that schedule, where energy was asked for
  };

  // How schedules are compared: by estimated cycles, or by what the objective makes of cycles and energy.
  struct Ranking {
    Objective objective = Objective::kLatency;
    bool energy = false;  // keep the bus beats of each schedule, from which energy is estimated
  };

  // Looks at every schedule that `admits` (empty: all), once.
  CoreTable(const Workload& workload, HardwareConfig core, const BufferRange& range, const Ranking& ranking,
            const std::function<bool(const Schedule&)>& admits = {});

  // The best on the chip with these buffers, each within the range. Infinite where no schedule fits.
  Best best(const std::array<int, 4>& log2_bytes) const;

 private:
  struct Cell {
    double cost = std::numeric_limits<double>::infinity();
    double estimate = 0;
    double bound = std::numeric_limits<double>::infinity();
    double read_beats = 0;
    uint32_t schedule = 0;  // position in schedules_; the first in order of enumeration among equals
  };
  size_t cell_of(const std::array<int, 4>& log2_bytes) const;
  void enter(const Schedule& schedule, const std::array<int, 4>& needs, const Cell& entry);
  void spread();
  void keep_used_schedules();

  BufferRange range_;
  std::vector<Cell> cells_;
  std::vector<Schedule> schedules_;
};

}  // namespace arco
