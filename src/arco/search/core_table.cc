// A schedule needs so many bytes of each buffer; rounded up to the sizes there are, that is one cell of a table over
// the four sizes. Every chip with buffers at least as large can run it, so the best of a chip is the minimum over a
// corner of the table, found for all chips together by running minima along each axis:
//
//     WGT   . 9 .          9 9 9
//      |    7 . 5    -->   7 7 5        legal schedules: once a core shape, not once a chip
//      +-- INP             (cells: least cost that fits)
#include "arco/search/core_table.h"

#include <algorithm>
#include <bit>

#include "arco/base/error.h"
#include "arco/schedule/activity.h"
#include "arco/schedule/candidates.h"
#include "arco/schedule/estimate.h"
#include "arco/schedule/legality.h"

namespace arco {
namespace {

// The smallest n with 2^n >= elements * bytes.
int log2_size(int64_t elements, int64_t bytes) {
  return elements <= 0 ? 0 : std::bit_width(static_cast<uint64_t>(elements * bytes) - 1);
}

void set_buffers(HardwareConfig& hardware, const std::array<int, 4>& log2_bytes) {
  hardware.log2_inp_buffer = log2_bytes[0];
  hardware.log2_wgt_buffer = log2_bytes[1];
  hardware.log2_acc_buffer = log2_bytes[2];
  hardware.log2_uop_buffer = log2_bytes[3];
}

std::array<int, 4> log2_needs(const Workload& workload, const Schedule& schedule, const HardwareConfig& hardware) {
  const BufferNeeds needs = buffer_needs(workload, schedule, hardware);
  return {log2_size(needs.inp, hardware.inp_element_bytes()), log2_size(needs.wgt, hardware.wgt_element_bytes()),
          log2_size(needs.acc, hardware.acc_element_bytes()), log2_size(needs.uop, HardwareConfig::kUopElementBytes)};
}

}  // namespace

std::array<int, 4> log2_buffers(const HardwareConfig& hardware) {
  return {hardware.log2_inp_buffer, hardware.log2_wgt_buffer, hardware.log2_acc_buffer, hardware.log2_uop_buffer};
}

CoreTable::CoreTable(const Workload& workload, HardwareConfig core, const BufferRange& range, const Ranking& ranking,
                     const std::function<bool(const Schedule&)>& admits)
    : range_(range) {
  set_buffers(core, range.high);
  size_t cells = 1;
  for (size_t i = 0; i < range.low.size(); ++i) {
    ARCO_CHECK(range.low[i] <= range.high[i], "an empty range of buffers");
    cells *= static_cast<size_t>(range.high[i] - range.low[i] + 1);
  }
  cells_.resize(cells);
  const EstimateContext context(workload, core);
  for_each_cost(workload, core, admits, [&](const Schedule& s, const CycleCost& cycles) {
    Cell entry{.cost = cycles.estimate, .estimate = cycles.estimate, .bound = cycles.bound};
    if (ranking.energy) {
      entry.read_beats = context.parts(s).read_beats;
      // Of the largest buffers: what a chip's own sizes change is the same for all its schedules, nearly.
      const double energy = energy_estimate(workload, core, entry.read_beats);
      entry.cost = schedule_cost(ranking.objective, cycles.estimate, energy);
    }
    enter(s, log2_needs(workload, s, core), entry);
  });
  spread();
  keep_used_schedules();
}

size_t CoreTable::cell_of(const std::array<int, 4>& log2_bytes) const {
  size_t cell = 0;
  for (size_t i = log2_bytes.size(); i-- > 0;) {
    ARCO_CHECK(log2_bytes[i] >= range_.low[i] && log2_bytes[i] <= range_.high[i],
               "a buffer of 2^{} bytes is not in {}..{}", log2_bytes[i], range_.low[i], range_.high[i]);
    cell = cell * static_cast<size_t>(range_.high[i] - range_.low[i] + 1) +
           static_cast<size_t>(log2_bytes[i] - range_.low[i]);
  }
  return cell;
}

void CoreTable::enter(const Schedule& schedule, const std::array<int, 4>& needs, const Cell& entry) {
  std::array<int, 4> sizes = needs;
  for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = std::max(sizes[i], range_.low[i]);
  Cell& cell = cells_[cell_of(sizes)];
  const double bound = std::min(cell.bound, entry.bound);
  if (entry.cost < cell.cost) {
    cell = entry;
    cell.schedule = static_cast<uint32_t>(schedules_.size());
    schedules_.push_back(schedule);
  }
  cell.bound = bound;
}

void CoreTable::spread() {
  size_t stride = 1;
  for (size_t i = 0; i < range_.low.size(); ++i) {
    const auto options = static_cast<size_t>(range_.high[i] - range_.low[i] + 1);
    for (size_t at = 0; at < cells_.size(); ++at) {
      if (at / stride % options == 0) continue;
      const Cell& smaller = cells_[at - stride];
      Cell& cell = cells_[at];
      const double bound = std::min(cell.bound, smaller.bound);
      if (smaller.cost < cell.cost || (smaller.cost == cell.cost && smaller.schedule < cell.schedule)) cell = smaller;
      cell.bound = bound;
    }
    stride *= options;
  }
}

void CoreTable::keep_used_schedules() {
  constexpr uint32_t kUnused = ~uint32_t{0};
  std::vector<uint32_t> place(schedules_.size(), kUnused);
  std::vector<Schedule> used;
  for (Cell& cell : cells_) {
    if (cell.cost == std::numeric_limits<double>::infinity()) continue;
    uint32_t& at = place[cell.schedule];
    if (at == kUnused) {
      at = static_cast<uint32_t>(used.size());
      used.push_back(schedules_[cell.schedule]);
    }
    cell.schedule = at;
  }
  schedules_ = std::move(used);
}

CoreTable::Best CoreTable::best(const std::array<int, 4>& log2_bytes) const {
  const Cell& cell = cells_[cell_of(log2_bytes)];
  if (cell.cost == std::numeric_limits<double>::infinity()) return {};
  return {schedules_[cell.schedule], cell.estimate, cell.bound, cell.read_beats};
}

}  // namespace arco
