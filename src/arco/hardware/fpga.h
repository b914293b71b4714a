// What a configuration would take of a Xilinx UltraScale+ FPGA: an estimate, not a synthesis result.
#pragma once

#include <cstdint>

#include "arco/hardware/hardware_config.h"

namespace arco {

struct FpgaResources {
  int64_t dsp = 0;     // DSP48E2
  int64_t bram36 = 0;  // blocks of 36 Kbit
  int64_t lut = 0;     // rough: see docs/cost-model.md
};
// `hardware` must be legal.
FpgaResources fpga_of(const HardwareConfig& hardware);

}  // namespace arco
