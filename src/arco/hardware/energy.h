// Energy of a run at 45 nm and 0.9 V, from counts of what it did (constants: docs/cost-model.md). Switching energy
// only: leakage and the clock tree are not modelled.
#pragma once

#include <cstdint>

#include "arco/hardware/hardware_config.h"

namespace arco {

// What a run did; the cycle simulator's report has all of these.
struct ActivityCounts {
  uint64_t instructions = 0;
  uint64_t gemm_steps = 0;  // reset not included
  uint64_t gemm_reset_steps = 0;
  uint64_t alu_steps = 0;
  uint64_t alu_tensor_steps = 0;  // those of alu_steps with two operands from ACC
  // Entries written by LOAD, padding included.
  uint64_t inp_loaded = 0, wgt_loaded = 0, acc_loaded = 0, uop_loaded = 0;
  uint64_t out_stored = 0;  // entries read by STORE
  uint64_t dram_read_bytes = 0, dram_written_bytes = 0;
};

// pJ.
struct Energy {
  double mac_array = 0;
  double alu = 0;
  double inp_buffer = 0;
  double wgt_buffer = 0;
  double acc_buffer = 0;
  double out_buffer = 0;
  double uop_buffer = 0;
  double control = 0;
  double dram = 0;
  double total() const {
    return mac_array + alu + inp_buffer + wgt_buffer + acc_buffer + out_buffer + uop_buffer + control + dram;
  }
};
// `hardware` must be legal.
Energy energy_of(const HardwareConfig& hardware, const ActivityCounts& counts);

// pJ of one access of `access_bytes` to a scratchpad of `buffer_bytes`, reading or writing. Monotone in both.
double buffer_access_pj(int64_t buffer_bytes, int64_t access_bytes);

}  // namespace arco
