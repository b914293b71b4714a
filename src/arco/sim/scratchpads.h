// The scratchpads of the functional simulator, in a layout made for its kernels, and LOAD and STORE on them.
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstdint>
#include <span>
#include <vector>

#include "arco/hardware/hardware_config.h"
#include "arco/isa/instruction.h"

namespace arco {

// Narrow values are widened when they are loaded, so that the multiply-accumulate loop does not have to.
struct Scratchpads {
  explicit Scratchpads(const HardwareConfig& config);

  HardwareConfig hardware;
  hwy::AlignedFreeUniquePtr<int16_t[]> inp;  // [entry][BATCH][BLOCK_IN]
  hwy::AlignedFreeUniquePtr<int16_t[]> wgt;  // [entry][BLOCK_IN/2][BLOCK_OUT][2]: pairs of input channels side by side
  hwy::AlignedFreeUniquePtr<int32_t[]> acc;  // [entry][BATCH][BLOCK_OUT]
  std::vector<uint32_t> uop;

  // Elements of one entry as stored.
  size_t inp_entry() const { return static_cast<size_t>(hardware.inp_element_bytes()); }
  size_t wgt_entry() const { return static_cast<size_t>(hardware.wgt_element_bytes()); }
  size_t acc_entry() const { return static_cast<size_t>(hardware.out_element_bytes()); }
};

// Executes a LOAD whose entries and DRAM range the caller has checked. Any memory type but kOut.
void load_scratchpad(const MemoryFields& memory, std::span<const uint8_t> dram, Scratchpads& pads);

// Executes a STORE whose entries and DRAM range the caller has checked: the low 8 bits of each accumulator.
void store_scratchpad(const MemoryFields& memory, const Scratchpads& pads, std::span<uint8_t> dram);

}  // namespace arco
