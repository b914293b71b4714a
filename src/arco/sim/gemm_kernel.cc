// Sums modulo 2^32 do not depend on their order, so the steps of one instruction may be regrouped. A "row" is a pair
// (BLOCK_IN inputs of one batch row, BLOCK_OUT accumulators); a step multiplies BATCH rows with one weight entry. Loops
// whose weight factor is 0 multiply more rows with the same entry, which is what a convolution does along its output
// columns. Where these rows have different accumulators, they are taken in blocks of up to 8 whose accumulators stay
// in registers over all of BLOCK_IN:
//
//                      weights of input channels k, k+1:  [c0k c0k'] [c1k c1k'] [c2k c2k'] ...   one load, all rows
//   row 0 input pair [k k'] in every lane      x  ->  acc row 0:  c0  c1  c2 ...
//   row 1 input pair [k k'] in every lane      x  ->  acc row 1:  c0  c1  c2 ...
//
// The product of two pairs of int16 and the sum of both is one instruction on x86 (pmaddwd), exact for int8 values, and
// lanes are output channels, so nothing is ever summed across lanes.
#include "arco/sim/gemm_kernel.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "arco/sim/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "arco/sim/gemm_kernel.cc"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include <hwy/highway.h>

#ifndef ARCO_SIM_GEMM_ROWS
#define ARCO_SIM_GEMM_ROWS
namespace arco {

// Where a row's input and accumulators lie, relative to those of row 0.
struct GemmRow {
  size_t inp;
  size_t acc;
};

}  // namespace arco
#endif

HWY_BEFORE_NAMESPACE();
namespace arco {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Adds the products of the two int16 pairs in each 32-bit lane.
template <class D32, class V32>
HWY_INLINE V32 multiply_add_pairs(D32 d32, V32 a, V32 b, V32 sum) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  const hn::Repartition<int16_t, D32> d16;
  V32 unused = hn::Zero(d32);
  // On x86 this leaves each pair's sum in its own lane.
  return hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, a), hn::BitCast(d16, b), sum, unused);
#else
  const auto low = [](V32 v) { return hn::ShiftRight<16>(hn::ShiftLeft<16>(v)); };
  const auto high = [](V32 v) { return hn::ShiftRight<16>(v); };
  (void)d32;
  return hn::Add(sum, hn::Add(hn::Mul(low(a), low(b)), hn::Mul(high(a), high(b))));
#endif
}

// kRows rows times kVectors vectors of output channels from channel 0 of `wgt` and `acc`.
template <size_t kRows, size_t kVectors, class D32>
HWY_INLINE void multiply_block(D32 d32, const int16_t* inp, const int16_t* wgt, int32_t* acc, const GemmRow* rows,
                               size_t pairs, size_t block_out) {
  using V32 = hn::Vec<D32>;
  const size_t lanes = hn::Lanes(d32);
  V32 sums[kRows][kVectors];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::LoadU(d32, acc + rows[r].acc + v * lanes);
  }
  for (size_t pair = 0; pair < pairs; ++pair) {
    V32 weights[kVectors];
    for (size_t v = 0; v < kVectors; ++v) {
      weights[v] = hn::LoadU(d32, reinterpret_cast<const int32_t*>(wgt) + pair * block_out + v * lanes);
    }
    for (size_t r = 0; r < kRows; ++r) {
      int32_t input;
      std::memcpy(&input, inp + rows[r].inp + 2 * pair, sizeof(input));
      const V32 inputs = hn::Set(d32, input);
      for (size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = multiply_add_pairs(d32, inputs, weights[v], sums[r][v]);
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[r][v], d32, acc + rows[r].acc + v * lanes);
  }
}

// All rows times one weight entry.
template <size_t kVectors, class D32>
HWY_INLINE void multiply_rows(D32 d32, const int16_t* inp, const int16_t* wgt, int32_t* acc,
                              const std::vector<GemmRow>& rows, size_t pairs, size_t block_out) {
  // With 16 registers a block of 4 x 2 vectors fits, with 32 one of 8 x 2.
  constexpr size_t kWide = HWY_TARGET == HWY_AVX3 || kVectors == 1 ? 8 : 4;
  const size_t width = kVectors * hn::Lanes(d32);
  for (size_t c = 0; c < block_out; c += width) {
    const int16_t* w = wgt + 2 * c;
    const GemmRow* row = rows.data();
    const GemmRow* end = row + rows.size();
    for (; end - row >= std::ptrdiff_t{kWide}; row += kWide) {
      multiply_block<kWide, kVectors>(d32, inp, w, acc + c, row, pairs, block_out);
    }
    for (; end - row >= 4; row += 4) multiply_block<4, kVectors>(d32, inp, w, acc + c, row, pairs, block_out);
    for (; end - row >= 2; row += 2) multiply_block<2, kVectors>(d32, inp, w, acc + c, row, pairs, block_out);
    for (; row != end; ++row) multiply_block<1, kVectors>(d32, inp, w, acc + c, row, pairs, block_out);
  }
}

// Blocks smaller than any vector.
HWY_INLINE void multiply_rows_scalar(const int16_t* inp, const int16_t* wgt, int32_t* acc,
                                     const std::vector<GemmRow>& rows, size_t pairs, size_t block_out) {
  for (const GemmRow& row : rows) {
    for (size_t k = 0; k < 2 * pairs; ++k) {
      const int32_t input = inp[row.inp + k];
      for (size_t c = 0; c < block_out; ++c) {
        const int32_t product = input * wgt[(k / 2 * block_out + c) * 2 + k % 2];
        int32_t& sum = acc[row.acc + c];
        sum = static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(product));
      }
    }
  }
}

// The loops that change the weights; `outer` has iter_out and iter_in of the loops that are not in `rows`.
template <class Multiply>
HWY_INLINE void for_each_weight(const GemmTask& task, const LoopFields& outer, const Multiply& multiply) {
  const size_t block_in = static_cast<size_t>(task.block_in), block_out = static_cast<size_t>(task.block_out);
  const size_t inp_entry = static_cast<size_t>(task.batch) * block_in;
  const size_t acc_entry = static_cast<size_t>(task.batch) * block_out;
  for (size_t o = 0; o < outer.iter_out; ++o) {
    for (size_t i = 0; i < outer.iter_in; ++i) {
      const size_t dst = o * outer.dst_out + i * outer.dst_in;
      const size_t src = o * outer.src_out + i * outer.src_in;
      const size_t wgt = o * outer.wgt_out + i * outer.wgt_in;
      for (const MicroOp& uop : task.uops) {
        multiply(task.inp + (src + uop.src) * inp_entry, task.wgt + (wgt + uop.wgt) * block_in * block_out,
                 task.acc + (dst + uop.dst) * acc_entry);
      }
    }
  }
}

template <size_t kVectors, class D32>
void gemm_with(D32 d32, const GemmTask& task, const LoopFields& outer, const std::vector<GemmRow>& rows) {
  const size_t pairs = static_cast<size_t>(task.block_in) / 2, block_out = static_cast<size_t>(task.block_out);
  for_each_weight(task, outer, [&](const int16_t* inp, const int16_t* wgt, int32_t* acc) HWY_ATTR {
    multiply_rows<kVectors>(d32, inp, wgt, acc, rows, pairs, block_out);
  });
}

void gemm(const GemmTask& task, const LoopFields& outer, const std::vector<GemmRow>& rows) {
  const hn::ScalableTag<int32_t> full;
  const hn::CappedTag<int32_t, 8> half;
  const hn::CappedTag<int32_t, 4> quarter;
  const size_t pairs = static_cast<size_t>(task.block_in) / 2, block_out = static_cast<size_t>(task.block_out);
  if (block_out >= 2 * hn::Lanes(full)) {
    gemm_with<2>(full, task, outer, rows);
  } else if (block_out >= hn::Lanes(full)) {
    gemm_with<1>(full, task, outer, rows);
  } else if (block_out >= hn::Lanes(half)) {
    gemm_with<1>(half, task, outer, rows);
  } else if (block_out >= hn::Lanes(quarter)) {
    gemm_with<1>(quarter, task, outer, rows);
  } else {
    for_each_weight(task, outer, [&](const int16_t* inp, const int16_t* wgt, int32_t* acc) {
      multiply_rows_scalar(inp, wgt, acc, rows, pairs, block_out);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace arco
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arco {
namespace {

HWY_EXPORT(gemm);

// Which loops only repeat the weights, for different accumulators each time.
struct SharedLoops {
  bool out = false;
  bool in = false;
};

SharedLoops find_shared(const LoopFields& loop) {
  const bool out = loop.wgt_out == 0 && loop.dst_out != 0 && loop.iter_out > 1;
  const bool in = loop.wgt_in == 0 && loop.dst_in != 0 && loop.iter_in > 1;
  if (!out || !in) return {out, in};
  const bool distinct =
      loop.dst_out >= uint64_t{loop.iter_in} * loop.dst_in || loop.dst_in >= uint64_t{loop.iter_out} * loop.dst_out;
  if (distinct) return {true, true};
  return loop.iter_out > loop.iter_in ? SharedLoops{true, false} : SharedLoops{false, true};
}

std::vector<GemmRow> list_rows(const GemmTask& task, SharedLoops shared) {
  const LoopFields& loop = task.loop;
  const size_t batch = static_cast<size_t>(task.batch);
  const size_t count_out = shared.out ? loop.iter_out : 1, count_in = shared.in ? loop.iter_in : 1;
  std::vector<GemmRow> rows;
  rows.reserve(count_out * count_in * batch);
  for (size_t o = 0; o < count_out; ++o) {
    for (size_t i = 0; i < count_in; ++i) {
      const size_t src = o * loop.src_out + i * loop.src_in;
      const size_t dst = o * loop.dst_out + i * loop.dst_in;
      for (size_t b = 0; b < batch; ++b) {
        rows.push_back({(src * batch + b) * static_cast<size_t>(task.block_in),
                        (dst * batch + b) * static_cast<size_t>(task.block_out)});
      }
    }
  }
  return rows;
}

}  // namespace

void run_gemm(const GemmTask& task) {
  const SharedLoops shared = find_shared(task.loop);
  LoopFields outer = task.loop;
  if (shared.out) outer.iter_out = 1;
  if (shared.in) outer.iter_in = 1;
  HWY_DYNAMIC_DISPATCH(gemm)(task, outer, list_rows(task, shared));
}

void run_gemm_reset(const GemmTask& task) {
  const LoopFields& loop = task.loop;
  const size_t entry = static_cast<size_t>(task.batch) * static_cast<size_t>(task.block_out);
  // A factor of 1 in the inner loop makes one run of it.
  const bool run = loop.dst_in == 1 && loop.iter_in > 0;
  const size_t count = run ? loop.iter_in : 1, repeats = run ? 1 : loop.iter_in;
  for (size_t o = 0; o < loop.iter_out; ++o) {
    for (size_t i = 0; i < repeats; ++i) {
      for (const MicroOp& uop : task.uops) {
        std::fill_n(task.acc + (uop.dst + o * loop.dst_out + i * loop.dst_in) * entry, count * entry, 0);
      }
    }
  }
}

}  // namespace arco
#endif  // HWY_ONCE
