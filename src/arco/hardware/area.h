// Area of a configuration at 45 nm, and the budget a design must keep (constants: docs/cost-model.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arco/hardware/hardware_config.h"

namespace arco {

// mm^2 at 45 nm. Monotone in every size.
struct Area {
  double mac_array = 0;
  double alu = 0;
  double inp_buffer = 0;
  double wgt_buffer = 0;
  double acc_buffer = 0;
  double out_buffer = 0;
  double uop_buffer = 0;
  double dma = 0;
  double control = 0;
  double total() const {
    return mac_array + alu + inp_buffer + wgt_buffer + acc_buffer + out_buffer + uop_buffer + dma + control;
  }
};
Area area_of(const HardwareConfig& hardware);
// area_of(hardware).total() / area_of(default VTA).total().
double relative_area(const HardwareConfig& hardware);

// Bytes of all scratchpads, OUT included.
int64_t buffer_bytes(const HardwareConfig& hardware);

// Upper limits; absent means unlimited.
struct Budget {
  std::optional<double> area_mm2;
  std::optional<int64_t> buffer_bytes;
  std::optional<int> bus_bits;
  std::optional<int64_t> dsp, bram36, lut;  // of an FPGA (fpga.h)
  std::optional<double> energy_pj;          // of one run
  // Each limit that the hardware breaks, with needed and allowed value. Empty: within budget. The hardware must be
  // legal.
  std::vector<std::string> violations(const HardwareConfig& hardware) const;
  // The same for what a run took; empty: within budget.
  std::string energy_violation(double pj) const;
};
// Area and bus width of the default VTA.
Budget default_budget();

}  // namespace arco
