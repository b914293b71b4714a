// Every constant behind area, energy and the FPGA view, with its unit and where it comes from.
#pragma once

#include <vector>

namespace arco {

struct CostConstant {
  const char* name;
  double value;
  const char* unit;
  const char* source;
};

// At 45 nm and 0.9 V; "chosen" means ours, explained in docs/cost-model.md, whose table has the same rows.
struct CostConstants {
  // Arithmetic.
  CostConstant multiply8_energy{"8-bit multiply, energy", 0.2, "pJ", "Horowitz, ISSCC 2014"};
  CostConstant multiply8_area{"8-bit multiply, area", 282, "um^2", "Dally, NIPS 2015 tutorial"};
  CostConstant add32_energy{"32-bit add, energy", 0.1, "pJ", "Horowitz, ISSCC 2014"};
  CostConstant add32_area{"32-bit add, area", 137, "um^2", "Dally, NIPS 2015 tutorial"};
  CostConstant add16_energy{"16-bit add, energy", 0.05, "pJ", "Horowitz, ISSCC 2014"};
  CostConstant adder_tree_share{"adder tree per multiplier", 0.75, "32-bit adds", "chosen: sums of 16 to 24 bits"};
  CostConstant mac_register_bits{"registers per MAC", 28, "bits", "chosen: operands and a share of the pipeline"};
  CostConstant flip_flop_area{"flip-flop", 4.5, "um^2 per bit", "Nangate 45 nm open cell library, DFF_X1"};
  CostConstant alu_lane_area{"ALU lane, area", 900, "um^2", "chosen: 32-bit add, compare, shift, an 8x8 multiplier"};
  CostConstant alu_lane_energy{"ALU lane, energy", 0.1, "pJ per operation", "chosen: about a 32-bit add"};
  CostConstant step_additions{"indices of a step", 3, "16-bit adds", "chosen: destination, source, weight"};
  // Memories on the chip.
  CostConstant sram_bit_area{"SRAM with one port", 0.55, "um^2 per bit",
                             "chosen: published 0.346 um^2 6T cell, 63 % of the macro are cells"};
  CostConstant sram_two_port_bit_area{"SRAM with one read and one write port", 0.8, "um^2 per bit",
                                      "chosen: 1.45 times"};
  CostConstant small_macro_bytes{"small SRAM macro, below", 4096, "bytes", "chosen"};
  CostConstant small_macro_area{"periphery of a small macro", 6000, "um^2",
                                "chosen: less than the cells of 2 KB, so that a larger buffer is never smaller"};
  CostConstant sram_8k_energy{"SRAM access, 64 bits of 8 KB", 10, "pJ", "Horowitz, ISSCC 2014"};
  CostConstant sram_32k_energy{"SRAM access, 64 bits of 32 KB", 20, "pJ", "Horowitz, ISSCC 2014"};
  CostConstant sram_1m_energy{"SRAM access, 64 bits of 1 MB", 100, "pJ", "Horowitz, ISSCC 2014"};
  CostConstant sram_least_bytes{"smallest SRAM macro for energy", 1024, "bytes",
                                "chosen: decoders and sense amplifiers remain"};
  // Memory outside, control.
  CostConstant dram_energy{"DRAM access", 250, "pJ per byte", "Horowitz, ISSCC 2014: 1300 to 2600 pJ for 64 bits"};
  CostConstant dma_area{"DMA", 3000, "um^2 per byte of interface and direction", "chosen"};
  CostConstant control_area{"fetch and decode", 60000, "um^2", "chosen"};
  CostConstant queues{"instruction queues", 3, "memories", "the public design"};
  CostConstant queue_entries{"instruction queue", 512, "entries of 128 bits", "the public design"};
  // FPGA.
  CostConstant macs_per_dsp{"multiplications per DSP48E2", 2, "with a common operand", "Xilinx WP486"};
  CostConstant lut_per_mac{"LUT per MAC", 16, "LUT", "chosen: a guess of the order"};
  CostConstant lut_per_lane{"LUT per ALU lane", 200, "LUT", "chosen: a guess of the order"};
  CostConstant lut_per_bus_byte{"LUT per byte of interface", 150, "LUT", "chosen: a guess of the order"};
  CostConstant lut_control{"LUT for control", 8000, "LUT", "chosen: a guess of the order"};
};
inline constexpr CostConstants kCost;

// All of them in this order.
std::vector<CostConstant> all_cost_constants();

}  // namespace arco
