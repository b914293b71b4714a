// The arithmetic of one GEMM instruction on widened scratchpads.
#pragma once

#include <cstdint>
#include <span>

#include "arco/isa/instruction.h"

namespace arco {

// Layouts as in Scratchpads; every index that the loops reach lies inside.
struct GemmTask {
  const int16_t* inp = nullptr;
  const int16_t* wgt = nullptr;
  int32_t* acc = nullptr;
  int batch = 1;
  int block_in = 16;  // at least 2
  int block_out = 16;
  LoopFields loop;
  std::span<const MicroOp> uops;  // of [uop_begin, uop_end)
};

// ACC[dst][b][c] += sum over k of INP[src][b][k] * WGT[wgt][c][k], modulo 2^32, for every step. No reset.
void run_gemm(const GemmTask& task);

// ACC[dst] = 0 for every step.
void run_gemm_reset(const GemmTask& task);

}  // namespace arco
