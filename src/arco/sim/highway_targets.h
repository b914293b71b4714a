// Instruction sets that the kernels are not compiled for: they would only add compile time on x86, or have vectors of
// unknown size. Included before Highway.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
